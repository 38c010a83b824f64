internal import FlatValue
internal import WorkflowCore

/// Chat completions and embeddings as OpenAI has them, and Ollama, vLLM, llama.cpp, OpenRouter, Mistral and others besides.
struct OpenAIProvider: ModelProvider {
    let name = "openai"
    let usualBaseURL = "https://api.openai.com/v1"

    func request(_ call: ModelCall) throws(HostFailure) -> ModelRequest {
        var headers: [(String, Value)] = []
        if let key = call.settings.key {
            headers.append(("authorization", key.string.map { Value("Bearer " + $0) } ?? Self.bearer(key)))
        }
        switch call.operation {
        case .chat: return ModelRequest(path: "/chat/completions", headers: headers, body: chat(call))
        case .embed:
            let body: [(String, Value)] = [
                ("model", Value(call.settings.name)), ("input", Value(array: call.texts.map { Value($0) })),
            ]
            return ModelRequest(
                path: "/embeddings", headers: headers, body: Value(entries: body + parameters(call, forChat: false)))
        }
    }

    private static func bearer(_ mark: Value) -> Value {
        Value(entries: (mark.entries ?? []).map { ($0.key, $0.value) } + [("as", "bearer")])
    }

    private func chat(_ call: ModelCall) -> Value {
        var body: [(String, Value)] = [
            ("model", Value(call.settings.name)), ("messages", Value(array: call.messages.map(message))),
        ]
        if !call.tools.isEmpty {
            body.append(("tools", Value(array: call.tools.map(tool))))
            if let choice = call.toolChoice { body.append(("tool_choice", toolChoice(choice))) }
        }
        if let schema = call.outputSchema {
            let format: Value = ["name": Value(call.outputName), "schema": schema, "strict": true]
            body.append(("response_format", ["type": "json_schema", "json_schema": format]))
        }
        if call.isStreamed {
            body += [("stream", true), ("stream_options", ["include_usage": true])]
        }
        return Value(entries: body + parameters(call, forChat: true))
    }

    /// OpenAI's own newer models refuse `max_tokens`, which the servers that follow its API know alone.
    private func parameters(_ call: ModelCall, forChat: Bool) -> [(String, Value)] {
        let isOpenAI = call.settings.baseURL.contains("://api.openai.com")
        return call.parameters.compactMap { key, value in
            guard key == "max_tokens" else { return (key, value) }
            return forChat ? (isOpenAI ? "max_completion_tokens" : key, value) : nil
        }
    }

    private func message(_ message: Value) -> Value {
        var entries: [(String, Value)] = []
        for (key, value) in message.entries ?? [] {
            switch key {
            case "tool_calls":
                entries.append((key, Value(array: (value.array ?? []).map(toolCall))))
            case "content": entries.append((key, content(value)))
            case "is_error", "reasoning_blocks", "reasoning": break
            case "name" where message["role"]?.string == "tool": break
            default: entries.append((key, value))
            }
        }
        // A message of the assistant that only calls tools has no content.
        if message["role"]?.string == "assistant", message["tool_calls"]?.array?.isEmpty == false,
            message["content"]?.string == ""
        {
            entries.removeAll { $0.0 == "content" }
        }
        return Value(entries: entries)
    }

    private func content(_ content: Value) -> Value {
        guard let parts = content.array else { return content }
        return Value(
            array: parts.map { part in
                guard part["type"]?.string == "image" else { return part }
                let url =
                    part["url"]?.string
                    ?? "data:\(part["media_type"]?.string ?? "image/png");base64,\(part["data"]?.string ?? "")"
                return ["type": "image_url", "image_url": ["url": Value(url)]]
            })
    }

    private func toolCall(_ call: Value) -> Value {
        [
            "id": call["id"] ?? "", "type": "function",
            "function": ["name": call["name"] ?? "", "arguments": call["arguments"] ?? "{}"],
        ]
    }

    private func tool(_ tool: ModelCall.Tool) -> Value {
        var function: [(String, Value)] = [
            ("name", Value(tool.name)), ("description", Value(tool.description)), ("parameters", tool.schema),
        ]
        if tool.isStrict { function.append(("strict", true)) }
        return ["type": "function", "function": Value(entries: function)]
    }

    private func toolChoice(_ choice: String) -> Value {
        switch choice {
        case "auto", "none", "required": Value(choice)
        default: ["type": "function", "function": ["name": Value(choice)]]
        }
    }

