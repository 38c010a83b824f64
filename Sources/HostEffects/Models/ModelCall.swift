internal import FlatValue
internal import WorkflowCore

/// A call of a model as a script asks for it, checked and with the usual values filled in; no provider's words are in it.
struct ModelCall: Sendable {
    enum Operation: String, Sendable {
        case chat
        case embed
    }

    /// A tool that the model may call; `schema` is JSON Schema of its arguments.
    struct Tool: Sendable {
        var name: String
        var description: String
        var schema: Value
        /// The schema is in the narrow form that providers hold a model to.
        var isStrict: Bool
    }

    var operation: Operation
    var settings: ModelSettings
    /// `{ role, content?, tool_calls?, tool_call_id?, name?, is_error?, reasoning_blocks? }` each; roles are system, user,
    /// assistant and tool.
    var messages: [Value]
    var tools: [Tool]
    /// `auto`, `none`, `required`, or the name of a tool; nil leaves it to the provider.
    var toolChoice: String?
    /// JSON Schema, in the providers' narrow form, of what the answer has to be.
    var outputSchema: Value?
    var outputName: String
    /// What is sent as it is, such as `temperature`.
    var parameters: [(key: String, value: Value)]
    /// `embed`: what is to be embedded.
    var texts: [String]
    /// Whether the answer is told of while it is made.
    var isStreamed: Bool
    /// How long all attempts may take together, in microseconds; nil for any time.
    var timeLeft: Int64?
    /// What is secret in the answer; nil for nothing.
    var secrets: AnswerSecrets?
    /// Whether the journal keeps the answer, wherever the script puts it.
    var isRecorded: Bool

    /// Reads `{ operation?, model, messages | texts, tools?, tool_choice?, output_schema?, output_name?, parameters?, stream?,
    /// time_left?, secrets? }`; `secrets` is `{ answer?, wraps?, tools?, unrecorded? }`.
    init(_ payload: Value) throws(HostFailure) {
        operation = payload["operation"]?.string.flatMap(Operation.init) ?? .chat
        settings = try ModelSettings(payload["model"] ?? .null)
        messages = payload["messages"]?.array ?? []
        tools = try (payload["tools"]?.array ?? []).map { value throws(HostFailure) in
            guard let name = value["name"]?.string, !name.isEmpty else { throw .invalid("a tool has a name") }
            return Tool(
                name: name, description: value["description"]?.string ?? "",
                schema: value["schema"] ?? ["type": "object", "properties": .emptyObject],
                isStrict: value["strict"]?.bool ?? false)
        }
        toolChoice = payload["tool_choice"]?.string
        outputSchema = payload["output_schema"].flatMap { $0.isNull ? nil : $0 }
        outputName = payload["output_name"]?.string ?? "answer"
        let own = payload["parameters"]?.entries ?? []
        parameters = settings.parameters.filter { usual in !own.contains { $0.key == usual.key } } + own
        texts = payload["texts"]?.array?.compactMap(\.string) ?? []
        isStreamed = payload["stream"]?.bool ?? false
        timeLeft = payload["time_left"]?.number.flatMap { seconds in
            seconds.isFinite ? Int64(min(max(seconds, 0), 1e9) * 1_000_000) : nil
        }
        secrets = payload["secrets"].flatMap { AnswerSecrets($0) }
        isRecorded = payload["secrets"]?["unrecorded"]?.bool != true
        switch operation {
        case .chat: guard !messages.isEmpty else { throw .invalid("a call of a model needs a prompt, or messages") }
        case .embed: guard !texts.isEmpty else { throw .invalid("model:embed needs a list of texts") }
        }
    }
}
