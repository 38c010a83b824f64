extension String {
    /// A text that was to be a URL without what may be a user, a password and a query, for messages.
    package var withoutSecretsOfURL: String {
        let scheme = firstRange(of: "://").map { String(self[..<$0.upperBound]) } ?? ""
        let rest = dropFirst(scheme.count)
        let authority = rest.prefix { !"/?#".contains($0) }
        let shown = rest.prefix { $0 != "?" && $0 != "#" }
        if let at = authority.lastIndex(of: "@") { return scheme + shown[shown.index(after: at)...] }
        // What stands where a port would, and is none, is the beginning of a password that has such a character itself.
        let port = authority.hasPrefix("[") ? "" : authority.drop { $0 != ":" }.dropFirst()
        if port.allSatisfy(\.isNumber) { return scheme + shown }
        guard let at = rest.lastIndex(of: "@") else { return scheme + authority.prefix { $0 != ":" } + "…" }
        return scheme + rest[rest.index(after: at)...].prefix { $0 != "?" && $0 != "#" }
    }
}