    // MARK: Answers

    func answer(_ body: Value) throws(HostFailure) -> ModelAnswer {
        try Self.check(body)
        guard let choice = Self.choice(of: body) ?? body["choices"]?[0], let message = choice["message"] else {
            throw .unreadable("it has no choices")
        }
        try Self.check(choice)
        let reason = choice["finish_reason"]?.string
        if reason == Self.failed { throw .endedInError }
        var answer = ModelAnswer()
        (answer.text, answer.reasoning) = try Self.said(message)
        answer.calls = (message["tool_calls"]?.array ?? []).enumerated().map { offset, call in
            let arguments = call["function"]?["arguments"]
            return ModelAnswer.ToolCall(
                id: call["id"]?.string ?? "call_\(offset + 1)", name: call["function"]?["name"]?.string ?? "",
                arguments: arguments?.string ?? arguments?.json ?? "{}")
        }
        answer.finish = Self.finish(reason, hasCalls: !answer.calls.isEmpty)
        answer.usage = Self.usage(body["usage"])
        answer.model = body["model"]?.string
        answer.id = body["id"]?.string
        return answer
    }

    /// The `finish_reason` of an answer that an error broke off.
    private static let failed = "error"

    /// - Throws: the error that a body, an event or a choice reports.
    private static func check(_ value: Value) throws(HostFailure) {
        if let error = value["error"], !error.isNull { throw .reported(error) }
    }

    /// The first of the alternative answers: the one with the index 0, or without an index.
    private static func choice(of body: Value) -> Value? {
        body["choices"]?.array?.first { ($0["index"]?.int ?? 0) == 0 }
    }

    /// The text and the reasoning of a message, or of a piece of one; empty where there is none.
    ///
    /// - Throws: `model_answer` for content that is neither text nor a list of parts that are.
    private static func said(_ message: Value) throws(HostFailure) -> (text: String, reasoning: String) {
        var (text, reasoning) = ("", message["reasoning_content"]?.string ?? message["reasoning"]?.string ?? "")
        guard let content = message["content"], !content.isNull else {
            return (message["refusal"]?.string ?? "", reasoning)
        }
        if let content = content.string { return (content, reasoning) }
        guard let parts = content.array else { throw .unreadable("its content is neither text nor parts") }
        for part in parts {
            switch part["type"]?.string {
            case "thinking":
                let thought = part["thinking"]
                reasoning += thought?.string ?? (thought?.array ?? []).compactMap { $0["text"]?.string }.joined()
            case "refusal": text += part["refusal"]?.string ?? ""
            case "reference": break
            default:
                guard let piece = part.string ?? part["text"]?.string else {
                    throw .unreadable("a part of its content is no text")
                }
                text += piece
            }
        }
        return (text, reasoning)
    }

    static func finish(_ reason: String?, hasCalls: Bool) -> ModelAnswer.FinishReason {
        if hasCalls { return .toolCalls }
        switch reason {
        case "stop": return .stop
        case "length": return .length
        case "content_filter": return .contentFilter
        default: return .other
        }
    }

    static func usage(_ usage: Value?) -> ModelUsage {
        var result = ModelUsage()
        result.calls = 1
        result.inputTokens = ModelUsage.count(usage?["prompt_tokens"])
        result.outputTokens = ModelUsage.count(usage?["completion_tokens"])
        result.cachedInputTokens = ModelUsage.count(usage?["prompt_tokens_details"]?["cached_tokens"])
        return result
    }

    func vectors(_ body: Value) throws(HostFailure) -> (vectors: [Value], usage: ModelUsage) {
        try Self.check(body)
        guard let data = body["data"]?.array else { throw .unreadable("it has no vectors") }
        let sorted = data.enumerated().sorted { left, right in
            left.element["index"]?.int ?? Int64(left.offset) < right.element["index"]?.int ?? Int64(right.offset)
        }
        return (sorted.map { $0.element["embedding"] ?? .emptyArray }, Self.usage(body["usage"]))
    }

    func reader() -> any ModelStreamReader { Reader() }

    /// Reads the chunks of a streamed completion.
    private struct Reader: ModelStreamReader {
        private var answer = ModelAnswer()
        private var reason: String?
        private var calls: [Call] = []

