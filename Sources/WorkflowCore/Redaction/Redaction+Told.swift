package import FlatValue

/// What is told of runs to those who know their ids.
extension Redaction {
    /// Under which keys what a run got, gave and said stands.
    private static let contents: Set<String> = [
        "input", "output", "result", "error", "data", "payload", "ctx", "store", "state", "message", "fields",
        "initialInput", "metadata", "tags", "form", "response", "reason", "preview", "title", "deltas", "text",
    ]

    /// What is told of a run, without what schemas call secret in what it got, gave and said; ids and numbers stay as they are.
    package func redact(contentsOf told: Value) -> Value {
        if isEmpty { return told }
        if let items = told.array { return Value(array: items.map { redact(contentsOf: $0) }) }
        guard let entries = told.entries else { return told }
        return Value(
            entries: entries.map { entry in
                let isContent = Self.contents.contains(entry.key)
                return (entry.key, isContent ? redact(entry.value) : redact(contentsOf: entry.value))
            })
    }
}

extension RunEvent {
    /// What is told of the event, without what schemas call secret as far as the run had told it by then.
    package func redacted(_ told: Value) -> Value { redaction?.redact(contentsOf: told) ?? told }
}
