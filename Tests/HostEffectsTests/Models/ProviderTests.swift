import FlatValue
import Testing
import WorkflowCore

@testable import HostEffects

private func call(_ provider: String, _ more: [(String, Value)]) throws -> ModelCall {
    let model: Value = [
        "provider": Value(provider), "name": "tiny", "base_url": "http://models.example/v1/", "api_key": "k",
        "parameters": ["temperature": 0, "max_tokens": 7],
    ]
    let messages: Value = [
        ["role": "system", "content": "Be brief."], ["role": "user", "content": "Hello"],
        [
            "role": "assistant", "content": "",
            "reasoning_blocks": [["type": "thinking", "thinking": "hm", "signature": "s"]],
            "tool_calls": [
                ["id": "c1", "name": "look", "arguments": "{\"at\":1}"],
                ["id": "c2", "name": "look", "arguments": "no"],
            ],
        ],
        ["role": "tool", "tool_call_id": "c1", "name": "look", "content": "a"],
        ["role": "tool", "tool_call_id": "c2", "name": "look", "content": "b", "is_error": true],
    ]
    return try ModelCall(Value(entries: [("model", model), ("messages", messages)] + more))
}

/// What a provider's reader makes of events, and the pieces that it tells of.
private func read(_ provider: any ModelProvider, _ events: [Value]) throws -> (ModelAnswer, [ModelDelta]) {
    var reader = provider.reader()
    let deltas = try events.flatMap { try reader.take($0) }
    return (try reader.finish(), deltas)
}

