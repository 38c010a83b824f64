internal import FlatValue
internal import Testing
internal import WorkflowCore
internal import WorkflowServer

@Suite("A server without tokens and the pages of other sites")
struct BrowserTests {
    private static let start: Value = ["inputData": 1]

    @Test func `pages of other sites change nothing`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            let path = "/api/workflows/wait/runs"
            let own = "http://127.0.0.1:\(server.port)"
            let tries: [([(String, String)], Int)] = [
                ([("Origin", "https://evil.example")], 403), ([("Origin", "null")], 403),
                ([("Sec-Fetch-Site", "cross-site")], 403), ([("Sec-Fetch-Site", "same-site")], 403),
                ([("Origin", own)], 202),
                ([("Sec-Fetch-Site", "same-origin"), ("Origin", "https://proxy.example")], 202),
                ([], 202),
            ]
            for (headers, status) in tries {
                #expect(try await server.post(path, Self.start, headers: headers).status == status, "\(headers)")
            }
            let refused = try await server.post(path, Self.start, headers: [("Origin", "https://evil.example")])
            #expect(refused.json["code"] == "foreign_origin")
            #expect(try await server.get("/api/runs", headers: [("Origin", "https://evil.example")]).status == 200)
        }
    }

    @Test func `a site that is named may, and the server answers to its own names alone`() async throws {
        var options = ServerOptions()
        options.allowedOrigins = ["https://app.example"]
        options.hosts = ["flows.example"]
        try await RunningServer.with(TestWorkflows.all(), options: options) { server in
            let path = "/api/workflows/wait/runs"
            let named = try await server.post(path, Self.start, headers: [("Origin", "https://app.example")])
            #expect(named.status == 202)
            let rebound = try await server.get("/api/runs", headers: [("Host", "evil.example:\(server.port)")])
            #expect(rebound.status == 403)
            #expect(rebound.json["code"] == "foreign_host")
            for name in ["LOCALHOST", "flows.example:80", "127.0.0.2", "[::1]:8787", "worker", "a.localhost"] {
                #expect(try await server.get("/api/runs", headers: [("Host", name)]).status == 200, "\(name)")
            }
        }
    }

    @Test func `a run that is asked for by its id or a key is started once, however it is asked for`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            let body: Value = ["inputData": ["name": "Ada"], "runId": "mine"]
            for _ in 0..<2 {
                let answer = try await server.post("/api/workflows/greet/run", body)
                #expect(answer.json["runId"] == "mine")
                #expect(answer.json["result"] == ["text": "Hello, Ada"])
            }
            let key = [("Idempotency-Key", "k1")]
            let plain: Value = ["inputData": ["name": "Ada"]]
            let first = try await server.post("/api/workflows/greet/run", plain, headers: key).json["runId"]
            let frames = try await server.frames("POST", "/api/workflows/greet/stream", plain, headers: key)
            #expect(frames.first?.data["runId"] == first)
            #expect(try await server.get("/api/runs").json["runs"]?.count == 2)
            let other: Value = ["inputData": ["name": "Eve"], "runId": "mine"]
            #expect(try await server.post("/api/workflows/greet/run", other).status == 409)
        }
    }
}
