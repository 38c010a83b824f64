internal import FlatValue
internal import MemoryJournal
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowServer

@Suite("When runs begin and end")
struct StartOptionTests {
    @Test func `a run that is to begin later is queued until then, and takes what comes before`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            let path = "/api/workflows/wait/runs"
            let far = try await server.post(path, ["inputData": 1, "runId": "far", "startAt": "2099-01-01T00:00:00Z"])
            #expect(far.status == 202)
            #expect(far.json["status"] == "queued")
            let queued = try await server.get("/api/runs/far").json
            #expect(queued["status"] == "queued")
            #expect(queued["startedAt"] == nil)
            #expect(try await server.get("/api/runs?status=queued").json["runs"]?.count == 1)
            #expect(try await server.get("/api/workflows/wait").json["runs"]?["queued"] == 1)
            let soon = try await server.post(path, ["inputData": 1, "runId": "soon", "delay": "300ms"])
            #expect(soon.json["status"] == "queued")
            #expect(try await server.post("/api/runs/soon/signals/go", ["data": 7]).status == 202)
            let over = try await server.get("/api/runs/soon?wait=15s").json
            #expect(over["result"] == 7)
            let events = try await server.get("/api/runs/soon/events").json["events"]?.array ?? []
            #expect(events.first?["type"] == "workflow:start")
            #expect(try await server.request("POST", "/api/runs/far/cancel").json["status"] == "cancelled")
            let past = try await server.post(path, ["inputData": 1, "startAt": "2001-01-01"])
            #expect(past.json["status"] == "running")
        }
    }

    @Test func `a start without waiting refuses an input that does not fit, and no run is kept of it`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            let path = "/api/workflows/greet/runs"
            for more: [(String, Value)] in [
                [], [("delay", "1h")], [("tags", ["a": 1]), ("telemetry", ["recordInputs": true])],
            ] {
                let refused = try await server.post(
                    path, Value(entries: [("inputData", ["name": 1]), ("runId", "r")] + more))
                #expect(refused.status == 422)
                #expect(refused.json["code"] == "invalid_input")
                #expect(refused.json["error"]?.string?.hasPrefix("invalid input: ") == true, "\(refused.json)")
                #expect(refused.json["details"]?["issues"]?[0]?["path"] == "name", "\(refused.json)")
                #expect(try await server.get("/api/runs/r").status == 404)
            }
            #expect(try await server.get("/api/runs").json["runs"]?.array?.isEmpty == true)
            // The id is free for an input that fits; who asks again has the run, also with what would not fit any more.
            let body: Value = ["inputData": ["name": "Ada"], "runId": "r"]
            #expect(try await server.post(path, body).status == 202)
            #expect(try await server.get("/api/runs/r?wait=15s").json["status"] == "success")
            #expect(try await server.post(path, body).status == 200)
            #expect(try await server.post(path, ["inputData": ["name": 1], "runId": "r"]).status == 409)
            // Who waits for the run is told what it came to.
            let failed = try await server.post("/api/workflows/greet/run", ["inputData": ["name": 1]])
            #expect(failed.status == 200)
            #expect(failed.json["error"]?["code"] == "invalid_input")
            let id = try #require(failed.json["runId"]?.string)
            #expect(try await server.get("/api/runs/\(id)").json["status"] == "failed")
        }
    }

    @Test func `runs are found by the tags that they were started with`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            let path = "/api/workflows/greet/runs"
            for (id, tags) in [
                ("eu", ["region": "eu", "paid": true, "count": 3] as Value), ("no", ["region": "no", "paid": true]),
            ] {
                let body: Value = ["inputData": ["name": "Ada"], "runId": Value(id), "tags": tags]
                #expect(try await server.post(path, body).status == 202)
                #expect(try await server.get("/api/runs/\(id)?wait=15s").json["tags"] == tags)
            }
            func ids(_ query: String) async throws -> [String] {
                try await server.get("/api/runs?\(query)").json["runs"]?.array?.compactMap { $0["runId"]?.string } ?? []
            }
            #expect(try await ids("tag=paid:true") == ["no", "eu"])
            #expect(try await ids("tag=paid:true&tag=region:eu") == ["eu"])
            #expect(try await ids("tag=count:3&workflow=greet&status=success") == ["eu"])
            #expect(try await ids("tag=count:%223%22") == [])
            #expect(try await server.get("/api/runs?tag=region:eu").json["runs"]?[0]?["tags"]?["count"] == 3)
            #expect(try await server.get("/api/runs?tag=region").status == 400)
            #expect(try await server.get("/api/runs?tag=a%20b:1").status == 400)
            for tags: Value in [["a b": 1], ["a": [1]], [1], "region"] {
                let refused = try await server.post(path, ["inputData": ["name": "Ada"], "tags": tags])
                #expect(refused.status == 400, "\(tags.json)")
            }
        }
    }

    @Test func `a run that is to begin later says when, though no limits hold it`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { (server) async throws in
            let body: Value = [
                "inputData": ["name": "Ada"], "runId": "late", "startAt": "2090-01-02T03:04:05Z",
            ]
            #expect(try await server.post("/api/workflows/greet/runs", body).status == 202)
            let queue: Value = ["priority": 0, "reason": "waits for its time", "until": "2090-01-02T03:04:05.000Z"]
            for query in ["", "?summary=true"] {
                let run = try await server.get("/api/runs/late" + query).json
                #expect(run["status"] == "queued")
                #expect(run["queue"] == queue, "\(run.json)")
                #expect(run["startedAt"] == nil)
            }
            #expect(try await server.get("/api/runs").json["runs"]?[0]?["queue"] == queue)
        }
    }

    @Test func `a run that is to begin later does so in the next process`() async throws {
        let store = MemoryStore()
        try await RunningServer.with(TestWorkflows.all(), store: store) { (server) async throws in
            let body: Value = ["inputData": ["name": "Ada"], "runId": "late", "delay": "300ms", "timeout": "1h"]
            #expect(try await server.post("/api/workflows/greet/runs", body).status == 202)
            await server.directory.releaseAll(within: .seconds(5))
        }
        try await RunningServer.with(TestWorkflows.all(), store: store) { server in
            await RecoveryService(server.directory).recover()
            let over = try await server.get("/api/runs/late?wait=15s").json
            #expect(over["result"] == ["text": "Hello, Ada"])
        }
    }

    @Test func `a run that takes longer than its timeout is cancelled and says why`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            let body: Value = ["inputData": 1, "runId": "slow", "timeout": "200ms"]
            #expect(try await server.post("/api/workflows/ask%20me/runs", body).status == 202)
            let frames = try await server.frames("GET", "/api/runs/slow/events")
            #expect(frames.last?.data["result"]?["status"] == "cancelled")
            #expect(frames.last?.data["result"]?["error"]?["code"] == "timeout")
            // What is done again has its time again.
            let again = try await server.request("POST", "/api/runs/slow/retry")
            let id = try #require(again.json["runId"]?.string)
            let rest = try await server.frames("GET", "/api/runs/\(id)/events")
            #expect(rest.contains { $0.event == "step:human:requested" })
            #expect(rest.last?.data["result"]?["error"]?["code"] == "timeout")
        }
    }

    @Test(arguments: [
        (#"{"inputData":1,"startAt":"soon"}"#, "startAt"), (#"{"inputData":1,"delay":"x"}"#, "delay"),
        (#"{"inputData":1,"delay":"1s","startAt":"2030-01-01"}"#, "exclude"),
        (#"{"inputData":1,"timeout":"0s"}"#, "timeout"), (#"{"inputData":1,"timeout":-1}"#, "timeout"),
        (#"{"inputData":1,"startAt":99999999999999999}"#, "startAt"), (#"{"inputData":1,"priority":"x"}"#, "priority"),
        (#"{"inputData":1,"timout":"1s"}"#, "did you mean 'timeout'?"),
    ])
    func `what does not fit is refused by name`(_ body: String, _ word: String) async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            let answer = try await server.request("POST", "/api/workflows/wait/runs", body)
            #expect(answer.status == 400)
            #expect(answer.error?.contains(word) == true, "\(answer.text)")
        }
    }

    @Test func `a key or an id that is used again with something else is a conflict`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            let path = "/api/workflows/wait/runs"
            let key = [("Idempotency-Key", "k")]
            #expect(try await server.post(path, ["inputData": ["a": 1, "b": 2]], headers: key).status == 202)
            let other = try await server.post(path, ["inputData": ["a": 1, "b": 3]], headers: key)
            #expect(other.status == 409)
            #expect(other.json["code"] == "other_input")
            #expect(try await server.post(path, ["inputData": ["a": 1, "b": 2]], headers: key).status == 200)
        }
    }
}