@Suite("Requests and answers of providers") struct ProviderTests {
    @Test func `OpenAI is asked in the words of chat completions`() throws {
        let call = try call(
            "openai",
            [
                ("stream", true), ("tool_choice", "look"), ("output_schema", ["type": "object"]),
                ("output_name", "label"), ("parameters", ["temperature": 1]),
                ("tools", [["name": "look", "description": "Looks", "schema": ["type": "object"], "strict": true]]),
            ])
        let request = try call.settings.provider.request(call)
        #expect(call.settings.baseURL + request.path == "http://models.example/v1/chat/completions")
        #expect(request.headers.first?.1 == "Bearer k")
        let body = request.body
        #expect(body["model"] == "tiny")
        #expect(body["temperature"] == 1)
        #expect(body["max_tokens"] == 7)
        #expect(body["stream_options"] == ["include_usage": true])
        #expect(body["tool_choice"] == ["type": "function", "function": ["name": "look"]])
        #expect(
            body["tools"] == [
                [
                    "type": "function",
                    "function": [
                        "name": "look", "description": "Looks", "parameters": ["type": "object"], "strict": true,
                    ],
                ]
            ])
        #expect(
            body["response_format"] == [
                "type": "json_schema", "json_schema": ["name": "label", "schema": ["type": "object"], "strict": true],
            ])
        #expect(
            body["messages"]?[2] == [
                "role": "assistant",
                "tool_calls": [
                    ["id": "c1", "type": "function", "function": ["name": "look", "arguments": "{\"at\":1}"]],
                    ["id": "c2", "type": "function", "function": ["name": "look", "arguments": "no"]],
                ],
            ])
        #expect(body["messages"]?[3] == ["role": "tool", "tool_call_id": "c1", "content": "a"])
    }

    @Test func `Anthropic is asked in the words of messages`() throws {
        let call = try call(
            "anthropic",
            [
                ("tool_choice", "required"), ("output_schema", ["type": "object"]),
                ("tools", [["name": "look", "description": "Looks", "schema": ["type": "object"]]]),
            ])
        let request = try call.settings.provider.request(call)
        #expect(request.path == "/v1/messages")
        let body = request.body
        #expect(body["system"] == "Be brief.")
        #expect(body["max_tokens"] == 7)
        #expect(body["tool_choice"] == ["type": "any"])
        #expect(body["tools"] == [["name": "look", "description": "Looks", "input_schema": ["type": "object"]]])
        #expect(body["output_config"] == ["format": ["type": "json_schema", "schema": ["type": "object"]]])
        #expect(
            body["messages"] == [
                ["role": "user", "content": [["type": "text", "text": "Hello"]]],
                [
                    "role": "assistant",
                    "content": [
                        ["type": "thinking", "thinking": "hm", "signature": "s"],
                        ["type": "tool_use", "id": "c1", "name": "look", "input": ["at": 1]],
                        ["type": "tool_use", "id": "c2", "name": "look", "input": [:]],
                    ],
                ],
                [
                    "role": "user",
                    "content": [
                        ["type": "tool_result", "tool_use_id": "c1", "content": "a"],
                        ["type": "tool_result", "tool_use_id": "c2", "content": "b", "is_error": true],
                    ],
                ],
            ])
    }

    @Test func `a streamed completion comes together as a whole one reads`() throws {
        let provider = OpenAIProvider()
        func chunk(_ delta: Value, _ reason: Value = .null) -> Value {
            ["id": "x", "model": "tiny-1", "choices": [["index": 0, "delta": delta, "finish_reason": reason]]]
        }
        let (answer, deltas) = try read(
            provider,
            [
                chunk(["role": "assistant", "content": ""]), chunk(["reasoning_content": "hm"]),
                chunk(["content": "Hel"]),
                chunk(["content": "lo"]),
                chunk(["tool_calls": [["index": 0, "id": "c1", "function": ["name": "look", "arguments": "{\"a\""]]]]),
                chunk(["tool_calls": [["index": 0, "function": ["arguments": ":1}"]]]]), chunk([:], "tool_calls"),
                [
                    "choices": [],
                    "usage": [
                        "prompt_tokens": 9, "completion_tokens": 4, "prompt_tokens_details": ["cached_tokens": 3],
                    ],
                ],
            ])
        #expect(answer.text == "Hello")
        #expect(answer.reasoning == "hm")
        #expect(answer.calls == [ModelAnswer.ToolCall(id: "c1", name: "look", arguments: "{\"a\":1}")])
        #expect(answer.finish == .toolCalls)
        #expect(answer.model == "tiny-1")
        #expect([answer.usage.inputTokens, answer.usage.outputTokens, answer.usage.cachedInputTokens] == [9, 4, 3])
        #expect(deltas.map(\.kind) == [.reasoning, .text, .text, .toolCall, .toolCall])
        let whole = try provider.answer(
            [
                "model": "tiny-1",
                "choices": [
                    [
                        "finish_reason": "tool_calls",
                        "message": [
                            "content": "Hello",
                            "tool_calls": [["id": "c1", "function": ["name": "look", "arguments": "{\"a\":1}"]]],
                        ],
                    ]
                ],
            ])
        #expect(whole.text == answer.text && whole.calls == answer.calls && whole.finish == answer.finish)
    }

    @Test func `a streamed message comes together, with what the provider wants back`() throws {
        let (answer, deltas) = try read(
            AnthropicProvider(),
            [
                [
                    "type": "message_start",
                    "message": [
                        "id": "m", "model": "tiny-2", "usage": ["input_tokens": 5, "cache_read_input_tokens": 2],
                    ],
                ],
                ["type": "content_block_start", "index": 0, "content_block": ["type": "thinking", "thinking": ""]],
                ["type": "content_block_delta", "index": 0, "delta": ["type": "thinking_delta", "thinking": "hm"]],
                ["type": "content_block_delta", "index": 0, "delta": ["type": "signature_delta", "signature": "s"]],
                ["type": "content_block_start", "index": 1, "content_block": ["type": "text", "text": ""]],
                ["type": "content_block_delta", "index": 1, "delta": ["type": "text_delta", "text": "Hello"]],
                [
                    "type": "content_block_start", "index": 2,
                    "content_block": ["type": "tool_use", "id": "t", "name": "look", "input": [:]],
                ],
                [
                    "type": "content_block_delta", "index": 2,
                    "delta": ["type": "input_json_delta", "partial_json": "{}"],
                ],
                ["type": "ping"],
                ["type": "message_delta", "delta": ["stop_reason": "tool_use"], "usage": ["output_tokens": 6]],
                ["type": "message_stop"],
            ])
        #expect(answer.text == "Hello")
        #expect(answer.reasoningBlocks == [["type": "thinking", "thinking": "hm", "signature": "s"]])
        #expect(answer.calls == [ModelAnswer.ToolCall(id: "t", name: "look", arguments: "{}")])
        #expect([answer.usage.inputTokens, answer.usage.outputTokens, answer.usage.cachedInputTokens] == [7, 6, 2])
        #expect(deltas.map(\.kind) == [.reasoning, .text, .toolCall])
    }

    @Test(arguments: ["openai", "anthropic"])
    func `an error within a stream, and a stream that breaks off, are errors`(name: String) throws {
        let provider = try #require(ModelProviders.named(name))
        #expect(throws: HostFailure.self) {
            _ = try read(provider, [["type": "error", "error": ["type": "overloaded_error", "message": "busy"]]])
        }
        #expect(throws: HostFailure.incomplete) { _ = try read(provider, []) }
        // Whatever a server sends ends as an answer or an error.
        for odd: Value in [.null, [], 7, ["choices": 1], ["choices": [["delta": 1]]], ["type": "content_block_delta"]] {
            #expect(throws: HostFailure.self) { _ = try read(provider, [odd]) }
            #expect(throws: HostFailure.self) { _ = try provider.answer(odd) }
        }
    }

    @Test func `a cost is that of fresh, cached and written tokens`() throws {
        let settings = try ModelSettings(
            [
                "provider": "openai", "name": "tiny",
                "price": ["input": 2, "output": 10, "cached_input": 0.5],
            ])
        var usage = ModelUsage()
        (usage.inputTokens, usage.cachedInputTokens, usage.outputTokens) = (1_000_000, 400_000, 100_000)
        #expect(settings.cost(usage) == 0.6 * 2 + 0.4 * 0.5 + 0.1 * 10)
    }

    @Test(arguments: [
        (408, true), (409, true), (429, true), (500, true), (529, true), (400, false), (401, false), (404, false),
    ])
    func `some refusals pass`(status: Int, passes: Bool) throws {
        let settings = try ModelSettings(["provider": "openai", "name": "tiny"])
        let body = Array(#"{"error":{"message":"no"}}"#.utf8)
        let failure = HostFailure.refused(by: settings, status: status, body: body, retryAfter: 3)
        #expect(failure.retryable == passes)
        #expect(failure.message == "openai tiny: HTTP \(status): no")
        #expect(failure.details?["status"]?.int == Int64(status))
        #expect(failure.details?["retry_after"] == 3)
    }
}

