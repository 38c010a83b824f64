internal import HTTPTypes
internal import Hummingbird

/// Keeps pages of other sites from using a server that asks nobody for a token: a browser on the same machine reaches it, and
/// takes their requests there.
enum BrowserGuard {
    /// - Throws: 403 for what changes something and comes from a page of another site, and for names of the server that it
    ///   is not to be known by, as a site that gives its own name this address would use.
    static func check(_ request: Request, _ options: ServerOptions) throws(APIError) {
        if let hosts = options.hosts, let name = request.head.authority.map(name(of:)), isPublic(name),
            !hosts.contains(name)
        {
            throw APIError(
                .forbidden, "foreign_host",
                "The server is not known as \(name); without tokens it answers to its own address alone")
        }
        guard request.method != .get, request.method != .head, isForeign(request, options) else { return }
        throw APIError(
            .forbidden, "foreign_origin",
            "A page of another site may change nothing here; name its origin with --cors, or make tokens")
    }

    private static func isForeign(_ request: Request, _ options: ServerOptions) -> Bool {
        if let origin = request.headers[.origin], options.admittedOrigin(origin) != nil { return false }
        // Browsers that know it say it, whatever a proxy made of the names.
        if let site = request.headers[.fetchSite] { return site != "same-origin" && site != "none" }
        guard let origin = request.headers[.origin], let authority = request.head.authority else { return false }
        return !(origin.hasSuffix("://" + authority))
    }

    /// Whether anybody may have registered the name, and have it lead here: no address, and none of a network's own.
    private static func isPublic(_ name: String) -> Bool {
        name.contains(".") && !name.hasSuffix(".localhost") && !name.allSatisfy { $0.isNumber || $0 == "." }
    }

    /// The host of an authority, without its port, in lower case.
    private static func name(of authority: String) -> String {
        let text = authority.lowercased()
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") { return String(text[...end]) }
        return String(text.prefix { $0 != ":" })
    }
}
