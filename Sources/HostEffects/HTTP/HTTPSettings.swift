internal import FlatValue
internal import Platform

/// What the operator of a process says about its requests.
package struct HTTPSettings: Sendable, Equatable {
    package static let usualConnections = 256

    /// Requests to one host at once, 1 or more; the others wait their turn.
    package var connectionsPerHost = usualConnections
    /// The proxy for `http` URLs, such as `http://user:password@proxy:3128`.
    package var httpProxy: String?
    /// The proxy for `https` URLs, which is asked for a tunnel.
    package var httpsProxy: String?
    /// Hosts that are called without a proxy.
    package var noProxy: [String] = []
    /// A PEM file with the authorities to trust, instead of those of the system.
    package var authorities: String?
    /// What names that file, for messages.
    package var authoritiesName = "SSL_CERT_FILE"
    /// PEM files by which a client proves itself to servers that ask for that.
    package var identity: Identity?

    package struct Identity: Sendable, Equatable {
        package var certificate: String
        package var key: String

        package init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }

    package init() {}

    /// Reads `HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY` (the names in lower case come first), `SSL_CERT_FILE` and
    /// `AIKIT_LUA_HTTP_CONNECTIONS`.
    package init(environment: (String) -> String?) {
        func either(_ name: String) -> String? {
            (environment(name.lowercased()) ?? environment(name)).flatMap { $0.isEmpty ? nil : $0 }
        }
        httpProxy = either("HTTP_PROXY")
        httpsProxy = either("HTTPS_PROXY")
        noProxy = (either("NO_PROXY") ?? "").split { $0 == "," || $0 == " " }.map { $0.lowercased() }
        authorities = environment("SSL_CERT_FILE").flatMap { $0.isEmpty ? nil : $0 }
        if let count = environment("AIKIT_LUA_HTTP_CONNECTIONS").flatMap({ Int($0) }), count > 0 {
            connectionsPerHost = count
        }
    }

    /// The settings of this process's environment.
    package static var ofProcess: HTTPSettings {
        HTTPSettings { name in getenv(name).map { String(cString: $0) } }
    }

    /// The proxy for a URL, or nil to call its host.
    func proxy(for url: WebAddress) -> String? {
        guard let proxy = url.scheme == "https" ? httpsProxy : httpProxy else { return nil }
        return noProxy.contains { Self.matches($0, url) } ? nil : proxy
    }

    /// `*` is any host, `example.com` and `.example.com` are it and all below, a port limits it to that one.
    private static func matches(_ pattern: String, _ url: WebAddress) -> Bool {
        if pattern == "*" || pattern == url.host || pattern == "[\(url.host)]" { return true }
        var name = pattern[...]
        if let colon = name.firstPlace(of: ":"), colon == name.lastPlace(of: ":") {
            guard name[name.utf8.index(after: colon)...] == "\(url.port)" else { return false }
            name = name[..<colon]
        }
        name = name.rest(after: "*") ?? name
        name = name.rest(after: ".") ?? name
        return !name.isEmpty && (url.host.isSpelled(like: name) || url.host.ends(with: "." + name))
    }
}
