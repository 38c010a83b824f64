internal import AsyncHTTPClient
internal import FlatValue
internal import MemoryJournal
internal import NIOCore
internal import NIOHTTP1
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowServer

/// A server over a real socket, with the workflows of the tests.
struct RunningServer: Sendable {
    let directory: RunDirectory
    let server: WorkflowServer
    let port: Int

    /// Serves while `body` runs.
    static func with<Result: Sendable>(
        _ workflows: [Workflow], store: MemoryStore = MemoryStore(), access: AccessControl? = nil,
        options: ServerOptions = ServerOptions(), _ body: @escaping @Sendable (RunningServer) async throws -> Result
    ) async throws -> Result {
        let journal = MemoryJournal(store)
        let engine = WorkflowEngine(workers: 2, host: NoHostOperations(), journal: journal)
        let directory = try RunDirectory(engine, catalog: FixedCatalog(workflows))
        let server = WorkflowServer(directory, access: access, options: options)
        let (ports, found) = AsyncStream.makeStream(of: Int.self)
        let serving = Task {
            defer { found.finish() }
            try await server.run(host: "127.0.0.1", port: 0) { port in found.yield(port) }
        }
        var iterator = ports.makeAsyncIterator()
        guard let port = await iterator.next() else {
            try await serving.value
            throw RunFailure(code: "no_port", message: "the server did not start")
        }
        let result: Swift.Result<Result, any Error>
        do {
            result = .success(try await body(RunningServer(directory: directory, server: server, port: port)))
        } catch {
            result = .failure(error)
        }
        directory.events.close()
        serving.cancel()
        _ = try? await serving.value
        engine.shutdown()
        await journal.close()
        return try result.get()
    }

    /// One answer.
    struct Answer: Sendable {
        var status: Int
        var headers: HTTPHeaders
        var text: String

        var json: Value { (try? Value(json: text)) ?? .null }
        var error: String? { json["error"]?.string }
        func header(_ name: String) -> String? { headers.first(name: name) }
    }

    func request(
        _ method: String, _ path: String, _ body: String? = nil, headers: [(String, String)] = []
    ) async throws -> Answer {
        let response = try await HTTPClient.shared.execute(
            makeRequest(method, path, body, headers), timeout: .seconds(20))
        let text = try await response.body.collect(upTo: 64 << 20)
        return Answer(status: Int(response.status.code), headers: response.headers, text: String(buffer: text))
    }

    /// Sends bytes that may be no text.
    func send(
        _ method: String, _ path: String, _ bytes: some Sequence<UInt8>, headers: [(String, String)] = []
    ) async throws -> Answer {
        var request = makeRequest(method, path, nil, headers)
        request.body = .bytes(ByteBuffer(bytes: Array(bytes)))
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(20))
        let text = try await response.body.collect(upTo: 64 << 20)
        return Answer(status: Int(response.status.code), headers: response.headers, text: String(buffer: text))
    }

    private func makeRequest(
        _ method: String, _ path: String, _ body: String?, _ headers: [(String, String)]
    ) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)")
        request.method = HTTPMethod(rawValue: method)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let body {
            if !request.headers.contains(name: "content-type") {
                request.headers.add(name: "content-type", value: "application/json")
            }
            request.body = .bytes(ByteBuffer(string: body))
        }
        return request
    }

    func get(_ path: String, headers: [(String, String)] = []) async throws -> Answer {
        try await request("GET", path, headers: headers)
    }

    func post(_ path: String, _ body: Value, headers: [(String, String)] = []) async throws -> Answer {
        try await request("POST", path, body.json, headers: headers)
    }

    /// One frame of a stream.
    struct Frame: Sendable, Equatable {
        var event: String
        var id: Int?
        var data: Value
    }

    /// The frames of a stream to its end, or through one for which `isLast` holds.
    func frames(
        _ method: String, _ path: String, _ body: Value? = nil, headers: [(String, String)] = [],
        through isLast: (Frame) async throws -> Bool = { _ in false }
    ) async throws -> [Frame] {
        let all = headers + [("accept", "text/event-stream")]
        let response = try await HTTPClient.shared.execute(
            makeRequest(method, path, body?.json, all), timeout: .seconds(20))
        guard response.status == .ok else {
            throw RunFailure(code: "status", message: "\(response.status.code)")
        }
        var frames: [Frame] = []
        var text = ""
        for try await chunk in response.body {
            text += String(buffer: chunk)
            while let frame = Self.takeFrame(&text) {
                guard let frame else { continue }
                frames.append(frame)
                if try await isLast(frame) { return frames }
            }
        }
        return frames
    }

    /// Takes what stands before the next empty line; an inner nil for a comment or a hint.
    private static func takeFrame(_ text: inout String) -> Frame?? {
        let bytes = Array(text.utf8)
        guard let end = bytes.indices.first(where: { $0 > 0 && bytes[$0] == 10 && bytes[$0 - 1] == 10 }) else {
            return .none
        }
        let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\n")
        text = String(decoding: bytes[(end + 1)...], as: UTF8.self)
        var (event, id, data) = ("", Int?.none, Value?.none)
        for line in lines {
            if line.hasPrefix("event: ") { event = String(line.dropFirst(7)) }
            if line.hasPrefix("id: ") { id = Int(line.dropFirst(4)) }
            if line.hasPrefix("data: ") { data = try? Value(json: String(line.dropFirst(6))) }
        }
        guard let data else { return .some(nil) }
        return .some(Frame(event: event, id: id, data: data))
    }
}

/// The workflows of the tests.
enum TestWorkflows {
    static func all() throws -> [Workflow] { [try greet(), try ask(), try fail(), try wait()] }

    static func greet() throws -> Workflow {
        try Workflow(
            id: "greet", description: "Greets somebody.",
            inputSchema: ["type": "object", "required": ["name"], "properties": ["name": ["type": "string"]]]
        ) { code in
            [
                .step(
                    "hello",
                    handler: code.inline { input, _ in ["text": Value("Hello, \(input["name"]?.string ?? "")")] }),
                .step("done", handler: code.inline { input, _ in input }),
            ]
        }
    }

    static func ask() throws -> Workflow {
        try Workflow(id: "ask me") { code in
            [
                .human(
                    "approve", output: code.inline { input, _ in ["shown": input] },
                    form: code.inline { _, _ in ["title": "Sure?"] },
                    responseSchema: ["type": "object", "required": ["ok"]]),
                .step("after", handler: code.inline { answer, _ in ["answer": answer] }),
            ]
        }
    }

    static func fail() throws -> Workflow {
        try Workflow(id: "fail") { code in
            [
                .step(
                    "break",
                    handler: code.inline { _, _ in
                        throw StepError(code: "broken", message: "it broke", retryable: false)
                    })
            ]
        }
    }

    static func wait() throws -> Workflow {
        try Workflow(id: "wait") { _ in [.waitFor("go", event: "go")] }
    }
}