@Suite("Parts of models") struct ModelPartTests {
    @Test(arguments: [1, 2, 3, 7, 100])
    func `events are cut out of bytes however they come`(size: Int) throws {
        let bytes = Array(
            "event: a\ndata: one\n\n: comment\r\ndata: two\r\ndata: lines\r\n\r\ndata:three\r\rdata: lost".utf8)
        var reader = EventStreamReader()
        var events: [String] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            events += try reader.take(bytes[start..<min(start + size, bytes.count)])
        }
        #expect(events == ["one", "two\nlines", "three"])
    }

    @Test func `a window counts what lies within a minute`() {
        let window = RateWindow(limit: 2)
        let second: Int64 = 1_000_000
        #expect(window.take(at: 0) == nil)
        #expect(window.take(at: 10 * second) == nil)
        #expect(window.take(at: 20 * second) == 40 * second)
        #expect(window.take(at: 60 * second) == nil)
        #expect(window.take(at: 61 * second) == 9 * second)
        let tokens = RateWindow(limit: 100)
        tokens.add(500, at: 0)
        #expect(tokens.wait(at: second) == 59 * second)
        #expect(tokens.wait(at: 60 * second) == nil)
        for time: Int64 in 0..<3 { tokens.add(.max, at: (60 + time) * second) }
        #expect(tokens.wait(at: 63 * second) == 59 * second)
        #expect(tokens.wait(at: 122 * second) == nil)
    }

    @Test func `numbers that no server could mean are bounded`() throws {
        let most = Value(Int64.max)
        let (completion, _) = try read(
            OpenAIProvider(),
            [
                [
                    "choices": [
                        [
                            "delta": [
                                "tool_calls": [
                                    ["index": most, "function": ["name": "far"]],
                                    ["index": Value(Int64.min), "function": ["name": "near"]],
                                ]
                            ], "finish_reason": "tool_calls",
                        ]
                    ],
                    "usage": [
                        "prompt_tokens": most, "completion_tokens": most,
                        "prompt_tokens_details": ["cached_tokens": most],
                    ],
                ]
            ])
        #expect(completion.calls.map(\.name) == ["far", "near"])
        #expect(completion.calls.map(\.id) == ["call_1", "call_2"])
        let (message, _) = try read(
            AnthropicProvider(),
            [
                [
                    "type": "message_start",
                    "message": ["usage": ["input_tokens": most, "cache_read_input_tokens": most]],
                ],
                ["type": "message_delta", "delta": ["stop_reason": "end_turn"], "usage": ["output_tokens": most]],
            ])
        for usage in [completion.usage, message.usage] {
            var sum = usage
            for _ in 0..<20_000 { sum += usage }
            #expect(sum.totalTokens > 0)
            #expect(sum.inputTokens >= usage.outputTokens && sum.cachedInputTokens > 0)
        }
    }
}
