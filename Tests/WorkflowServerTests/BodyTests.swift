import FlatValue
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowServer

@Suite("Bodies and ids")
struct BodyTests {
    @Test(arguments: [".", "..", "", "a\u{1}b", "a\u{7F}", String(repeating: "x", count: 201)])
    func `an id that no address can hold begins no run`(_ id: String) async throws {
        try await RunningServer.with(TestWorkflows.all()) { (server) async throws in
            for route in ["runs", "run", "stream"] {
                let path = "/api/workflows/wait/\(route)"
                let answer = try await server.post(path, ["inputData": 1, "runId": Value(id)])
                #expect(answer.status == 400)
            }
            _ = try await server.post("/api/workflows/wait/runs", ["inputData": 1, "runId": "w"])
            _ = try await server.request("POST", "/api/runs/w/cancel")
            #expect(try await server.post("/api/runs/w/retry", ["runId": Value(id)]).status == 400)
            await #expect(throws: RunFailure.self) {
                _ = try await server.directory.start(StartRequest(workflow: "wait", input: 1, id: id))
            }
            await #expect(throws: RunFailure.self) {
                _ = try await server.directory.fork("w", at: .failure, as: id)
            }
            #expect(try await server.directory.list(RunFilter()).count == 1)
        }
    }

    @Test(arguments: ["%2E%2E", "..", "a/b", "?", "#", "%", " ", "ä"])
    func `any other id is reached by its address`(_ id: String) async throws {
        guard id != ".." else { return }
        try await RunningServer.with(TestWorkflows.all()) { (server) async throws in
            let started = try await server.post("/api/workflows/wait/runs", ["inputData": 1, "runId": Value(id)])
            #expect(started.status == 202)
            let place = try #require(started.header("location"))
            #expect(try await server.get(place).json["runId"] == Value(id))
        }
    }

    @Test func `large bodies that come in at once are held up to a bound, and small ones always`() async throws {
        var options = ServerOptions()
        options.bodiesLimit = 128 << 10
        @Sendable func body(_ size: Int) -> Value {
            ["inputData": ["name": Value(String(repeating: "x", count: size))]]
        }
        try await RunningServer.with(TestWorkflows.all(), options: options) { (server) async throws in
            for _ in 0..<4 {
                let large = try await server.post("/api/workflows/greet/run", body(300 << 10))
                #expect(large.status == 503 && large.json["code"] == "overloaded")
                #expect(large.header("retry-after") == "1")
                #expect(try await server.post("/api/workflows/greet/run", body(60 << 10)).status == 200)
                // What was held of those before has been given back.
                #expect(try await server.post("/api/workflows/greet/run", body(150 << 10)).status == 200)
            }
        }
    }

    @Test func `a body with an encoding is refused, with what is taken`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { (server) async throws in
            for path in ["/api/workflows/greet/run", "/api/runs/x/cancel", "/mcp"] {
                let answer = try await server.request(
                    "POST", path, #"{"inputData":{"name":"x"}}"#, headers: [("Content-Encoding", "gzip")])
                #expect(answer.status == 415)
                #expect(answer.header("accept-encoding") == "identity")
            }
            let plain = try await server.request(
                "POST", "/api/workflows/greet/run", #"{"inputData":{"name":"x"}}"#,
                headers: [("Content-Encoding", "identity")])
            #expect(plain.status == 200)
        }
    }

    @Test(arguments: [
        "text/plain", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x", "text/plain,application/x+json", "",
    ])
    func `a page that may send some types without asking sends no JSON by them`(_ type: String) async throws {
        try await RunningServer.with(TestWorkflows.all()) { (server) async throws in
            _ = try await server.post("/api/workflows/wait/runs", ["inputData": 1, "runId": "w"])
            let initialize =
                #"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}"#
            var bodies = ["/mcp": initialize, "/api/runs/w/signals/go": #"{"data":1}"#]
            for route in ["run", "runs", "stream"] {
                bodies["/api/workflows/greet/\(route)"] = #"{"inputData":{"name":"x"}}"#
            }
            for action in ["resume", "cancel", "retry", "fork", "upgrade"] { bodies["/api/runs/w/\(action)"] = "{}" }
            for (path, body) in bodies {
                let answer = try await server.request("POST", path, body, headers: [("Content-Type", type)])
                #expect(answer.status == 415, "\(path): \(answer.text)")
            }
            #expect(try await server.directory.list(RunFilter()).count == 1)
        }
    }

    @Test func `a body of no bytes has any type`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { (server) async throws in
            for type in ["application/x-www-form-urlencoded", "text/plain", "application/octet-stream"] {
                _ = try await server.post("/api/workflows/wait/runs", ["inputData": 1, "runId": Value(type)])
                let path = "/api/runs/\(type.replacing("/", with: "%2F"))/cancel"
                #expect(try await server.request("POST", path, "x", headers: [("Content-Type", type)]).status == 415)
                let answer = try await server.request("POST", path, "", headers: [("Content-Type", type)])
                #expect(answer.status == 200)
            }
        }
    }

    @Test func `what waits for a person has a form`() async throws {
        let ask = try Workflow(id: "ask") { _ in
            [
                .human(
                    "first",
                    responseSchema: [
                        "type": "object", "required": ["ok"], "properties": ["ok": ["type": "boolean"]],
                    ]), .human("second"),
            ]
        }
        try await RunningServer.with([ask]) { (server) async throws in
            let first = try await server.post("/api/workflows/ask/run", ["inputData": 1, "runId": "a"])
            let form = first.json["pendingHuman"]?["form"]
            #expect(form?["fields"]?[0]?["type"] == "confirm")
            #expect(form?["generated"] == true)
            let second = try await server.post("/api/runs/a/resume", ["data": ["ok": true]])
            #expect(second.json["pendingHuman"]?["form"]?["fields"] == [])
        }
    }
}
