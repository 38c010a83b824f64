/// JSON pointers (RFC 6901).
enum JSONPointer {
    /// A pointer to a member of what `parent` points to.
    static func appending(_ token: String, to parent: String) -> String { "\(parent)/\(escape(token))" }

    static func escape(_ token: String) -> String {
        guard token.utf8.contains(where: { $0 == UInt8(ascii: "~") || $0 == UInt8(ascii: "/") }) else { return token }
        var escaped = ""
        for character in token.unicodeScalars {
            switch character {
            case "~": escaped += "~0"
            case "/": escaped += "~1"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }

    /// The tokens of a pointer that begins with `/` or is empty; nil where a `~` is not an escape.
    static func tokens(_ pointer: String) -> [String]? {
        guard !pointer.isEmpty else { return [] }
        guard pointer.utf8.first == UInt8(ascii: "/") else { return nil }
        var tokens: [String] = []
        for part in pointer.unicodeScalars.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            var token = String.UnicodeScalarView()
            var isEscape = false
            for scalar in part {
                if isEscape {
                    guard scalar == "0" || scalar == "1" else { return nil }
                    token.append(scalar == "0" ? "~" : "/")
                    isEscape = false
                } else if scalar == "~" {
                    isEscape = true
                } else {
                    token.append(scalar)
                }
            }
            if isEscape { return nil }
            tokens.append(String(token))
        }
        return tokens
    }
}
