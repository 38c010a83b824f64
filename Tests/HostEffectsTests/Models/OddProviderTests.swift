import FlatValue
import Synchronization
import Testing
import WorkflowCore
import WorkflowEngine

@testable import HostEffects

private let key = "sk-SECRETKEYabcdef123456"

private func chunk(_ delta: Value, _ reason: Value = .null) -> Value {
    ["id": "x", "model": "m", "choices": [["index": 0, "delta": delta, "finish_reason": reason]]]
}

private func call(_ id: String?, _ name: String?, _ arguments: String, index: Int64? = nil) -> Value {
    var function: [(String, Value)] = [("arguments", Value(arguments))]
    if let name { function.append(("name", Value(name))) }
    var entries: [(String, Value)] = [("function", Value(entries: function))]
    if let id { entries.append(("id", Value(id))) }
    if let index { entries.append(("index", Value(index))) }
    return Value(entries: entries)
}

private func events(_ values: [Value], start: String = "", done: Bool = true) -> String {
    start + values.map { "data: \($0.json)\n\n" }.joined() + (done ? "data: [DONE]\n\n" : "")
}

private let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"

private func stream(_ text: String) -> LoopbackServer.Reply {
    .full(200, ["Content-Type": "text/event-stream"], Array(text.utf8))
}

private let hello = [chunk(["content": "he"]), chunk(["content": "llo"]), chunk([:], "stop")]

/// What a call of the model at a server comes to, and the pieces that are told of.
private func ask(
    _ server: LoopbackServer, streamed: Bool = true, timeout: Value = "20s", attempts: Int64 = 1
) async -> (answer: HostAnswer, deltas: [Value]) {
    var permissions = Permissions()
    permissions.net = .only(["127.0.0.1"])
    let service = HostEffectsService(
        permissions: permissions, secrets: Secrets(given: ["KEY": key], environment: { _ in nil }),
        settings: HTTPSettings())
    let model: Value = [
        "provider": "openai", "name": "m", "base_url": Value(server.base), "api_key": ["$secret": "KEY"],
        "timeout": timeout, "retry": ["max_attempts": Value(attempts), "initial": "1ms"],
    ]
    let told = Mutex<[Value]>([])
    let answer = await withCheckedContinuation { continuation in
        var call = HostCall(
            "model",
            payload: [
                "model": model, "messages": [["role": "user", "content": "?"]], "stream": Value(streamed),
            ], workflow: "w", run: "r", path: "s")
        call.stream = { delta in told.withLock { $0.append(delta) } }
        _ = service.begin(call) { continuation.resume(returning: $0) }
    }
    return (answer, told.withLock { $0 })
}

private func text(_ deltas: [Value]) -> String { deltas.compactMap { $0["text"]?.string }.joined() }

@Suite("Providers that answer in odd ways") struct OddProviderTests {
    @Test func `a byte order mark before the stream is no part of its first event`() async {
        let server = LoopbackServer { _ in stream(events(hello, start: "\u{FEFF}")) }
        #expect(await ask(server).answer.value["text"] == "hello")
    }

    @Test(arguments: [1, 2, 100]) func `only a whole mark at the beginning is left out`(size: Int) throws {
        func data(_ bytes: [UInt8]) throws -> [String] {
            var reader = EventStreamReader()
            return try stride(from: 0, to: bytes.count, by: size).flatMap {
                try reader.take(bytes[$0..<min($0 + size, bytes.count)])
            }
        }
        let event = Array("data: a\n\n".utf8)
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        #expect(try data(mark + event + event) == ["a", "a"])
        #expect(try data(mark + mark + event + event) == ["a"])
        #expect(try data(mark[..<2] + event + event) == ["a"])
        #expect(try data(event + mark + event) == ["a"])
    }

