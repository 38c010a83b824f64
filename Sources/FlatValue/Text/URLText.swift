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
}
