package import FlatValue
package import JSONSchema

/// Keeps what schemas call secret (`writeOnly`, which is `:secret()` in Lua) out of what is told of a run.
///
/// A secret is learnt where a value passes such a schema, and taken out wherever it turns up afterwards: in inputs and outputs of
/// other steps, in events, logs and messages.
package struct Redaction: Sendable, Equatable {
    package static let mark = "[secret]"
    /// Shorter texts, in bytes, are only taken out where they are the whole of a text.
    private static let shortest = 2
    /// Secrets of one run that are kept apart.
    private static let limit = 10_000

    private var texts: Set<String> = []
    /// Those of ``shortest`` bytes and more.
    private var looked = SecretTexts()
    private var values: [Value] = []
    /// There are more secrets than are kept: no text and no number is told any more.
    private var isFull = false

    package init() {}

    package var isEmpty: Bool { texts.isEmpty && values.isEmpty && !isFull }

    /// How many secrets are known; it grows with each that is learnt.
    package var count: Int { texts.count + values.count + (isFull ? 1 : 0) }

    // MARK: Learning

    package mutating func learn(_ value: Value?, _ schema: Schema?) {
        guard let value, let schema else { return }
        learn(schema.secrets(in: value))
    }

    /// Learns values that are secret as a whole.
    package mutating func learn(_ secrets: [Value]) {
        for secret in secrets { add(secret, depth: 0) }
    }

    private mutating func add(_ value: Value, depth: Int) {
        guard depth < 256 else { return isFull = true }
        if let text = value.string {
            add(text)
        } else if value.entries?.isEmpty == false {
            for (_, field) in value.entries ?? [] { add(field, depth: depth + 1) }
        } else if let items = value.array {
            for item in items { add(item, depth: depth + 1) }
        } else if value.bool == nil, !value.isNull, !values.contains(value) {
            guard values.count < Self.limit else { return isFull = true }
            values.append(value)
            // Digits within a text are as telling.
            let text = value.json
            if text.utf8.count >= Self.shortest { add(text) }
        }
    }

    private mutating func add(_ text: String) {
        guard !text.isEmpty, !texts.contains(text) else { return }
        guard texts.count < Self.limit else { return isFull = true }
        texts.insert(text)
        if text.utf8.count >= Self.shortest { looked.add(text, mark: Self.mark) }
    }

    // MARK: Taking out

    package func redact(_ value: Value) -> Value {
        if isEmpty { return value }
        if let text = value.string { return Value(redact(text)) }
        if let items = value.array { return Value(array: items.map { redact($0) }) }
        if let entries = value.entries {
            return Value(
                entries: entries.map { (looked.isEmpty ? $0.key : redact($0.key) as String, redact($0.value)) })
        }
        let isNumber = value.bool == nil && !value.isNull
        return values.contains(value) || isFull && isNumber ? Value(Self.mark) : value
    }

    package func redact(_ text: String) -> String {
        if isFull { return text.isEmpty ? text : Self.mark }
        if texts.isEmpty { return text }
        if texts.contains(text) { return Self.mark }
        if looked.isEmpty { return text }
        return looked.takenOut(of: text, mayBeCut: true)
    }

    package static func == (one: Redaction, other: Redaction) -> Bool {
        one.texts == other.texts && one.values == other.values && one.isFull == other.isFull
    }
}
