extension String {
    /// A text that was to be a URL without what may be a user, a password and a query, for messages.
    package var withoutSecretsOfURL: String {
        let scheme = firstRange(of: "://").map { String(self[..<$0.upperBound]) } ?? ""
        let rest = rest(after: scheme) ?? self[...]
        let authority = rest.part(before: "/?#")
        let shown = rest.part(before: "?#")
        if let at = authority.lastPlace(of: "@") { return scheme + shown[shown.utf8.index(after: at)...] }
        // What stands where a port would, and is none, is the beginning of a password that has such a character itself.
        let port =
            authority.begins(with: "[")
            ? nil : authority.pieces(between: ":", atMost: 2, omittingEmpty: false).dropFirst().first
        if port?.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) ?? true {
            return scheme + shown
        }
        guard let at = rest.lastPlace(of: "@") else { return scheme + authority.part(before: ":") + "…" }
        return scheme + rest[rest.utf8.index(after: at)...].part(before: "?#")
    }

    /// A URL without its fragment, with `REDACTED` for the values of the parameters of its query whose names sound secret.
    package var withoutSecretsOfQuery: String {
        let whole = part(before: "#")
        let parts = whole.pieces(between: "?", atMost: 2, omittingEmpty: false)
        guard parts.count == 2 else { return String(whole) }
        let query = parts[1].pieces(between: "&", omittingEmpty: false).map { pair -> String in
            let name = pair.part(before: "=")
            return Self.isSecret(name) && name.endIndex < pair.endIndex ? "\(name)=REDACTED" : String(pair)
        }
        return "\(parts[0])?\(query.joined(separator: "&"))"
    }

    private static let secretWords = [
        "key", "token", "secret", "sig", "pass", "pwd", "auth", "credential", "session", "jwt",
    ]
    /// As part of a longer name it says no more than of which kind something is.
    private static let secretNames = ["code"]

    /// Whether the name of a parameter sounds as if its value were a secret.
    private static func isSecret(_ name: Substring) -> Bool {
        let name = (BytesText.percentDecoded(name) ?? String(name)).lowercased()
        return secretNames.contains(name) || secretWords.contains { name.contains($0) }
    }
}