        /// A call of a tool as far as it has come.
        private struct Call {
            var index: Int64
            /// As the provider has it; empty for none.
            var id = ""
            var name = ""
            private(set) var arguments = ""
            private var scan = ObjectScan()

            init(index: Int64) { self.index = index }

            /// Whether the arguments are a whole object, after which no more of them come.
            var isWhole: Bool { scan.isWhole }

            mutating func add(arguments piece: String) {
                arguments += piece
                scan.take(piece)
            }
        }

        /// More than this no model calls tools in one answer; each piece is looked for among them.
        private static let maximumCalls = 256
        private static let longestName = 1024

        mutating func take(_ event: Value) throws(HostFailure) -> [ModelDelta] {
            try OpenAIProvider.check(event)
            if answer.model == nil { answer.model = event["model"]?.string }
            if answer.id == nil { answer.id = event["id"]?.string }
            if let usage = event["usage"], !usage.isNull { answer.usage = OpenAIProvider.usage(usage) }
            guard let choice = OpenAIProvider.choice(of: event) else { return [] }
            try OpenAIProvider.check(choice)
            if let reason = choice["finish_reason"]?.string { self.reason = reason }
            guard let delta = choice["delta"] else { return [] }
            var deltas: [ModelDelta] = []
            let (text, reasoning) = try OpenAIProvider.said(delta)
            if !reasoning.isEmpty {
                answer.reasoning += reasoning
                deltas.append(ModelDelta(kind: .reasoning, text: reasoning, index: 1))
            }
            if !text.isEmpty {
                answer.text += text
                deltas.append(ModelDelta(kind: .text, text: text, index: 1))
            }
            for (offset, piece) in (delta["tool_calls"]?.array ?? []).enumerated() {
                deltas.append(try take(call: piece, at: Int64(offset)))
            }
            return deltas
        }

        private mutating func take(call piece: Value, at offset: Int64) throws(HostFailure) -> ModelDelta {
            let (id, name) = (piece["id"]?.string ?? "", piece["function"]?["name"]?.string ?? "")
            let at: Int
            if let place = place(of: piece["index"]?.int, at: offset, id, name) {
                at = place
            } else {
                at = calls.count
                guard at < Self.maximumCalls else { throw .unreadable("it calls tools more than \(at) times") }
                calls.append(Call(index: piece["index"]?.int ?? offset))
            }
            if calls[at].id.isEmpty { calls[at].id = id }
            // Some servers repeat the whole name with each piece.
            if calls[at].name != name { calls[at].name += name }
            guard calls[at].name.utf8.count <= Self.longestName else {
                throw .unreadable("the name of a tool has no end")
            }
            let arguments = piece["function"]?["arguments"]
            let text = arguments?.string ?? (arguments?.entries == nil ? nil : arguments?.json) ?? ""
            calls[at].add(arguments: text)
            return ModelDelta(kind: .toolCall, text: text, index: at + 1)
        }

        /// Which call a piece continues; nil where it begins one.
        ///
        /// Not all servers give calls an index, or each its own: then a name with another id begins a call, or one without an id
        /// behind whole arguments. An id without a name does not: there are servers that make up one for each piece.
        private func place(of index: Int64?, at offset: Int64, _ id: String, _ name: String) -> Int? {
            if !id.isEmpty, let known = calls.lastIndex(where: { $0.id == id && (index == nil || $0.index == index) }) {
                return known
            }
            guard let last = calls.lastIndex(where: { $0.index == index ?? offset }) else { return nil }
            if name.isEmpty || calls[last].name.isEmpty { return last }
            if !id.isEmpty, !calls[last].id.isEmpty { return nil }
            return index == nil && calls[last].isWhole ? nil : last
        }

        func finish() throws(HostFailure) -> ModelAnswer {
            guard let reason else { throw .incomplete }
            if reason == OpenAIProvider.failed { throw .endedInError }
            var answer = answer
            answer.calls = calls.enumerated().map { offset, call in
                ModelAnswer.ToolCall(
                    id: call.id.isEmpty ? "call_\(offset + 1)" : call.id, name: call.name,
                    arguments: call.arguments.isEmpty ? "{}" : call.arguments)
            }
            answer.finish = OpenAIProvider.finish(reason, hasCalls: !calls.isEmpty)
            answer.usage.calls = 1
            return answer
        }
    }
}
