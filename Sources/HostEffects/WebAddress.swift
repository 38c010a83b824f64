#if canImport(FoundationEssentials)
    internal import struct FoundationEssentials.URL
#else
    internal import struct Foundation.URL
#endif

/// The URL of a request: absolute, `http` or `https`, with a host.
///
/// It is read by the parser that the HTTP client uses too, so that a permission is checked for the host that is called.
struct WebAddress: Sendable, Equatable {
    let text: String
    let scheme: String
    /// In lower case, an IPv6 address without its brackets.
    let host: String
    let port: Int
    private let url: URL

    init(_ text: String) throws(HostFailure) {
        func invalid(_ why: String) -> HostFailure {
            HostFailure("invalid_url", "'\(text)' is no URL that can be called: \(why)", retryable: false)
        }
        guard !text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }), let url = URL(string: text) else {
            throw invalid("it has a character that must be percent-encoded, or is malformed")
        }
        guard let scheme = url.scheme?.lowercased(), scheme == "http" || scheme == "https" else {
            throw invalid("it must begin with http:// or https://")
        }
        guard var host = url.host?.lowercased(), !host.isEmpty else { throw invalid("it has no host") }
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        let port = url.port ?? (scheme == "https" ? 443 : 80)
        guard (1...65535).contains(port) else { throw invalid("\(port) is no port") }
        self.text = text
        self.scheme = scheme
        self.host = host
        self.port = port
        self.url = url
    }

    /// Where a `Location` header leads from here.
    func following(_ location: String) throws(HostFailure) -> WebAddress {
        guard let target = URL(string: location, relativeTo: url) else {
            throw HostFailure(
                "invalid_redirect", "\(text) redirects to '\(location)', which is no URL", retryable: false)
        }
        return try WebAddress(target.absoluteString)
    }

    /// Whether what is secret to one may be told to the other.
    func hasSameOrigin(as other: WebAddress) -> Bool {
        scheme == other.scheme && host == other.host && port == other.port
    }

    /// The value of `--allow-net` that would allow calling it.
    var permission: String {
        let isUsual = port == (scheme == "https" ? 443 : 80)
        let name = host.contains(":") ? (isUsual ? host : "[\(host)]") : host
        return isUsual ? name : "\(name):\(port)"
    }

    static func == (left: WebAddress, right: WebAddress) -> Bool { left.text == right.text }
}
