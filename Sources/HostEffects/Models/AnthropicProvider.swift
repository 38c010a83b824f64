internal import FlatValue
internal import WorkflowCore

/// Messages as Anthropic has them.
struct AnthropicProvider: ModelProvider {
    let name = "anthropic"
    let usualBaseURL = "https://api.anthropic.com"

    private static let version = "2023-06-01"
    /// The API insists on a bound.
    private static let usualMaxTokens: Int64 = 4096

    func request(_ call: ModelCall) throws(HostFailure) -> ModelRequest {
        guard call.operation == .chat else { throw .invalid("the provider 'anthropic' has no embeddings") }
        var headers: [(String, Value)] = [("anthropic-version", Value(Self.version))]
        if let key = call.settings.key { headers.append(("x-api-key", key)) }
        let system = call.messages.filter { $0["role"]?.string == "system" }.map { Self.text($0["content"] ?? "") }
        var body: [(String, Value)] = [
            ("model", Value(call.settings.name)), ("messages", Value(array: Self.turns(call.messages))),
        ]
        if !system.isEmpty { body.append(("system", Value(system.joined(separator: "\n\n")))) }
        if !call.parameters.contains(where: { $0.key == "max_tokens" }) {
            body.append(("max_tokens", Value(Self.usualMaxTokens)))
        }
        if !call.tools.isEmpty {
            body.append(("tools", Value(array: call.tools.map(tool))))
            if let choice = call.toolChoice { body.append(("tool_choice", toolChoice(choice))) }
        }
        if let schema = call.outputSchema {
            body.append(("output_config", ["format": ["type": "json_schema", "schema": schema]]))
        }
        if call.isStreamed { body.append(("stream", true)) }
        return ModelRequest(
            path: "/v1/messages", headers: headers,
            body: Value(entries: body + call.parameters.map { ($0.key, $0.value) }))
    }

    private func tool(_ tool: ModelCall.Tool) -> Value {
        ["name": Value(tool.name), "description": Value(tool.description), "input_schema": tool.schema]
    }

    private func toolChoice(_ choice: String) -> Value {
        switch choice {
        case "auto", "none": ["type": Value(choice)]
        case "required": ["type": "any"]
        default: ["type": "tool", "name": Value(choice)]
        }
    }

    private static func text(_ content: Value) -> String {
        content.string ?? (content.array ?? []).compactMap { $0["text"]?.string }.joined(separator: "\n")
    }

    // MARK: Messages

    /// Messages of users and of the assistant in turn: results of tools go into one message of the user.
    private static func turns(_ messages: [Value]) -> [Value] {
        var turns: [(role: String, blocks: [Value])] = []
        for message in messages {
            let role = message["role"]?.string == "assistant" ? "assistant" : "user"
            if message["role"]?.string == "system" { continue }
            let blocks = blocks(message)
            if turns.last?.role == role {
                turns[turns.count - 1].blocks += blocks
            } else {
                turns.append((role, blocks))
            }
        }
        return turns.map { ["role": Value($0.role), "content": Value(array: $0.blocks)] }
    }

    private static func blocks(_ message: Value) -> [Value] {
        if message["role"]?.string == "tool" {
            var result: [(String, Value)] = [
                ("type", "tool_result"), ("tool_use_id", message["tool_call_id"] ?? ""),
                ("content", Value(text(message["content"] ?? ""))),
            ]
            if message["is_error"]?.bool == true { result.append(("is_error", true)) }
            return [Value(entries: result)]
        }
        var blocks = message["reasoning_blocks"]?.array ?? []
        if let parts = message["content"]?.array {
            blocks += parts.map(part)
        } else if let text = message["content"]?.string, !text.isEmpty {
            blocks.append(["type": "text", "text": Value(text)])
        }
        for call in message["tool_calls"]?.array ?? [] {
            let arguments = call["arguments"]?.string.flatMap { try? Value(json: $0) } ?? .emptyObject
            blocks.append(
                [
                    "type": "tool_use", "id": call["id"] ?? "", "name": call["name"] ?? "",
                    "input": arguments.entries == nil ? .emptyObject : arguments,
                ])
        }
        return blocks
    }

    private static func part(_ part: Value) -> Value {
        guard part["type"]?.string == "image" else { return part }
        if let url = part["url"] { return ["type": "image", "source": ["type": "url", "url": url]] }
        return [
            "type": "image",
            "source": [
                "type": "base64", "media_type": part["media_type"] ?? "image/png", "data": part["data"] ?? "",
            ],
        ]
    }

    // MARK: Answers

