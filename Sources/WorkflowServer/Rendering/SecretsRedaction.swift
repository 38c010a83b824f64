internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

extension Redaction {
    /// Under which keys what a run got, gave and said stands.
    private static let contents: Set<String> = [
        "input", "output", "result", "error", "data", "payload", "ctx", "store", "state", "message", "fields",
        "initialInput",
        "form", "response", "reason", "preview", "title", "deltas", "text",
    ]

    /// What is told of a run, without what schemas call secret in what it got, gave and said; ids and numbers stay as they are.
    func redact(contentsOf told: Value) -> Value {
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

extension RunRecord {
    /// What keeps out what schemas call secret, of all that the run has recorded.
    var redaction: Redaction {
        withExtendedLifetime(self) {
            var secrets = RunSecrets()
            secrets.read(log, of: plan)
            return secrets.redaction
        }
    }
}
