internal import FlatValue
internal import WorkflowCore

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
    /// The value of an Authorization header for the user and password of the URL, which ``text`` does not have.
    let credentials: String?
    private let url: URL

    init(_ given: String) throws(HostFailure) {
        let (text, userInfo) = Self.separatingUserInfo(given)
        func invalid(_ why: String) -> HostFailure {
            HostFailure(
                "invalid_url", "'\(given.withoutSecretsOfURL)' is no URL that can be called: \(why)", retryable: false)
        }
        guard !text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }), let url = URL(string: text) else {
            throw invalid("it has a character that must be percent-encoded, or is malformed")
        }
        guard Self.escapesAreWhole(text), userInfo.map(Self.escapesAreWhole) ?? true else {
            throw invalid("a '%' in it is not followed by two hexadecimal digits")
        }
        guard let scheme = url.scheme?.lowercased(), scheme == "http" || scheme == "https" else {
            throw invalid("it must begin with http:// or https://")
        }
        guard var host = url.host?.lowercased(), !host.isEmpty else { throw invalid("it has no host") }
        if host.begins(with: "["), host.ends(with: "]") { host = String(Substring(host.utf8.dropFirst().dropLast())) }
        guard Self.isHost(host, isAddress: Self.authority(text).map { text[$0].has(byte: "[") } ?? false) else {
            throw invalid(
                "its host has a character that no host has; one of other letters than ASCII is written as xn--…")
        }
        if let digits = Self.portText(text), Int(digits).map((1...65535).contains) != true {
            throw invalid("'\(digits)' is no port")
        }
        let port = url.port ?? (scheme == "https" ? 443 : 80)
        guard (1...65535).contains(port) else { throw invalid("\(port) is no port") }
        credentials = userInfo.map { "Basic " + BytesText.base64(Self.unescaped($0)) }
        self.text = text
        self.scheme = scheme
        self.host = host
        self.port = port
        self.url = url
    }

    // MARK: Parts of the text

    /// Where the authority stands: behind `://`, up to the path, the query or the fragment.
    private static func authority(_ text: String) -> Range<String.Index>? {
        guard let scheme = text.firstRange(of: "://") else { return nil }
        return scheme.upperBound..<text[scheme.upperBound...].part(before: "/?#\\").endIndex
    }

    /// The URL without `user:password@`, and that part, which may lack the colon.
    private static func separatingUserInfo(_ text: String) -> (text: String, userInfo: String?) {
        guard let authority = authority(text), let at = text[authority].lastPlace(of: "@") else { return (text, nil) }
        let userInfo = String(text[authority.lowerBound..<at])
        let rest = text[..<authority.lowerBound] + text[text.utf8.index(after: at)...]
        return (String(rest), userInfo.isEmpty ? nil : userInfo.has(byte: ":") ? userInfo : userInfo + ":")
    }

    /// Whether a host, in lower case and without escapes, has nothing that whoever looks it up reads as its end or in another way.
    /// An address of IPv6, which stands in brackets, has colons and may have a zone.
    private static func isHost(_ host: String, isAddress: Bool) -> Bool {
        host.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
                UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                true
            case UInt8(ascii: ":"), UInt8(ascii: "%"): isAddress
            default: false
            }
        }
    }

    /// What stands behind the colon of the host; nil without one.
    private static func portText(_ text: String) -> Substring? {
        guard let range = authority(text) else { return nil }
        let host = text[range]
        let from = host.lastPlace(of: "]") ?? host.startIndex
        guard let colon = host[from...].lastPlace(of: ":") else { return nil }
        let digits = host[host.utf8.index(after: colon)...]
        return digits.isEmpty ? nil : digits
    }

    private static func escapesAreWhole(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return bytes.indices.allSatisfy { index in
            bytes[index] != UInt8(ascii: "%")
                || index + 2 < bytes.count && BytesText.nibble(bytes[index + 1]) != nil
                    && BytesText.nibble(bytes[index + 2]) != nil
        }
    }

    /// The bytes that percent-encoded text stands for.
    static func unescaped(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count,
                let high = BytesText.nibble(bytes[index + 1]),
                let low = BytesText.nibble(bytes[index + 2])
            {
                result.append(high << 4 | low)
                index += 3
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return result
    }

    /// Where a `Location` header leads from here.
    func following(_ location: String) throws(HostFailure) -> WebAddress {
        guard let target = URL(string: location, relativeTo: url) else {
            throw HostFailure(
                "invalid_redirect", "\(shown) redirects to '\(location.withoutSecretsOfQuery)', which is no URL",
                retryable: false)
        }
        return try WebAddress(target.absoluteString)
    }

    /// Whether what is secret to one may be told to the other.
    func hasSameOrigin(as other: WebAddress) -> Bool {
        scheme == other.scheme && host == other.host && port == other.port
    }

    /// The URL as spans and messages tell it; of any length, as whoever cuts it has to take secrets out before.
    var shown: String { text.withoutSecretsOfQuery }

    /// The value of `--allow-net` that would allow calling it.
    var permission: String {
        let isUsual = port == (scheme == "https" ? 443 : 80)
        let name = host.has(byte: ":") ? (isUsual ? host : "[\(host)]") : host
        return isUsual ? name : "\(name):\(port)"
    }

    /// `scheme://host:port`.
    var origin: String { "\(scheme)://\(authority)" }

    /// The value of a Host header: the host, and the port where it is not the usual one.
    var authority: String {
        let name = host.has(byte: ":") ? "[\(host)]" : host
        return port == (scheme == "https" ? 443 : 80) ? name : "\(name):\(port)"
    }

    /// The path and the query, which begins with a slash.
    var target: String {
        guard let range = Self.authority(text) else { return "/" }
        let rest = text[range.upperBound...].part(before: "#")
        return rest.begins(with: "/") ? String(rest) : "/" + rest
    }

    static func == (left: WebAddress, right: WebAddress) -> Bool { left.text == right.text }
}
