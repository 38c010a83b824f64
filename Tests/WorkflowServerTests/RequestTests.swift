internal import FlatValue
internal import JWTKit
internal import Synchronization
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowServer

@Suite("Requests")
struct RequestTests {
    @Test func `names that no route reads are refused, but not by AI Kit's routes`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            let filter = try await server.get("/api/runs?statsu=failed")
            #expect(filter.status == 400)
            #expect(filter.error?.contains("did you mean 'status'?") == true)
            #expect(try await server.post("/api/runs/x/cancel", ["raeson": "x"]).status == 400)
            let body: Value = ["inputData": ["name": "Ada"], "telemetry": true, "runtime": [:]]
            #expect(try await server.post("/api/workflows/greet/run?trace=1", body).status == 200)
        }
    }

    @Test(arguments: ["cursor=%ff", "%ff=1", "limit=1%c3"])
    func `a query that is no text is refused`(query: String) async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            let answer = try await server.get("/api/runs?" + query)
            #expect(answer.status == 400)
            #expect(answer.error?.contains("not valid UTF-8") == true)
        }
    }

    @Test func `a head has no body, and options name the methods`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            let head = try await server.request("HEAD", "/api/workflows")
            #expect(head.status == 200)
            #expect(head.text.isEmpty)
            let options = try await server.request("OPTIONS", "/api/runs")
            #expect(options.status == 204)
            #expect(options.header("allow") == "GET, HEAD, OPTIONS")
        }
    }

    @Test func `more requests than may be under way are told to come again, and health is still told`() async throws {
        var options = ServerOptions()
        options.requestLimit = 0
        try await RunningServer.with(TestWorkflows.all(), options: options) { server in
            let refused = try await server.get("/api/workflows")
            #expect(refused.status == 503)
            #expect(refused.json["code"] == "overloaded")
            #expect(refused.header("retry-after") != nil)
            #expect(try await server.get("/health/live").status == 200)
        }
    }

    @Test func `who answers is recorded, and a step without a form has one made of its schema`() async throws {
        let workflow = try Workflow(id: "plain") { _ in
            [
                .human(
                    "approve",
                    responseSchema: [
                        "type": "object", "required": ["ok"],
                        "properties": ["ok": ["type": "boolean"], "why": ["enum": ["cheap", "good"]]],
                    ])
            ]
        }
        struct Claims: JWTPayload {
            var name = "Ada"
            var role = "run"
            func verify(using algorithm: some JWTAlgorithm) async throws {}
        }
        let secret = "a secret of more than thirty-two bytes, which the signer of the test wants"
        let jwt = JWTAccess()
        jwt.add(secret: secret)
        let keys = JWTKeyCollection()
        await keys.add(hmac: HMACKey(stringLiteral: secret), digestAlgorithm: .sha256)
        let token = [("Authorization", "Bearer \(try await keys.sign(Claims()))")]
        try await RunningServer.with([workflow], access: AccessControl(jwt: jwt)) { server in
            _ = try await server.post("/api/workflows/plain/run", ["inputData": 1], headers: token)
            let task = try await server.get("/api/tasks", headers: token).json["tasks"]?[0]
            let fields = task?["form"]?["fields"]?.array ?? []
            #expect(fields.map { $0["id"] } == ["ok", "why"])
            #expect(fields.map { $0["type"] } == ["confirm", "select"])
            let run = try #require(task?["runId"]?.string)
            let over = try await server.post("/api/tasks/\(run)/approve", ["data": ["ok": true]], headers: token)
            #expect(over.json["status"] == "success")
            let events = try await server.get("/api/runs/\(run)/events", headers: token).json["events"]?.array
            let answered = events?.first { $0["type"] == "step:human:completed" }
            #expect(answered?["data"]?["answeredBy"] == "Ada")
        }
    }

    @Test func `keys at an address are read again when a token names a new one`() async throws {
        struct Claims: JWTPayload {
            func verify(using algorithm: some JWTAlgorithm) async throws {}
        }
        let (old, new) = (ES256PrivateKey(), ES256PrivateKey())
        func set(_ id: String, _ key: ES256PrivateKey) throws -> String {
            let point = try #require(key.publicKey.parameters)
            func urlSafe(_ text: String) -> Value {
                Value(String(text.filter { $0 != "=" }.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 }))
            }
            let entry: Value = [
                "kty": "EC", "crv": "P-256", "alg": "ES256", "kid": Value(id), "x": urlSafe(point.x),
                "y": urlSafe(point.y),
            ]
            return (["keys": Value(array: [entry])] as Value).json
        }
        func token(_ id: String, _ key: ES256PrivateKey) async throws -> [(String, String)] {
            let keys = JWTKeyCollection()
            await keys.add(ecdsa: key, kid: JWKIdentifier(string: id))
            return [("Authorization", "Bearer \(try await keys.sign(Claims(), kid: JWKIdentifier(string: id)))")]
        }
        let served = Mutex(try set("old", old))
        let rotated = try set("new", new)
        let (before, after) = try await (token("old", old), token("new", new))
        let clock = VirtualClock()
        let jwt = JWTAccess()
        let follower = KeySetFollower(jwt, clock: clock, fetch: { served.withLock { $0 } }, failed: { _ in })
        await follower.refresh()
        try await RunningServer.with(TestWorkflows.all(), access: AccessControl(jwt: jwt)) { (server) async throws in
            #expect(try await server.get("/api/workflows", headers: before).status == 200)
            #expect(try await server.get("/api/workflows", headers: after).status == 401)
            served.withLock { $0 = rotated }
            // Not more often than now and then, whatever tokens name.
            #expect(try await server.get("/api/workflows", headers: after).status == 401)
            clock.set(clock.now() + 60_000_000)
            #expect(try await server.get("/api/workflows", headers: after).status == 200)
            #expect(try await server.get("/api/workflows", headers: before).status == 401)
        }
    }
}
