internal import FlatValue
internal import WorkflowCore

/// What a model answered, in no provider's words.
struct ModelAnswer: Sendable {
    enum FinishReason: String, Sendable {
        case stop
        case length
        case toolCalls = "tool_calls"
        case contentFilter = "content_filter"
        case other
    }

    /// One call of a tool; `arguments` is the JSON text as the model wrote it.
    struct ToolCall: Sendable, Equatable {
        var id: String
        var name: String
        var arguments: String
    }

    var text = ""
    var reasoning = ""
    /// What the provider wants back with the message as it was.
    var reasoningBlocks: [Value] = []
    var calls: [ToolCall] = []
    var finish = FinishReason.other
    var usage = ModelUsage()
    /// The model and the answer as the provider names them.
    var model: String?
    var id: String?

    /// `{ text, finish_reason, message, tool_calls, usage, model?, id? }`, as scripts get it.
    func value(cost: Double?) -> Value {
        let calls = self.calls.map { call in
            ["id": Value(call.id), "name": Value(call.name), "arguments": Value(call.arguments)] as Value
        }
        var message: [(String, Value)] = [("role", "assistant"), ("content", Value(text))]
        if !calls.isEmpty { message.append(("tool_calls", Value(array: calls))) }
        if !reasoningBlocks.isEmpty { message.append(("reasoning_blocks", Value(array: reasoningBlocks))) }
        var usage = self.usage
        usage.cost = cost ?? 0
        var entries: [(String, Value)] = [
            ("text", Value(text)), ("finish_reason", Value(finish.rawValue)), ("message", Value(entries: message)),
            ("tool_calls", Value(array: calls)), ("usage", usage.scriptValue),
        ]
        if !reasoning.isEmpty { entries.append(("reasoning", Value(reasoning))) }
        if let model { entries.append(("model", Value(model))) }
        if let id { entries.append(("id", Value(id))) }
        return Value(entries: entries)
    }
}
