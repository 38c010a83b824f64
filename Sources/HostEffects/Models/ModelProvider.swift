internal import FlatValue
internal import WorkflowCore

/// The words of one family of APIs: how a call is asked for and how an answer reads. All of it is pure.
///
/// A provider is one file and one entry in ``ModelProviders``.
protocol ModelProvider: Sendable {
    /// What scripts call it.
    var name: String { get }
    /// Where it is reached unless `base_url` says otherwise.
    var usualBaseURL: String { get }

    /// The request for a call.
    func request(_ call: ModelCall) throws(HostFailure) -> ModelRequest
    /// The answer in a body that came as a whole.
    func answer(_ body: Value) throws(HostFailure) -> ModelAnswer
    /// What reads an answer that comes in pieces.
    func reader() -> any ModelStreamReader
    /// The vectors of an answer to `embed`, in the order of the texts.
    func vectors(_ body: Value) throws(HostFailure) -> (vectors: [Value], usage: ModelUsage)
}

/// Where a request goes below the base URL, and what it says.
struct ModelRequest: Sendable {
    var path: String
    /// Values are texts or marks of secrets.
    var headers: [(String, Value)]
    var body: Value
}

/// Reads the events of a streamed answer, one after the other.
protocol ModelStreamReader {
    /// Takes the data of the next server-sent event.
    ///
    /// - Returns: what the model has said since the last one.
    /// - Throws: the error that the provider reports within the stream.
    mutating func take(_ event: Value) throws(HostFailure) -> [ModelDelta]
    /// The whole answer.
    ///
    /// - Throws: `model_incomplete` when the stream ended before the answer did.
    func finish() throws(HostFailure) -> ModelAnswer
}

/// A piece of an answer that is being made.
struct ModelDelta: Equatable, Sendable {
    enum Kind: String, Sendable {
        case text
        case reasoning
        case toolCall = "tool_call"
        /// The pieces so far are void: the call is made again.
        case restart
    }

    var kind: Kind
    var text: String
    /// Which of several texts or tool calls it belongs to, from 1.
    var index: Int
    /// `restart`: what went wrong, in one line, and after how many seconds the call is made again.
    var reason: String?
    var seconds: Double?

    var value: Value {
        var entries: [(String, Value)] = [
            ("kind", Value(kind.rawValue)), ("text", Value(text)), ("index", Value(Int64(index))),
        ]
        if let reason { entries.append(("reason", Value(reason))) }
        if let seconds { entries.append(("seconds", Value(seconds))) }
        return Value(entries: entries)
    }

    private static let reasonLimit = 300

    /// - Parameter wait: in microseconds.
    static func restart(_ failure: HostFailure, after wait: Int64) -> ModelDelta {
        let line = failure.message.split(whereSeparator: \.isNewline).joined(separator: " ")
        return ModelDelta(
            kind: .restart, text: "", index: 1, reason: String(line.prefix(reasonLimit)),
            seconds: Double(wait / 1000) / 1000)
    }
}

/// The providers that there are.
enum ModelProviders {
    private static let all: [any ModelProvider] = [OpenAIProvider(), AnthropicProvider()]

    static var names: [String] { all.map(\.name) }

    static func named(_ name: String) -> (any ModelProvider)? { all.first { $0.name == name } }
}

extension HostFailure {
    /// What a provider answered is not what its API says.
    static func unreadable(_ why: String) -> HostFailure {
        HostFailure("model_answer", "the answer of the provider cannot be read: \(why)", retryable: true)
    }
}
