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
        guard let choice = body["choices"]?[0], let message = choice["message"] else {
            throw .unreadable("it has no choices")
        }
        var answer = ModelAnswer()
        answer.text = message["content"]?.string ?? message["refusal"]?.string ?? ""
        answer.reasoning = message["reasoning_content"]?.string ?? message["reasoning"]?.string ?? ""
        answer.calls = (message["tool_calls"]?.array ?? []).enumerated().map { offset, call in
            let arguments = call["function"]?["arguments"]
            return ModelAnswer.ToolCall(
                id: call["id"]?.string ?? "call_\(offset + 1)", name: call["function"]?["name"]?.string ?? "",
                arguments: arguments?.string ?? arguments?.json ?? "{}")
        }
        answer.finish = Self.finish(choice["finish_reason"]?.string, hasCalls: !answer.calls.isEmpty)
        answer.usage = Self.usage(body["usage"])
        answer.model = body["model"]?.string
        answer.id = body["id"]?.string
        return answer
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
        private var calls: [(index: Int64, call: ModelAnswer.ToolCall)] = []

        mutating func take(_ event: Value) throws(HostFailure) -> [ModelDelta] {
            if let error = event["error"], !error.isNull { throw .reported(error) }
            if answer.model == nil { answer.model = event["model"]?.string }
            if answer.id == nil { answer.id = event["id"]?.string }
            if let usage = event["usage"], !usage.isNull { answer.usage = OpenAIProvider.usage(usage) }
            guard let choice = event["choices"]?[0] else { return [] }
            if let reason = choice["finish_reason"]?.string { self.reason = reason }
            guard let delta = choice["delta"] else { return [] }
            var deltas: [ModelDelta] = []
            if let text = delta["reasoning_content"]?.string ?? delta["reasoning"]?.string, !text.isEmpty {
                answer.reasoning += text
                deltas.append(ModelDelta(kind: .reasoning, text: text, index: 1))
            }
            if let text = delta["content"]?.string ?? delta["refusal"]?.string, !text.isEmpty {
                answer.text += text
                deltas.append(ModelDelta(kind: .text, text: text, index: 1))
            }
            for (offset, piece) in (delta["tool_calls"]?.array ?? []).enumerated() {
                deltas.append(take(call: piece, index: piece["index"]?.int ?? Int64(offset)))
            }
            return deltas
        }

        private mutating func take(call piece: Value, index: Int64) -> ModelDelta {
            var place = calls.firstIndex { $0.index == index }
            if place == nil {
                place = calls.count
                calls.append((index, ModelAnswer.ToolCall(id: "call_\(calls.count + 1)", name: "", arguments: "")))
            }
            let at = place ?? 0
            if let id = piece["id"]?.string, !id.isEmpty { calls[at].call.id = id }
            if let name = piece["function"]?["name"]?.string { calls[at].call.name += name }
            let text = piece["function"]?["arguments"]?.string ?? ""
            calls[at].call.arguments += text
            return ModelDelta(kind: .toolCall, text: text, index: at + 1)
        }

        func finish() throws(HostFailure) -> ModelAnswer {
            guard reason != nil else { throw .incomplete }
            var answer = answer
            answer.calls = calls.map { _, call in
                var call = call
                if call.arguments.isEmpty { call.arguments = "{}" }
                return call
            }
            answer.finish = OpenAIProvider.finish(reason, hasCalls: !calls.isEmpty)
            answer.usage.calls = 1
            return answer
        }
    }
}
