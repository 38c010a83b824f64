internal import HTTPTypes
internal import Hummingbird

/// The cookie by which a browser that has logged in shows its token: no script reads it, and no page of another site sends it.
///
/// It holds the token itself, so that a token that was revoked or has expired ends its sessions, and a server that starts anew,
/// or another one of the same store, still knows them.
enum SessionCookie {
    /// The longest token that browsers keep in a cookie, in bytes, with room for the name and the attributes.
    static let longest = 3800

    /// What a request shows of who sends it: the `Authorization` header, or else what the cookie makes of it.
    ///
    /// - Throws: 403 for a request that changes something by its cookie alone, without the header that only a page of this server
    ///   can add.
    static func credential(of request: Request) throws(APIError) -> (header: String?, isSession: Bool) {
        if let header = request.headers[.authorization] { return (header, false) }
        guard let token = token(of: request) else { return (nil, false) }
        try check(request)
        return ("Bearer \(token)", true)
    }

    /// - Throws: 403 for what changes something and lacks the header `X-CSRF-Protection`.
    static func check(_ request: Request) throws(APIError) {
        guard request.method != .get, request.method != .head, request.headers[.csrfProtection] == nil else { return }
        throw APIError(
            .forbidden, "csrf", "A request that changes something by a session needs the header X-CSRF-Protection")
    }

    /// The field that has a browser keep a token until it is closed, for what lies below a path; nil for a token that a cookie
    /// cannot hold.
    static func setting(_ token: String, for request: Request, below path: String) -> HTTPField? {
        guard token.utf8.count <= longest, token.utf8.allSatisfy(isPlain) else { return nil }
        return field("\(name(for: request))=\(token)", request, path)
    }

    /// The field that has a browser forget its token.
    static func clearing(for request: Request, below path: String) -> HTTPField {
        field("\(name(for: request))=; Max-Age=0", request, path)
    }

    /// The token in the cookie of a request; nil for none.
    static func token(of request: Request) -> String? {
        let name = name(for: request)
        for pair in request.headers[values: .cookie].flatMap({ $0.split(separator: ";") }) {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, parts[0].drop(while: { $0 == " " }) == name, !parts[1].isEmpty else { continue }
            return String(parts[1])
        }
        return nil
    }

    /// All ports of a host share their cookies, so that the name has the port that the browser asks at.
    private static func name(for request: Request) -> String {
        let port = (request.head.authority ?? "").split(separator: ":").last.flatMap { UInt16($0) }
        return port.map { "aikit_session_\($0)" } ?? "aikit_session"
    }

    private static func field(_ pair: String, _ request: Request, _ path: String) -> HTTPField {
        // A browser says here by which scheme it asks, whatever proxies make of the request.
        let secure = request.headers[.origin]?.hasPrefix("https://") == true ? "; Secure" : ""
        return HTTPField(name: .setCookie, value: "\(pair); Path=\(path)/; HttpOnly; SameSite=Strict\(secure)")
    }

    /// Whether a byte may stand in the value of a cookie by itself.
    private static func isPlain(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: ",")
            && byte != UInt8(ascii: ";") && byte != UInt8(ascii: "\\")
    }
}
