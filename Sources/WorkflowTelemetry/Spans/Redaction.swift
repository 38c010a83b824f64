internal import FlatValue
internal import JSONSchema
internal import WorkflowCore

/// Keeps what schemas call secret (`writeOnly`, which is `:secret()` in Lua) out of everything that is told of a run.
///
/// A secret is learnt where a value passes such a schema, and taken out wherever it turns up afterwards: in inputs and outputs of
/// other steps, in events, logs and messages.
struct Redaction {
    static let mark = "[secret]"
    /// Shorter texts are only taken out where they stand alone.
    private static let shortest = 6

    private var texts: Set<String> = []
    private var values: [Value] = []

    private var isEmpty: Bool { texts.isEmpty && values.isEmpty }

    // MARK: Learning

    mutating func learn(_ value: Value?, _ schema: Schema?) {
        guard let value, let schema, Self.mentionsSecrets(schema.document) else { return }
        learn(value, schema.document, in: schema.document, depth: 0)
    }

    private static func mentionsSecrets(_ document: Value) -> Bool {
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
        if schema["writeOnly"]?.bool == true { return add(value) }
        if let reference = schema["$ref"]?.string, let target = Self.target(reference, in: document) {
            learn(value, target, in: document, depth: depth + 1)
        }
        for key in ["allOf", "anyOf", "oneOf"] {
            for part in schema[key]?.array ?? [] { learn(value, part, in: document, depth: depth + 1) }
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
        return reference.dropFirst().split(separator: "/").reduce(document) { value, key in value?[String(key)] }
    }

    private mutating func add(_ value: Value) {
        if let text = value.string {
            if !text.isEmpty { texts.insert(text) }
        } else if value.entries?.isEmpty == false {
            for (_, field) in value.entries ?? [] { add(field) }
        } else if let items = value.array {
            for item in items { add(item) }
        } else if value.bool == nil, !value.isNull, !values.contains(value) {
            values.append(value)
        }
    }

    // MARK: Taking out

    func redact(_ value: Value) -> Value {
        if isEmpty { return value }
        if let text = value.string { return Value(redact(text)) }
        if let items = value.array { return Value(array: items.map(redact)) }
        if let entries = value.entries { return Value(entries: entries.map { ($0.key, redact($0.value)) }) }
        return values.contains(value) ? Value(Self.mark) : value
    }

    func redact(_ text: String) -> String {
        if texts.isEmpty { return text }
        if texts.contains(text) { return Self.mark }
        var text = text
        for secret in texts where secret.utf8.count >= Self.shortest { text = text.replacing(secret, with: Self.mark) }
        return text
    }
}