    func answer(_ body: Value) throws(HostFailure) -> ModelAnswer {
        if let error = body["error"], !error.isNull { throw .reported(error) }
        guard let content = body["content"]?.array else { throw .unreadable("it has no content") }
        var answer = ModelAnswer()
        for block in content {
            switch block["type"]?.string {
            case "text": answer.text += block["text"]?.string ?? ""
            case "tool_use":
                answer.calls.append(
                    ModelAnswer.ToolCall(
                        id: block["id"]?.string ?? "", name: block["name"]?.string ?? "",
                        arguments: block["input"]?.json ?? "{}"))
            case "thinking", "redacted_thinking":
                answer.reasoning += block["thinking"]?.string ?? ""
                answer.reasoningBlocks.append(block)
            default: break
            }
        }
        answer.finish = Self.finish(body["stop_reason"]?.string)
        answer.usage = Self.usage(body["usage"])
        answer.model = body["model"]?.string
        answer.id = body["id"]?.string
        return answer
    }

    static func finish(_ reason: String?) -> ModelAnswer.FinishReason {
        switch reason {
        case "end_turn", "stop_sequence": .stop
        case "max_tokens": .length
        case "tool_use": .toolCalls
        case "refusal": .contentFilter
        default: .other
        }
    }

    /// Tokens that were read from the provider's cache, or written to it, are input too.
    static func usage(_ usage: Value?) -> ModelUsage {
        func count(_ name: String) -> Int64 { ModelUsage.count(usage?[name]) }
        var result = ModelUsage()
        result.calls = 1
        result.cachedInputTokens = count("cache_read_input_tokens")
        result.inputTokens =
            count("input_tokens") + result.cachedInputTokens + count("cache_creation_input_tokens")
        result.outputTokens = count("output_tokens")
        return result
    }

    func vectors(_ body: Value) throws(HostFailure) -> (vectors: [Value], usage: ModelUsage) {
        throw .invalid("the provider 'anthropic' has no embeddings")
    }

    func reader() -> any ModelStreamReader { Reader() }

    /// Reads the events of a streamed message.
    private struct Reader: ModelStreamReader {
        /// One block of the content as far as it has come.
        private struct Block {
            var type: String
            /// Which of the blocks of its type it is, from 1.
            var ordinal: Int
            var text = ""
            var signature = ""
            var start: Value
        }

        private var answer = ModelAnswer()
        private var blocks: [Block] = []
        /// The first block of each index.
        private var places: [Int64: Int] = [:]
        private var counts: [String: Int] = [:]
        private var reason: String?

        mutating func take(_ event: Value) throws(HostFailure) -> [ModelDelta] {
            switch event["type"]?.string {
            case "message_start":
                answer.model = event["message"]?["model"]?.string
                answer.id = event["message"]?["id"]?.string
                answer.usage = AnthropicProvider.usage(event["message"]?["usage"])
            case "content_block_start":
                let start = event["content_block"] ?? .null
                let (index, type) = (event["index"]?.int ?? 0, start["type"]?.string ?? "")
                if places[index] == nil { places[index] = blocks.count }
                counts[type, default: 0] += 1
                blocks.append(Block(type: type, ordinal: counts[type, default: 0], start: start))
            case "content_block_delta": return take(delta: event["delta"] ?? .null, of: event["index"]?.int ?? 0)
            case "message_delta":
                reason = event["delta"]?["stop_reason"]?.string ?? reason
                if let tokens = event["usage"]?["output_tokens"] {
                    answer.usage.outputTokens = ModelUsage.count(tokens)
                }
            case "error": throw .reported(event["error"] ?? .null)
            default: break
            }
            return []
        }

        private mutating func take(delta: Value, of index: Int64) -> [ModelDelta] {
            guard let place = places[index] else { return [] }
            switch delta["type"]?.string {
            case "text_delta":
                let text = delta["text"]?.string ?? ""
                blocks[place].text += text
                return [ModelDelta(kind: .text, text: text, index: blocks[place].ordinal)]
            case "input_json_delta":
                let text = delta["partial_json"]?.string ?? ""
                blocks[place].text += text
                return [ModelDelta(kind: .toolCall, text: text, index: blocks[place].ordinal)]
            case "thinking_delta":
                let text = delta["thinking"]?.string ?? ""
                blocks[place].text += text
                return [ModelDelta(kind: .reasoning, text: text, index: blocks[place].ordinal)]
            case "signature_delta": blocks[place].signature += delta["signature"]?.string ?? ""
            default: break
            }
            return []
        }

        func finish() throws(HostFailure) -> ModelAnswer {
            guard reason != nil else { throw .incomplete }
            var answer = answer
            for block in blocks {
                switch block.type {
                case "text": answer.text += block.text
                case "tool_use":
                    answer.calls.append(
                        ModelAnswer.ToolCall(
                            id: block.start["id"]?.string ?? "", name: block.start["name"]?.string ?? "",
                            arguments: block.text.isEmpty ? "{}" : block.text))
                case "thinking":
                    answer.reasoning += block.text
                    answer.reasoningBlocks.append(
                        ["type": "thinking", "thinking": Value(block.text), "signature": Value(block.signature)])
                case "redacted_thinking": answer.reasoningBlocks.append(block.start)
                default: break
                }
            }
            answer.finish = AnthropicProvider.finish(reason)
            answer.usage.calls = 1
            return answer
        }
    }
}
