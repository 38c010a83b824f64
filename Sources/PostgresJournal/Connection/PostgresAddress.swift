internal import CPostgres
internal import FlatValue
internal import Platform
internal import WorkflowEngine

/// Where a store's database is, as libpq's connection URI.
struct PostgresAddress: Sendable {
    /// As it was given; it may hold a password and is never printed.
    let uri: String
    /// For people, without the password: `postgresql://app@db.example:5432/runs`.
    let name: String
    /// What the URI says that must not be printed.
    private let secrets: [String]

    private static let schemes = ["postgres://", "postgresql://"]

    /// Whether a text names a database and not a file.
    static func isAddress(_ text: String) -> Bool { schemes.contains { text.lowercased().hasPrefix($0) } }

    /// Loads libpq, which reads the URI.
    init(_ uri: String) throws(JournalError) {
        guard let scheme = Self.schemes.first(where: { uri.lowercased().hasPrefix($0) }), !uri.utf8.contains(0) else {
            throw JournalError(
                code: .storeUnavailable, message: "the address of a database begins with postgres:// or postgresql://"
            )
        }
        self.uri = uri
        secrets = Self.secrets(in: uri)
        let authority = uri.dropFirst(scheme.count).prefix { $0 != "/" && $0 != "?" }
        if authority.count(where: { $0 == "@" }) > 1 {
            throw JournalError(
                code: .storeUnavailable,
                message: "the address of the database has more than one @; write %40 for one in a password")
        }
        try PostgresLibrary.load()
        func value(_ keyword: String) -> String? { Self.value(keyword, in: uri) }
        var problem: UnsafeMutablePointer<CChar>?
        let host = cpg_conninfo_value(uri, "host", &problem)
        free(host)
        if let problem {
            defer { free(problem) }
            throw JournalError(
                code: .storeUnavailable,
                message: "the address of the database cannot be read: "
                    + Self.clean(String(cString: problem), of: Self.secrets(in: uri)))
        }
        let user = value("user").map { "\($0)@" } ?? ""
        let hosts = (value("host") ?? value("hostaddr") ?? "").split(separator: ",", omittingEmptySubsequences: false)
        let ports = (value("port") ?? "").split(separator: ",", omittingEmptySubsequences: false)
        let places = hosts.enumerated().map { index, host in
            let port = ports.count == 1 ? ports[0] : ports.dropFirst(index).first ?? ""
            return host + (port.isEmpty ? "" : ":\(port)")
        }
        name = "postgresql://\(user)\(places.joined(separator: ","))/\(value("dbname") ?? "")"
    }

    /// Whether the URI sets a keyword; what it does not set may get a default.
    func sets(_ keyword: String) -> Bool { Self.value(keyword, in: uri) != nil }

    /// A text of libpq or the server without what must not be printed, in one line.
    func clean(_ text: String) -> String { Self.clean(text, of: secrets) }

    /// An address that may be printed, without the password.
    static func printable(_ uri: String) -> String { (try? PostgresAddress(uri))?.name ?? "postgresql://…" }

    private static func clean(_ text: String, of secrets: [String]) -> String {
        var line = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        for secret in secrets { line = line.replacing(secret, with: "…") }
        return line
    }

    private static func value(_ keyword: String, in uri: String) -> String? {
        guard let value = cpg_conninfo_value(uri, keyword, nil) else { return nil }
        defer { free(value) }
        return String(cString: value)
    }

    /// The password, as it is written and as it is meant.
    private static func secrets(in uri: String) -> [String] {
        var found: [Substring] = []
        if let start = uri.range(of: "://")?.upperBound {
            let rest = uri[start...]
            if let end = rest.lastIndex(of: "@"), let colon = rest[..<end].firstIndex(of: ":") {
                found.append(rest[rest.index(after: colon)..<end])
            }
        }
        for name in ["password=", "sslpassword="] {
            var rest = uri[...]
            while let range = rest.range(of: name) {
                rest = rest[range.upperBound...]
                found.append(rest.prefix { $0 != "&" })
            }
        }
        return found.flatMap { [String($0), BytesText.percentDecoded($0) ?? ""] }.filter { !$0.isEmpty }
    }
}

extension StringProtocol {
    /// The first place of a text in this one.
    fileprivate func range(of text: String) -> Range<Index>? { firstRange(of: text) }
}
