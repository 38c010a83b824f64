import FlatValue
import Testing
import WorkflowCore
import WorkflowEngine

@testable import HostEffects

/// A service and a caller that ask one after the other, as a step does.
private struct Asker {
    let service: HostEffectsService
    /// The attempt of the step that asks.
    var attempt = 1

    init(_ secrets: [String: String] = [:]) {
        var permissions = Permissions()
        permissions.net = .everything
        service = HostEffectsService(
            permissions: permissions, secrets: Secrets(given: secrets, environment: { _ in nil }),
            settings: HTTPSettings())
    }

    func ask(_ operation: String, _ payload: Value) async -> (answer: HostAnswer, operation: (any HostOperation)?) {
        await withCheckedContinuation { continuation in
            let box = OperationBox()
            var call = HostCall(operation, payload: payload, workflow: "w", run: "r", path: "s")
            call.attempt = attempt
            box.operation = service.begin(call) {
                box.answer = $0
                box.ready.signal()
            }
            Task.detached {
                await box.ready.wait()
                if let answer = box.answer { continuation.resume(returning: (answer, box.operation)) }
            }
        }
    }
}

private final class OperationBox: @unchecked Sendable {
    var operation: (any HostOperation)?
    var answer: HostAnswer?
    let ready = Signal()
}

/// A signal that one task waits for.
final class Signal: Sendable {
    private let (stream, source) = AsyncStream.makeStream(of: Void.self)

    func signal() { source.finish() }

    func wait() async { for await _ in stream {} }
}

struct StreamTests {
    private let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nX-Kind: stream\r\n\r\n"

    @Test func `an answer comes in parts, and ends`() async {
        let server = LoopbackServer { _ in .raw(head + "data: one\n\n") }
        let asker = Asker()
        let (opened, operation) = await asker.ask("http.open", ["url": Value(server.base + "/")])
        #expect(opened.ok)
        #expect(opened.value["status"] == 200)
        #expect(opened.value["headers"]?["x-kind"] == "stream")
        #expect(opened.value["body"] == nil)
        #expect(operation?.outlivesAnswer == true)
        #expect(server.requests.first?.headers["accept-encoding"] == "identity")
        let stream: Value = ["stream": opened.value["stream"] ?? .null]
        #expect(await asker.ask("http.read", stream).answer.value == ["data": "data: one\n\n"])
        #expect(await asker.ask("http.read", stream).answer.value == ["done": true])
        #expect(await asker.ask("http.read", stream).answer.value["code"] == "stream_closed")
    }

    @Test func `what has come is given out although nothing follows, and silence ends it`() async {
        let server = LoopbackServer { _ in .stuck(head + "first") }
        let asker = Asker()
        let (opened, operation) = await asker.ask(
            "http.open", ["url": Value(server.base + "/"), "idle_timeout": "100ms"])
        let stream: Value = ["stream": opened.value["stream"] ?? .null]
        #expect(await asker.ask("http.read", stream).answer.value == ["data": "first"])
        let late = await asker.ask("http.read", stream).answer
        #expect(late.value["code"] == "http_timeout")
        #expect(late.value["message"] == "127.0.0.1 sent nothing for 100 ms")
        operation?.cancel()
    }

    @Test func `the end of the call closes the connection`() async {
        let server = LoopbackServer { _ in .stuck(head + "first") }
        let asker = Asker()
        let (opened, operation) = await asker.ask("http.open", ["url": Value(server.base + "/")])
        #expect(opened.ok)
        operation?.cancel()
        while server.abandoned == 0 { await Task.yield() }
        let stream: Value = ["stream": opened.value["stream"] ?? .null]
        #expect(await asker.ask("http.read", stream).answer.value["code"] == "stream_closed")
    }

    @Test func `a stream that is closed ends for its server`() async {
        let server = LoopbackServer { _ in .stuck(head + "first") }
        let asker = Asker()
        let (opened, _) = await asker.ask("http.open", ["url": Value(server.base + "/")])
        let stream: Value = ["stream": opened.value["stream"] ?? .null]
        #expect(await asker.ask("http.close", stream).answer.ok)
        while server.abandoned == 0 { await Task.yield() }
    }

    @Test func `no other step reads a stream`() async {
        let server = LoopbackServer { _ in .raw(head + "mine") }
        var asker = Asker()
        let (opened, _) = await asker.ask("http.open", ["url": Value(server.base + "/")])
        let stream: Value = ["stream": opened.value["stream"] ?? .null]
        asker.attempt = 2
        #expect(await asker.ask("http.read", stream).answer.value["code"] == "stream_closed")
        asker.attempt = 1
        #expect(await asker.ask("http.read", stream).answer.value == ["data": "mine"])
    }

    @Test func `a stream that does not end is held back, and cut at its limit`() async {
        let server = LoopbackServer { _ in .endless(head, String(repeating: "x", count: 64 << 10)) }
        let asker = Asker()
        let (opened, operation) = await asker.ask(
            "http.open", ["url": Value(server.base + "/"), "max_size": 1_048_576])
        let stream: Value = ["stream": opened.value["stream"] ?? .null]
        var (taken, code) = (0, "")
        while code.isEmpty {
            let answer = await asker.ask("http.read", stream).answer
            taken += answer.value["data"]?.string?.utf8.count ?? 0
            code = answer.value["code"]?.string ?? ""
        }
        #expect(code == "too_large")
        #expect(taken <= 1 << 20)
        operation?.cancel()
    }

    @Test func `a secret that comes in two parts is not given out`() async throws {
        let redactor = Redactor()
        redactor.add("hunter2", name: "A")
        let stream = HTTPStream(redactor)
        #expect(await stream.write(Array("say hun".utf8)))
        #expect(try await stream.read().map { String(decoding: $0, as: UTF8.self) } == "say ")
        #expect(await stream.write(Array("ter2 now hunt".utf8)))
        #expect(
            try await stream.read().map { redactor.redact(String(decoding: $0, as: UTF8.self)) } == "[secret A] now ")
        stream.finish(.success(()))
        #expect(try await stream.read().map { String(decoding: $0, as: UTF8.self) } == "hunt")
        #expect(try await stream.read() == nil)
    }

    @Test(.timeLimit(.minutes(1))) func `a secret that is longer than what is held at most comes through`() async throws
    {
        let secret = (0..<50_000).map { "\($0);" }.joined()
        let redactor = Redactor()
        redactor.add(secret, name: "LONG")
        let stream = HTTPStream(redactor)
        let chunks: [Substring] = [
            secret.prefix(HTTPStream.bufferLimit), secret.dropFirst(HTTPStream.bufferLimit), "end",
        ]
        let writing = Task {
            for chunk in chunks { _ = await stream.write(Array(chunk.utf8)) }
            stream.finish(.success(()))
        }
        // The first chunk fills the buffer and is held back.
        var text = ""
        while let bytes = try await stream.read() { text += redactor.redact(String(decoding: bytes, as: UTF8.self)) }
        #expect(text == "[secret LONG]end")
        await writing.value
    }
}
