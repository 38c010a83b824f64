internal import Crypto
internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// The answers of models that are given again to the same question: `cache = "30d"` of a model.
struct ModelCache: Sendable {
    private let store: any CacheStore
    private let key: String
    /// How long an answer is kept, in microseconds.
    private let time: Int64

    /// - Returns: nil for a call that is not to be cached.
    /// - Throws: what is wrong with `cache`.
    init?(_ call: ModelCall, _ payload: Value, _ store: (any CacheStore)?) throws(HostFailure) {
        guard let given = payload["model"]?["cache"], !given.isNull else { return nil }
        guard let time = DurationText.microseconds(given), time > 0 else {
            throw .invalid("cache takes seconds or a text like \"30d\", got \(given.json)")
        }
        guard let store else { return nil }
        self.store = store
        self.time = min(time, DurationText.longest)
        key = Self.key(of: call)
    }

    /// Of everything that the answer depends on. Keys and limits are no part of it.
    private static func key(of call: ModelCall) -> String {
        let tools = call.tools.map { tool in
            ["name": Value(tool.name), "description": Value(tool.description), "schema": tool.schema] as Value
        }
        var question: [(String, Value)] = [
            ("version", 1), ("provider", Value(call.settings.provider.name)), ("base", Value(call.settings.baseURL)),
            ("name", Value(call.settings.name)), ("operation", Value(call.operation.rawValue)),
            ("messages", Value(array: call.messages)), ("tools", Value(array: tools)),
            ("parameters", Value(entries: call.parameters.map { ($0.key, $0.value) })),
            ("texts", Value(array: call.texts.map { Value($0) })),
        ]
        if let choice = call.toolChoice { question.append(("choice", Value(choice))) }
        if let schema = call.outputSchema { question.append(("schema", schema)) }
        let hash = SHA256.hash(data: Array(Value(entries: question).json.utf8))
        return "model-" + BytesText.hex(hash)
    }

    /// The answer that is kept, with nothing used and `cached = true`; nil for none, and where the store cannot say.
    func answer() async -> Value? {
        guard let kept = try? await store.cached(key, at: HostTime.milliseconds() * 1000) else { return Value?.none }
        let nothing = ModelUsage().scriptValue
        var entries: [(String, Value)] = (kept.entries ?? []).map { entry in
            (entry.key, entry.key == "usage" ? nothing : entry.value)
        }
        entries.append(("cached", true))
        return Value(entries: entries)
    }

    /// Keeps an answer that is whole.
    func keep(_ answer: Value) async {
        let reason = answer["finish_reason"]?.string
        guard reason == nil || reason == "stop" || reason == "tool_calls" else { return }
        let now = HostTime.milliseconds() * 1000
        // A store that cannot keep it costs a call more later, and no run.
        try? await store.cache(key, answer, until: now + time, at: now)
    }
}
