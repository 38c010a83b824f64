internal import Crypto
package import WorkflowEngine

/// The text of a token: `akl_`, the id by which it is found, and its secret.
package enum TokenSecret {
    private static let digits = Array("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)

    /// Makes a token; the text is shown once, and only its hash is kept.
    package static func make(
        name: String, role: AccessToken.Role, workflows: [String], expiresAt: Int64, now: Int64
    ) -> (text: String, token: AccessToken) {
        var random = SystemRandomNumberGenerator()
        func letters(_ count: Int) -> String {
            String(decoding: (0..<count).map { _ in digits.randomElement(using: &random) ?? 0 }, as: UTF8.self)
        }
        let id = letters(10)
        let text = "akl_\(id)_\(letters(40))"
        let token = AccessToken(
            id: id, name: name, role: role, workflows: workflows, hash: hash(text), expiresAt: expiresAt, createdAt: now
        )
        return (text, token)
    }

    /// The id in a token's text; nil for what is no token.
    static func id(of text: String) -> String? {
        let parts = text.split(separator: "_", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "akl", !parts[1].isEmpty, parts[1].utf8.count <= 64 else { return nil }
        return String(parts[1])
    }

    static func hash(_ text: String) -> [UInt8] { Array(SHA256.hash(data: Array(text.utf8))) }

    /// Compares in a time that does not depend on where two hashes differ.
    static func areEqual(_ one: [UInt8], _ other: [UInt8]) -> Bool {
        guard one.count == other.count else { return false }
        return zip(one, other).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
