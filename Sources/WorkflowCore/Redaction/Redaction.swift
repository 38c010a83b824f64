package import FlatValue
package import JSONSchema

/// Keeps what schemas call secret (`writeOnly`, which is `:secret()` in Lua) out of what is told of a run.
///
/// A secret is learnt where a value passes such a schema, and taken out wherever it turns up afterwards: in inputs and outputs of
/// other steps, in events, logs and messages.
package struct Redaction: Sendable, Equatable {
    package static let mark = "[secret]"
    /// Shorter texts are only taken out where they stand alone.
    private static let shortest = 6
    /// Secrets of one run; more than that are the same as one.
    private static let limit = 10_000

    private var texts: Set<String> = []
    /// The longest first, so that one which lies in another leaves no part of that.
    private var ordered: [Secret] = []
    private var values: [Value] = []

    private struct Secret: Equatable, Sendable {
        let text: String
        /// As it stands in JSON within a text, as arguments of a call do; nil where that is no other text.
        let escaped: String?

        init(_ text: String) {
            self.text = text
            let json = Value(text).json.dropFirst().dropLast()
            escaped = json == text[...] ? nil : String(json)
        }
    }

    package init() {}

    package var isEmpty: Bool { texts.isEmpty && values.isEmpty }

    // MARK: Learning

    package mutating func learn(_ value: Value?, _ schema: Schema?) {
        guard let value, let schema else { return }
        learn(value, schema.document, in: schema.document, depth: 0)
    }

    /// - Parameter document: a JSON Schema.
    package mutating func learn(_ value: Value, schema document: Value) {
        learn(value, document, in: document, depth: 0)
    }

    /// Whether a JSON Schema may call anything secret.
    package static func mentionsSecrets(_ document: Value) -> Bool {
        let key = Array("writeOnly".utf8)
        return document.withBytes { bytes in
            guard bytes.count >= key.count else { return false }
            return (0...bytes.count - key.count).contains { start in
                bytes[start] == key[0] && bytes[start..<start + key.count].elementsEqual(key)
            }
        }
    }

    private mutating func learn(_ value: Value, _ schema: Value, in document: Value, depth: Int) {
        guard depth < 64, schema.entries != nil else { return }
        if schema["writeOnly"]?.bool == true { return add(value, depth: 0) }
        if let reference = schema["$ref"]?.string, let target = Self.target(reference, in: document) {
            learn(value, target, in: document, depth: depth + 1)
        }
        for key in ["allOf", "anyOf", "oneOf"] {
            for part in schema[key]?.array ?? [] { learn(value, part, in: document, depth: depth + 1) }
        }
        for key in ["if", "then", "else"] {
            if let part = schema[key] { learn(value, part, in: document, depth: depth + 1) }
        }
        if let items = value.array {
            let first = schema["prefixItems"]?.array ?? []
            for (index, item) in items.enumerated() {
                let own = index < first.count ? first[index] : schema["items"]
                if let own { learn(item, own, in: document, depth: depth + 1) }
            }
        }
        for (key, field) in value.entries ?? [] {
            let own = schema["properties"]?[key] ?? schema["additionalProperties"]
            if let own { learn(field, own, in: document, depth: depth + 1) }
        }
    }

    /// What a reference within the document means.
    private static func target(_ reference: String, in document: Value) -> Value? {
        guard reference.hasPrefix("#") else { return nil }
        return reference.dropFirst().split(separator: "/").reduce(document) { value, key in
            value?[String(key).replacing("~1", with: "/").replacing("~0", with: "~")]
        }
    }

    private mutating func add(_ value: Value, depth: Int) {
        guard depth < 256 else { return }
        if let text = value.string {
            guard !text.isEmpty, texts.count < Self.limit, texts.insert(text).inserted,
                text.utf8.count >= Self.shortest
            else { return }
            let place = ordered.firstIndex { $0.text.utf8.count < text.utf8.count } ?? ordered.count
            ordered.insert(Secret(text), at: place)
        } else if value.entries?.isEmpty == false {
            for (_, field) in value.entries ?? [] { add(field, depth: depth + 1) }
        } else if let items = value.array {
            for item in items { add(item, depth: depth + 1) }
        } else if value.bool == nil, !value.isNull, values.count < Self.limit, !values.contains(value) {
            values.append(value)
        }
    }

    // MARK: Taking out

    package func redact(_ value: Value) -> Value {
        if isEmpty { return value }
        if let text = value.string { return Value(redact(text)) }
        if let items = value.array { return Value(array: items.map { redact($0) }) }
        if let entries = value.entries {
            return Value(
                entries: entries.map { (ordered.isEmpty ? $0.key : redact($0.key) as String, redact($0.value)) })
        }
        return values.contains(value) ? Value(Self.mark) : value
    }

    package func redact(_ text: String) -> String {
        if texts.isEmpty { return text }
        if texts.contains(text) { return Self.mark }
        var text = text
        for secret in ordered where text.utf8.count >= secret.text.utf8.count {
            text = text.replacing(secret.text, with: Self.mark)
            if let escaped = secret.escaped { text = text.replacing(escaped, with: Self.mark) }
        }
        return text
    }
}