    @Test(arguments: [
        (["{}"], true), (["{", "\"a\":", "{}", "}"], true), (["{\"a\":\"}\"", "}"], true), (["{\"a\":\"\\\"}"], false),
        ([" {", "} "], true), (["{}", "x"], false), (["{}{"], false), (["[]"], false), (["1"], false), ([""], false),
        (["{\"a\":[{}", "]", "}"], true), (["}"], false),
    ])
    func `the end of an object is seen in pieces`(pieces: [String], isWhole: Bool) {
        var scan = ObjectScan()
        for piece in pieces { scan.take(piece) }
        #expect(scan.isWhole == isWhole)
        var bytes = ObjectScan()
        for scalar in pieces.joined().unicodeScalars { bytes.take(String(scalar)) }
        #expect(bytes.isWhole == isWhole)
    }

    /// Each piece would be looked for among all calls, and all arguments read again with each.
    @Test func `an answer of calls without end is refused, and one of pieces without end read in one go`() throws {
        var many = OpenAIProvider().reader()
        #expect(throws: HostFailure.self) {
            for index in 0..<10_000 {
                _ = try many.take(chunk(["tool_calls": [call(nil, nil, "", index: Int64(index))]]))
            }
        }
        var named = OpenAIProvider().reader()
        #expect(throws: HostFailure.self) {
            for index in 0..<100_000 { _ = try named.take(chunk(["tool_calls": [call(nil, "n\(index)", "")]])) }
        }
        var long = OpenAIProvider().reader()
        _ = try long.take(chunk(["tool_calls": [call(nil, "look", "{\"a\":\"")]]))
        for _ in 0..<10_000 { _ = try long.take(chunk(["tool_calls": [call(nil, "look", "0123456789")]])) }
        _ = try long.take(chunk(["tool_calls": [call(nil, "look", "\"}")]]))
        _ = try long.take(chunk(["tool_calls": [call(nil, "look", "{}")]], "tool_calls"))
        #expect(try long.finish().calls.map(\.arguments.utf8.count) == [100_008, 2])
        var blocks = AnthropicProvider().reader()
        for index in 0..<5000 {
            let place = Value(Int64(index))
            _ = try blocks.take(["type": "content_block_start", "index": place, "content_block": ["type": "text"]])
            let delta: Value = ["type": "text_delta", "text": "x"]
            let told = try blocks.take(["type": "content_block_delta", "index": place, "delta": delta])
            #expect(told.map(\.index) == [index + 1])
        }
    }

    @Test func `content in parts is text and reasoning`() async throws {
        let parts: [Value] = [
            ["type": "thinking", "thinking": [["type": "text", "text": "hmm"]]],
            ["type": "text", "text": "The answer is "], ["type": "reference", "reference_ids": [1]],
            ["type": "text", "text": "42"],
        ]
        let server = LoopbackServer { _ in
            stream(events(parts.map { chunk(["content": [$0]]) } + [chunk(["content": ""], "stop")]))
        }
        let (answer, deltas) = await ask(server)
        #expect(answer.value["text"] == "The answer is 42")
        #expect(answer.value["reasoning"] == "hmm")
        #expect(deltas.compactMap { $0["kind"]?.string } == ["reasoning", "text", "text"])
        let whole = try OpenAIProvider().answer(
            ["choices": [["message": ["content": Value(array: parts)], "finish_reason": "stop"]]])
        #expect(whole.text == "The answer is 42" && whole.reasoning == "hmm")
        for odd: Value in [5, true, [["type": "image_url", "image_url": ["url": "x"]]], [7]] {
            let failure = #expect(throws: HostFailure.self) {
                try OpenAIProvider().answer(["choices": [["message": ["content": odd], "finish_reason": "stop"]]])
            }
            #expect(failure?.code == "model_answer")
            var reader = OpenAIProvider().reader()
            #expect(throws: HostFailure.self) { _ = try reader.take(chunk(["content": odd])) }
        }
    }

    @Test func `calls of tools without an index, or all with the same, are several`() async {
        let (first, second) = (#"{"q":"a"}"#, #"{"q":"b"}"#)
        let forms: [[[Value]]] = [
            [[call("c0", "t", first)], [call("c1", "t", second)]],
            [[call("c0", "t", first), call("c1", "t", second)]],
            [[call("c0", "t", first, index: 0)], [call("c1", "t", second, index: 0)]],
            [
                [call("c0", "t", "{\"q\":", index: 0)], [call("c0", "t", "\"a\"}", index: 0)],
                [call("c1", "t", second, index: 0)],
            ],
            [
                [call("c0", "t", "")], [call(nil, nil, first)], [call("c1", "t", "{")],
                [call("c1", "t", "\"q\":\"b\"}")],
            ],
            // An id that is made up for each piece.
            [
                [call("c0", "t", "{\"q\"", index: 0)], [call("z", nil, ":\"a\"}", index: 0)],
                [call("c1", "t", second, index: 1)],
            ],
        ]
        for form in forms {
            let server = LoopbackServer { _ in
                stream(events(form.map { chunk(["tool_calls": Value(array: $0)]) } + [chunk([:], "tool_calls")]))
            }
            let calls = await ask(server).answer.value["tool_calls"]
            #expect(
                calls == [
                    ["id": "c0", "name": "t", "arguments": Value(first)],
                    ["id": "c1", "name": "t", "arguments": Value(second)],
                ])
        }
        let unnamed = LoopbackServer { _ in
            stream(
                events([
                    chunk(["tool_calls": [call(nil, "t", first)]]), chunk(["tool_calls": [call(nil, "t", second)]]),
                    chunk([:], "tool_calls"),
                ]))
        }
        let calls = await ask(unnamed).answer.value["tool_calls"]?.array ?? []
        #expect(calls.map { $0["id"] } == ["call_1", "call_2"])
        #expect(calls.map { $0["arguments"] } == [Value(first), Value(second)])
    }

    @Test(
        arguments: [
            ["error": ["message": "overloaded", "code": 500]],
            ["error": ["message": "overloaded", "code": "502"]],
            ["error": ["message": "slow down", "type": "tokens", "code": "rate_limit_exceeded"]],
            ["choices": [["index": 0, "delta": ["content": ""], "error": ["code": 503, "message": "gone"]]]],
            chunk(["content": ""], "error"),
        ] as [Value])
    func `an error within a stream that passes is tried again`(error: Value) async {
        let count = Atomic<Int>(0)
        let server = LoopbackServer { _ in
            let isFirst = count.wrappingAdd(1, ordering: .relaxed).newValue == 1
            return stream(events(isFirst ? [chunk(["content": "x"]), error] : hello))
        }
        let (answer, deltas) = await ask(server, attempts: 2)
        #expect(answer.value["text"] == "hello")
        #expect(deltas.contains { $0["kind"] == "restart" })
        #expect(server.requests.count == 2)
    }

    @Test func `an error that does not pass says what it is`() async {
        let streamed = LoopbackServer { _ in stream(events([["error": ["message": "too long", "code": 400]]])) }
        let (answer, _) = await ask(streamed, attempts: 2)
        #expect(answer.value["message"] == "the provider reports 400: too long")
        #expect(streamed.requests.count == 1)
        for (body, message): (String, String) in [
            (#"{"error":{"message":"no","type":"x"}}"#, "x: no"), (#"{"error":"no"}"#, "error: no"),
            (#"{"error":{"message":"no","type":"bad","code":422}}"#, "bad (422): no"),
        ] {
            let whole = LoopbackServer { _ in .text(body) }
            for streamed in [true, false] {
                let answer = await ask(whole, streamed: streamed).answer
                #expect(answer.value["code"] == "model_error")
                #expect(answer.value["message"] == Value("the provider reports " + message))
            }
        }
        #expect(throws: HostFailure.endedInError) {
            try OpenAIProvider().answer(["choices": [["message": ["content": "x"], "finish_reason": "error"]]])
        }
    }

    @Test func `the answer is the choice with the index 0, and what stands before the end`() async {
        let both: Value = [
            "choices": [["index": 1, "delta": ["content": "WRONG"]], ["index": 0, "delta": ["content": "oh "]]]
        ]
        let other: Value = ["choices": [["index": 1, "delta": ["content": "WRONG"]]]]
        let server = LoopbackServer { _ in
            stream(events([both, other] + hello) + events([chunk(["content": "MORE"])], done: false))
        }
        let (answer, deltas) = await ask(server)
        #expect(answer.value["text"] == "oh hello")
        #expect(text(deltas) == "oh hello")
    }

    @Test func `a stream of nothing but comments ends with the time between pieces`() async {
        let server = LoopbackServer { _ in
            .endless(
                head + events([chunk(["content": "x"])], done: false), ": \(String(repeating: "x", count: 20))\n\n")
        }
        #expect(await ask(server, timeout: 0.2).answer.value["code"] == "model_timeout")
    }

    @Test func `bytes of data that is still to end count as a piece, and comments do not`() throws {
        var reader = EventStreamReader()
        var seen = reader.dataBytes
        for (bytes, counts) in [
            (": x\n\n", false), ("event: ping\n", false), ("data: {", true), ("\"a\"", true), (": 1}\n", true),
            ("\n", false),
            (": x", false), ("\n", false),
        ] {
            _ = try reader.take(bytes.utf8)
            #expect((reader.dataBytes > seen) == counts, "\(bytes)")
            seen = reader.dataBytes
        }
    }

    // MARK: Secrets

    @Test func `a key that is spread over pieces is told to nobody`() async {
        let server = LoopbackServer { request in
            let sent = request.headers["authorization"] ?? ""
            let pieces = [String(sent.prefix(12)), String(sent.dropFirst(12)), " s", "o", " s"]
            return stream(events(pieces.map { chunk(["content": Value($0)]) } + [chunk([:], "stop")]))
        }
        let (answer, deltas) = await ask(server)
        #expect(answer.value["text"] == "Bearer [secret KEY] so s")
        #expect(text(deltas) == "Bearer [secret KEY] so s")
        #expect(!deltas.contains { $0.json.contains("sk-") || $0.json.contains("CRETKEY") })
    }

    @Test func `what a broken answer holds back is not told`() async {
        let count = Atomic<Int>(0)
        let server = LoopbackServer { _ in
            let isFirst = count.wrappingAdd(1, ordering: .relaxed).newValue == 1
            return isFirst ? stream(events([chunk(["content": "my sk-SECRET"])], done: false)) : stream(events(hello))
        }
        let (_, deltas) = await ask(server, attempts: 2)
        #expect(deltas.compactMap { $0["kind"]?.string } == ["text", "restart", "text", "text"])
        #expect(text(deltas) == "my hello")
    }

    @Test func `each text holds back its own end`() {
        let redactor = Redactor()
        redactor.add("abcabc", name: "A")
        let told = Mutex<[String]>([])
        let deltas = DeltaRedactor(redactor) { delta in
            told.withLock {
                $0.append("\(delta["kind"]?.string ?? "")\(delta["index"]?.int ?? 0) \(delta["text"]?.string ?? "")")
            }
        }
        func take(_ kind: ModelDelta.Kind, _ text: String, _ index: Int) {
            deltas.take(ModelDelta(kind: kind, text: text, index: index).value)
        }
        take(.text, "x abc", 1)
        take(.toolCall, "abc", 1)
        take(.toolCall, "", 2)
        // A whole secret whose end begins another one.
        take(.text, "abc", 1)
        take(.text, "abcd", 1)
        take(.toolCall, "d", 1)
        take(.reasoning, "ab", 1)
        deltas.end()
        deltas.end()
        #expect(
            told.withLock { $0 } == [
                "text1 x ", "tool_call2 ", "text1 [secret A]d", "tool_call1 abcd", "reasoning1 ab",
            ])
    }
}
