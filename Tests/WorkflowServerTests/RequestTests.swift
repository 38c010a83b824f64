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

    @Test(arguments: [
        ("limit=+5", "limit"), ("limit=-1", "limit"), ("limit=1e2", "limit"), ("limit=99999999999999999999", "limit"),
        ("limit=", "limit"), ("limit=1&limit=2", "limit"), ("status=", "status"), ("status=failed,", "status"),
        ("status=FAILED", "FAILED"), ("from=yesterday", "from"), ("from=2026-02-30", "from"), ("from=2026-1-1", "from"),
        ("to=2026-01-01T24:00:00Z", "to"), ("to=2026-01-01T10:00:00%2B24:00", "to"), ("to=2026-01-01T1e1:00", "to"),
        ("tag=", "tag"), ("tag=a", "tag"), ("cursor=none", "cursor"), ("Limit=5", "limit"),
    ])
    func `a query that is wrong is refused with the name of what is`(_ query: String, _ name: String) async throws {
        try await RunningServer.with(TestWorkflows.all()) { (server) async throws in
            let answer = try await server.get("/api/runs?" + query)
            #expect(answer.status == 400)
            #expect(answer.error?.contains(name) == true, "\(answer.text)")
        }
    }

    @Test(arguments: [
        "2026-01-31", "2026-01-31T08:05Z", "2026-01-31T08:05:09.25%2B01:30", "1769846400000", "0001-01-01T00:00:00z",
        "9999-12-31T23:59:60Z", "-1", "2024-02-29",
    ])
    func `times are read as ISO 8601 or as milliseconds`(_ text: String) async throws {
        try await RunningServer.with(TestWorkflows.all()) { (server) async throws in
            #expect(try await server.get("/api/runs?from=\(text)").status == 200)
        }
    }

    @Test func `a list is of the runs that began in between`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            _ = try await server.post("/api/workflows/wait/runs", ["inputData": 1, "runId": "w"])
            let all = try await server.get("/api/runs").json
            let time = try #require(all["runs"]?[0]?["createdAt"]?.string)
            #expect(time.hasSuffix("Z"))
            // The same moment, as one who is an hour and a half ahead writes it.
            let behind = "1970-01-01T01:30:00%2B01:30"
            for (query, count) in [
                ("from=\(behind)", 1), ("to=\(behind)", 0), ("from=0&to=0", 0), ("from=\(time)", 1),
                ("to=9999-01-01", 1), ("from=9999-01-01&to=2000-01-01", 0),
            ] {
                #expect(try await server.get("/api/runs?\(query)").json["runs"]?.count == count, "\(query)")
            }
        }
    }

    @Test func `a list is of the runs whose ids begin so, page by page`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            for id in ["ab-1", "ab-2", "b-1", "ab-3", "AB-4"] {
                _ = try await server.post("/api/workflows/wait/runs", ["inputData": 1, "runId": Value(id)])
            }
            let first = try await server.get("/api/runs?q=ab&limit=2").json
            #expect(first["runs"]?.array?.map { $0["runId"] } == ["ab-3", "ab-2"])
            let next = try #require(first["next"]?.string)
            let second = try await server.get("/api/runs?q=ab&limit=2&cursor=\(next)").json
            #expect(second["runs"]?.array?.map { $0["runId"] } == ["ab-1"])
            #expect(second["next"] == .null)
            #expect(try await server.get("/api/runs?q=abc").json["runs"] == [])
            #expect(try await server.get("/api/runs?q=ab&limit=0").json["total"] == 3)
        }
    }

    @Test(arguments: [
        (["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"], true), (["nonsense"], false),
        (
            [
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            ], false
        ), ([String(repeating: "0", count: 300)], false),
    ])
    func `of traceparent only a single one counts`(_ headers: [String], _ counts: Bool) async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            let run = try await server.post(
                "/api/workflows/greet/run", ["inputData": ["name": "Ada"]], headers: headers.map { ("traceparent", $0) }
            )
            #expect(run.status == 200)
            let id = try #require(run.json["runId"]?.string)
            let record = try await server.directory.record(of: id)
            let traces = (0..<record.log.count).filter { record.log[$0].kind == .traced }
                .compactMap { record.log.value(record.log[$0].payload)["traceparent"]?.string }
            // What is no traceparent is kept as it came, and means nothing to whoever reads it.
            #expect(traces == (counts ? headers : []))
        }
    }

    @Test func `a key of a body that comes twice is refused by its name`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { (server) async throws in
            let twice = #"{"inputData":1,"runId":"x1","run\u0049d":"x2"}"#
            let answer = try await server.request("POST", "/api/workflows/wait/runs", twice)
            #expect(answer.status == 400 && answer.json["code"] == "repeated_key", "\(answer.text)")
            #expect(answer.error == "The key 'runId' comes twice")
            for path in ["/api/runs/x/cancel", "/api/workflows/wait/run", "/api/tasks/x/y"] {
                let answer = try await server.request("POST", path, #"{"a":1,"a":2}"#)
                #expect(answer.status == 400 && answer.json["code"] == "repeated_key", "\(path): \(answer.text)")
            }
            let message = try await server.request("POST", "/mcp", #"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#)
            #expect(message.status == 400 && message.text.contains("The key 'id' comes twice"), "\(message.text)")
            // What a workflow gets is its own.
            let within = #"{"inputData":{"name":"A","name":"B"}}"#
            let run = try await server.request("POST", "/api/workflows/greet/run", within)
            #expect(run.json["result"]?["text"] == "Hello, B")
            #expect(try await server.get("/api/runs").json["runs"]?.count == 1)
        }
    }

    @Test(arguments: ["\u{85}", "a\u{9f}b", "a\u{80}", "a\u{1f}", "\u{7f}"])
    func `the id of a run has no control characters`(_ id: String) async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            let answer = try await server.post("/api/workflows/wait/runs", ["inputData": 1, "runId": Value(id)])
            #expect(answer.status == 400 && answer.error == "runId cannot have control characters", "\(answer.text)")
            let good = try await server.post("/api/workflows/wait/runs", ["inputData": 1, "runId": "a\u{a0}\u{e9}"])
            #expect(good.status == 202)
        }
    }

    @Test func `a key is looked at also where the body has an id`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { (server) async throws in
            let path = "/api/workflows/wait/runs"
            let body: Value = ["inputData": 1, "runId": "named"]
            #expect(try await server.post(path, body, headers: [("Idempotency-Key", "")]).status == 400)
            let two = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
            #expect(try await server.post(path, body, headers: two).status == 400)
            #expect(try await server.post(path, body, headers: [("Idempotency-Key", "a")]).json["runId"] == "named")
        }
    }

    @Test func `what cannot be cancelled any more says so`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            let run = try await server.post("/api/workflows/greet/run", ["inputData": ["name": "Ada"]])
            let id = try #require(run.json["runId"]?.string)
            let late = try await server.request("POST", "/api/runs/\(id)/cancel")
            #expect(late.status == 409)
            #expect(late.error == "run \(id) is over (success); there is nothing to cancel")
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
