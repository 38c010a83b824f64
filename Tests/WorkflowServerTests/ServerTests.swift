internal import FlatValue
internal import JWTKit
internal import Synchronization
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowServer

@Suite("Server")
struct ServerTests {
    @Test func `wrong methods, types and sizes have their statuses`() async throws {
        var options = ServerOptions()
        options.bodyLimit = 1000
        try await RunningServer.with(TestWorkflows.all(), options: options) { server in
            let wrong = try await server.request("PUT", "/api/workflows")
            #expect(wrong.status == 405)
            #expect(wrong.header("allow") == "GET, HEAD, OPTIONS")
            #expect(wrong.json["code"] == "method_not_allowed")
            let type = try await server.request(
                "POST", "/api/workflows/greet/run", "x", headers: [("content-type", "text/plain")])
            #expect(type.status == 415)
            let large = try await server.post(
                "/api/workflows/greet/run", ["inputData": Value(String(repeating: "x", count: 2000))])
            #expect(large.status == 413)
            #expect(try await server.get("/nothing").json["code"] == "not_found")
            let given = try await server.get("/api/version", headers: [("X-Request-ID", "mine")])
            #expect(given.header("x-request-id") == "mine")
        }
    }

    @Test func `the processes that drive runs are shown`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            _ = try await server.post("/api/workflows/greet/run", ["inputData": ["name": "Ada"]])
            let nodes = try #require(try await server.get("/api/nodes").json["nodes"]?.array)
            #expect(nodes.count == 1)
            #expect(nodes.first?["isAlive"] == true)
            #expect(nodes.first?["isSelf"] == true)
            #expect(nodes.first?["runs"] == [:])
        }
    }

    @Test func `health, figures and the description are there`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            _ = try await server.post("/api/workflows/greet/run", ["inputData": ["name": "Ada"]])
            #expect(try await server.get("/health/live").status == 200)
            #expect(try await server.get("/health/ready").status == 200)
            let figures = try await server.get("/metrics")
            #expect(figures.text.contains(#"aikit_stored_runs{status="success"} 1"#))
            #expect(figures.text.contains("# TYPE aikit_run_duration_seconds histogram"))
            #expect(figures.text.contains("\naikit_worker_busy_seconds_total{worker=\"1\"} "))
            let document = try await server.get("/openapi.json").json
            #expect(document["openapi"] == "3.1.0")
            let run = document["paths"]?["/api/workflows/greet/run"]?["post"]
            let schema = run?["requestBody"]?["content"]?["application/json"]?["schema"]
            #expect(schema?["properties"]?["inputData"]?["required"] == ["name"])
            server.server.drain()
            let ready = try await server.get("/health/ready")
            #expect(ready.status == 503 && ready.header("retry-after") == "1")
            #expect(try await server.get("/health/live").status == 200)
            let refused = try await server.get("/api/workflows")
            #expect(refused.status == 503)
            #expect(refused.header("retry-after") != nil)
        }
    }

    @Test func `figures say what runs wait for`() async throws {
        let job = try Workflow(
            WorkflowDefinition(
                id: "job", flow: ["concurrency": ["limit": 1]], nodes: [.waitFor("go", event: "go")]),
            handlers: StepHandlers())
        try await RunningServer.with([job]) { server in
            for _ in 0..<3 { _ = try await server.post("/api/workflows/job/runs", ["inputData": 0]) }
            await QueueService(server.directory).begin()
            let figures = try await server.get("/metrics").text
            #expect(figures.contains(#"aikit_queue_waiting_runs{reason="concurrency"} 2"#))
            #expect(figures.contains(#"aikit_queue_waiting_runs{reason="turn"} 0"#))
            let queue = try await server.get("/api/runs?status=queued&limit=1").json["runs"]?[0]?["queue"]
            #expect(queue?["reason"] == "the workflow has 1 of 1 running, 1 before it")
            #expect(queue?["position"] == 2)
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["run", "stream"])
    func `a request to run a workflow with limits is answered when the run settles`(_ verb: String) async throws {
        let job = try Workflow(
            WorkflowDefinition(
                id: "job", flow: ["concurrency": ["limit": 1]], nodes: [.waitFor("go", event: "go")]),
            handlers: StepHandlers())
        try await RunningServer.with([job]) { server in
            let service = Task { await QueueService(server.directory).run() }
            defer { service.cancel() }
            let answer = try await server.post("/api/workflows/job/\(verb)", ["inputData": 0])
            #expect(answer.status == 200)
            #expect(answer.text.contains(#""status":"waiting""#))
        }
    }

    @Test func `a base path and an origin are honoured`() async throws {
        var options = ServerOptions()
        options.basePath = "/flows"
        options.allowedOrigins = ["https://a.example"]
        try await RunningServer.with(TestWorkflows.all(), options: options) { server in
            let answer = try await server.get("/flows/api/version", headers: [("Origin", "https://a.example")])
            #expect(answer.status == 200)
            #expect(answer.header("access-control-allow-origin") == "https://a.example")
            let other = try await server.get("/flows/api/version", headers: [("Origin", "https://b.example")])
            #expect(other.header("access-control-allow-origin") == nil)
            #expect(try await server.get("/api/version").status == 404)
            let preflight = try await server.request(
                "OPTIONS", "/flows/api/runs",
                headers: [("Origin", "https://a.example"), ("Access-Control-Request-Method", "GET")])
            #expect(preflight.status == 204)
        }
    }

    @Test func `tokens open what their role may, and too many wrong ones close the door for a while`() async throws {
        let tokens = TokensInMemory()
        func make(_ role: AccessToken.Role, _ workflows: [String] = [], expiresAt: Int64 = 0) -> String {
            let made = TokenSecret.make(name: "\(role)", role: role, workflows: workflows, expiresAt: expiresAt, now: 0)
            tokens.state.withLock { $0[made.token.id] = made.token }
            return made.text
        }
        let (read, run, old) = (make(.read), make(.run, ["greet"]), make(.admin, expiresAt: 1))
        try await RunningServer.with(TestWorkflows.all(), access: AccessControl(tokens: tokens)) { server in
            func get(_ header: String?) async throws -> RunningServer.Answer {
                try await server.get("/api/workflows", headers: header.map { [("Authorization", $0)] } ?? [])
            }
            #expect(try await get(nil).error == "Missing Authorization header")
            #expect(try await get("Basic x").error == "Authorization header must use the Bearer scheme")
            #expect(try await get("Bearer x").error == "Invalid authorization token")
            #expect(try await get("Bearer \(old)").status == 401)
            #expect(try await get("Bearer \(read)x").status == 401)
            #expect(try await get("Bearer \(read)").status == 200)
            #expect(try await get("Bearer \(run)").json["workflows"]?.count == 1)
            #expect(try await server.get("/health/live").status == 200)
            let path = "/api/workflows/greet/run"
            let body: Value = ["inputData": ["name": "x"]]
            #expect(try await server.post(path, body, headers: [("Authorization", "Bearer \(read)")]).status == 403)
            #expect(try await server.post(path, body, headers: [("Authorization", "Bearer \(run)")]).status == 200)
            let other = try await server.post(
                "/api/workflows/fail/run", body, headers: [("Authorization", "Bearer \(run)")])
            #expect(other.status == 404)
            for _ in 0..<30 { _ = try await get("Bearer x") }
            let closed = try await get("Bearer x")
            #expect(closed.status == 429)
            #expect(closed.header("retry-after") != nil)
            // Others at the same address go on.
            #expect(try await get("Bearer \(read)").status == 200)
        }
    }

    @Test func `a JWT is judged by its signature, its times and whom it is for`() async throws {
        struct Claims: JWTPayload {
            var sub = "ada"
            var role = "run"
            var aud = "flows"
            var exp: Double
            func verify(using algorithm: some JWTAlgorithm) async throws {}
        }
        let secret = "a secret of more than thirty-two bytes, which the signer of the test wants"
        var options = JWTOptions()
        options.audience = "flows"
        let jwt = JWTAccess(options)
        jwt.add(secret: secret)
        func sign(_ secret: String, _ claims: Claims, _ algorithm: DigestAlgorithm = .sha256) async throws -> String {
            let keys = JWTKeyCollection()
            await keys.add(hmac: HMACKey(stringLiteral: secret), digestAlgorithm: algorithm)
            return try await keys.sign(claims)
        }
        let good = try await sign(secret, Claims(exp: 4e9))
        let longer = try await sign(secret, Claims(exp: 4e9), .sha512)
        let bad = [
            try await sign("other " + secret, Claims(exp: 4e9)), try await sign(secret, Claims(exp: 1)),
            try await sign(secret, Claims(aud: "x", exp: 4e9)),
            try await sign(secret, Claims(role: "root", exp: 4e9)),
            "a.b.c", good + "x",
        ]
        try await RunningServer.with(TestWorkflows.all(), access: AccessControl(jwt: jwt)) { server in
            for token in [good, longer] {
                let answer = try await server.get("/api/workflows", headers: [("Authorization", "Bearer \(token)")])
                #expect(answer.status == 200)
            }
            for token in bad {
                let answer = try await server.get("/api/workflows", headers: [("Authorization", "Bearer \(token)")])
                #expect(answer.status == 401)
            }
        }
    }
}

/// Tokens that live as long as a test.
final class TokensInMemory: TokenStore {
    let state = Mutex<[String: AccessToken]>([:])

    func add(_ token: AccessToken) async throws(JournalError) { state.withLock { $0[token.id] = token } }
    func token(_ id: String) async throws(JournalError) -> AccessToken? { state.withLock { $0[id] } }
    func tokens() async throws(JournalError) -> [AccessToken] { state.withLock { Array($0.values) } }
    func removeToken(_ id: String) async throws(JournalError) -> Bool {
        state.withLock { $0.removeValue(forKey: id) != nil }
    }
}
