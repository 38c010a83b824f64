internal import FlatValue

/// What an endpoint is sent to prove who sends, taken out of what is shown of its answers.
///
/// These are the values of headers, with what they stand for, and the user, the password and the values of the query of its URL.
struct EndpointSecrets: Sendable {
    static let mark = "[secret]"
    /// Shorter ones, in bytes, are taken out where they are words only.
    private static let longEnough = 6

    /// The longest first, so that one which lies in another leaves no part of that.
    private let texts: [String]

    init(_ endpoint: ExportSettings.Endpoint) {
        var texts: Set<String> = []
        for header in endpoint.headers {
            texts.insert(header.value)
            // `Bearer …`, `Basic …`
            guard let space = header.value.firstIndex(of: " ") else { continue }
            let proof = String(header.value[header.value.index(after: space)...])
            texts.insert(proof)
            guard header.value[..<space].lowercased() == "basic", let bytes = BytesText.bytes(base64: Array(proof.utf8))
            else { continue }
            texts.formUnion(Self.parts(of: String(decoding: bytes, as: UTF8.self)))
        }
        texts.formUnion(Self.parts(ofURL: endpoint.url))
        self.texts = texts.filter { $0.utf8.count > 1 }.sorted { ($0.utf8.count, $0) > ($1.utf8.count, $1) }
    }

    /// A user and a password, and both together.
    private static func parts(of credentials: String) -> [String] {
        [credentials] + credentials.split(separator: ":", maxSplits: 1).map(String.init)
    }

    private static func parts(ofURL url: String) -> [String] {
        var parts: [String] = []
        let rest = url.firstRange(of: "://").map { url[$0.upperBound...] } ?? url[...]
        let authority = rest.prefix { !"/?#".contains($0) }
        if let at = authority.lastIndex(of: "@") { parts += Self.parts(of: String(authority[..<at])) }
        if let mark = rest.firstIndex(of: "?") {
            for pair in rest[rest.index(after: mark)...].prefix(while: { $0 != "#" }).split(separator: "&") {
                let value = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).last ?? pair
                parts.append(String(value))
            }
        }
        return parts + parts.compactMap { BytesText.percentDecoded($0) }
    }

    func takenOut(of text: String) -> String {
        var text = text
        for secret in texts where text.contains(secret) {
            text =
                secret.utf8.count < Self.longEnough
                ? Self.replacingWord(secret, in: text) : text.replacing(secret, with: Self.mark)
        }
        return text
    }

    private static func replacingWord(_ secret: String, in text: String) -> String {
        func isOfWord(_ character: Character?) -> Bool { character.map { $0.isLetter || $0.isNumber } ?? false }
        var (result, rest) = ("", text[...])
        while let range = rest.firstRange(of: secret) {
            let before = range.lowerBound == text.startIndex ? nil : text[text.index(before: range.lowerBound)]
            let after = range.upperBound == text.endIndex ? nil : text[range.upperBound]
            let isWord = !isOfWord(before) && !isOfWord(after)
            result += rest[..<range.lowerBound] + (isWord ? mark[...] : rest[range])
            rest = rest[range.upperBound...]
        }
        return result + rest
    }
}
