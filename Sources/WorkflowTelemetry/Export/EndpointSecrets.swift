internal import FlatValue
internal import WorkflowCore

/// What an endpoint is sent to prove who sends, taken out of what is shown of its answers.
///
/// These are the values of headers, with what they stand for, and the user, the password and the values of the query of its URL.
struct EndpointSecrets: Sendable {
    private var secrets = SecretTexts()

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
        for text in texts.sorted() where text.utf8.count > 1 { secrets.add(text, mark: Redaction.mark) }
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

    func takenOut(of text: String) -> String { secrets.takenOut(of: text, mayBeCut: true) }
}
