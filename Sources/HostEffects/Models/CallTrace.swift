internal import FlatValue
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// What is known of the call of a model; the journal keeps as much of it as a span shows.
final class CallTrace: Sendable {
    private let call: ModelCall
    private let address: WebAddress?
    /// Milliseconds since 1970.
    private let start: Int64
    private let time: @Sendable () -> Int64
    /// When the first piece of the answer came; 0 for not yet.
    private let firstDelta = Atomic<Int64>(0)

    /// A call that begins now.
    ///
    /// - Parameters:
    ///   - http: the request; nil where none is made.
    ///   - time: gives milliseconds since 1970.
    init(_ call: ModelCall, _ http: HTTPCall?, time: @escaping @Sendable () -> Int64 = HostTime.milliseconds) {
        self.call = call
        address = http?.url
        self.time = time
        start = time()
    }

    /// A piece of the answer has come.
    func noteDelta() {
        if firstDelta.load(ordering: .relaxed) == 0 { firstDelta.store(time(), ordering: .relaxed) }
    }

    /// The record of a call that was answered.
    func record(_ usage: ModelUsage, _ answer: ModelAnswer?, attempts: Int) -> Value {
        var entries = head(usage, attempts)
        if let answer {
            entries.append(("finishReason", Value(answer.finish.rawValue)))
            if let model = answer.model { entries.append(("responseModel", Value(model))) }
            if let id = answer.id { entries.append(("responseId", Value(id))) }
            let message = answer.value(cost: nil)["message"] ?? .null
            entries.append(("output", message))
            entries += Self.secrets(in: message, of: call)
        }
        return Value(entries: entries)
    }

    /// What is kept of an answer that was given before: what is secret in it; nil for nothing.
    static func record(ofCached answer: Value, _ call: ModelCall) -> Value? {
        let entries = secrets(in: answer["message"] ?? .null, of: call)
        return entries.isEmpty ? nil : Value(entries: entries)
    }

    private static func secrets(in message: Value, of call: ModelCall) -> [(String, Value)] {
        let found = call.secrets?.secrets(in: message) ?? []
        return found.isEmpty ? [] : [(call.isRecorded ? "secrets" : "secretsInOutput", Value(array: found))]
    }

    /// The record of a call that failed: a span and no use of a model.
    func failure(_ answer: HostAnswer, attempts: Int) -> Value {
        [
            "span": [
                "model": Value(entries: head(ModelUsage(), attempts)), "error": RequestTrace.error(answer.value),
            ]
        ]
    }

    private func head(_ usage: ModelUsage, _ attempts: Int) -> [(String, Value)] {
        var counts: [(String, Value)] = [
            ("inputTokens", Value(usage.inputTokens)), ("outputTokens", Value(usage.outputTokens)),
            ("cachedInputTokens", Value(usage.cachedInputTokens)),
        ]
        if let cost = call.settings.cost(usage) { counts.append(("cost", Value(cost))) }
        var entries: [(String, Value)] = [
            ("model", Value(call.settings.name)), ("provider", Value(call.settings.provider.name)),
            ("operation", Value(call.operation == .chat ? "chat" : "embeddings")), ("usage", Value(entries: counts)),
            ("startedAt", Value(start)), ("endedAt", Value(time())), ("attempts", Value(Int64(attempts))),
        ]
        if let address {
            entries += [("serverAddress", Value(address.host)), ("serverPort", Value(Int64(address.port)))]
        }
        let first = firstDelta.load(ordering: .relaxed)
        if first > 0 { entries.append(("firstAt", Value(first))) }
        if !call.parameters.isEmpty {
            entries.append(("parameters", Value(entries: call.parameters.map { ($0.key, $0.value) })))
        }
        entries.append(("input", question))
        return entries
    }

    /// What is new in the call: the messages behind the last answer, which the record of the call before has, or the texts.
    private var question: Value {
        guard call.operation == .chat else { return Value(array: call.texts.map { Value($0) }) }
        let last = call.messages.lastIndex { $0["role"] == "assistant" }
        return Value(array: Array(call.messages[(last.map { $0 + 1 } ?? 0)...]))
    }
}
