import FlatValue
import MemoryJournal
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowServer

@Suite("Requests that come again")
struct RequestKeyTests {
    /// Waits for two events of one name, one after the other.
    private static func twice() throws -> Workflow {
        try Workflow(id: "twice") { _ in [.waitFor("one", event: "go"), .waitFor("two", event: "go")] }
    }

    private static func workflows() throws -> [Workflow] { try TestWorkflows.all() + [twice()] }
    private static let key = [("Idempotency-Key", "k")]

    @Test func `a signal with a key counts once`() async throws {
        try await RunningServer.with(Self.workflows()) { (server) async throws in
            _ = try await server.post("/api/workflows/twice/runs", ["inputData": 0, "runId": "r"])
            let path = "/api/runs/r/signals/go"
            for _ in 0..<3 { #expect(try await server.post(path, ["data": 1], headers: Self.key).status == 202) }
            #expect(try await server.get("/api/runs/r?wait=5s").json["status"] == "waiting")
            let other = try await server.post(path, ["data": 2], headers: Self.key)
            #expect(other.status == 409)
            #expect(other.json["code"] == "other_request")
            #expect(try await server.post(path, ["data": 2], headers: [("Idempotency-Key", "l")]).status == 202)
            #expect(try await server.get("/api/runs/r?wait=5s").json["result"] == 2)
            // Asked again, it has been taken, though the run is over; without a key it is another one.
            #expect(try await server.post(path, ["data": 2], headers: [("Idempotency-Key", "l")]).status == 202)
            #expect(try await server.post(path, ["data": 1], headers: Self.key).status == 202)
            #expect(try await server.post(path, ["data": 2]).status == 409)
        }
    }

    @Test func `a schedule that is triggered with a key begins one run`() async throws {
        let schedules: Value = [["id": "daily", "cron": "0 9 * * *"]]
        let report = try Workflow(
            WorkflowDefinition(id: "report", schedules: schedules, nodes: [.waitFor("go", event: "go")]),
            handlers: StepHandlers())
        try await RunningServer.with([report]) { (server) async throws in
            let path = "/api/schedules/report:daily/trigger"
            let first = try await server.post(path, [:], headers: Self.key)
            #expect(first.status == 202)
            #expect(try await server.post(path, [:], headers: Self.key).json["runId"] == first.json["runId"])
            let other = try await server.post(path, [:], headers: [("Idempotency-Key", "l")])
            #expect(other.status == 202 && other.json["runId"] != first.json["runId"])
            #expect(try await server.post(path, [:]).json["runId"] != first.json["runId"])
            #expect(try await server.get("/api/runs").json["runs"]?.count == 3)
        }
    }

    @Test(arguments: [[0xFF], [0x61, 0xC3], [0xED, 0xA0, 0x80], [0xEF, 0xBF, 0xBD]] as [[UInt8]])
    func `a key that is not UTF-8 is refused, as it could be another one's`(_ key: [UInt8]) async throws {
        try await RunningServer.with(TestWorkflows.all()) { (server) async throws in
            let body = #"{"inputData":1}"#
            let head = "POST /api/workflows/wait/runs HTTP/1.1\r\nHost: x\r\nConnection: close\r\nIdempotency-Key: "
            let rest = "\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
            let request = Array(head.utf8) + key + Array(rest.utf8)
            #expect(await RawConnection.conversation(of: [request], port: server.port).hasPrefix("HTTP/1.1 400 "))
            #expect(try await server.directory.list(RunFilter()).isEmpty)
        }
    }

    @Test func `a schedule takes nothing from a body`() async throws {
        let schedules: Value = [["id": "daily", "cron": "0 9 * * *"]]
        let report = try Workflow(
            WorkflowDefinition(id: "report", schedules: schedules, nodes: [.waitFor("go", event: "go")]),
            handlers: StepHandlers())
        try await RunningServer.with([report]) { (server) async throws in
            for verb in ["trigger", "pause", "resume"] {
                let path = "/api/schedules/report:daily/\(verb)"
                for body: Value in [["foo": 1], ["inputData": ["n": 1]], [1], "x"] {
                    #expect(try await server.post(path, body).status == 400, "\(verb) \(body.json)")
                }
                #expect(try await server.request("POST", path, "{").status == 400)
                #expect(try await server.post(path, ["inputData": 1]).json["code"] == "unknown_key")
            }
            #expect(try await server.post("/api/session", ["foo": 1]).status == 400)
            #expect(try await server.get("/api/runs").json["runs"]?.count == 0)
            #expect(try await server.get("/api/schedules").json["schedules"]?[0]?["paused"] == false)
            for body in ["", "{}"] {
                #expect(try await server.request("POST", "/api/schedules/report:daily/trigger", body).status == 202)
            }
        }
    }

    @Test func `a signal with a key counts once after the process has gone`() async throws {
        let store = MemoryStore()
        try await RunningServer.with(Self.workflows(), store: store) { (server) async throws in
            _ = try await server.post("/api/workflows/twice/runs", ["inputData": 0, "runId": "r"])
            #expect(
                try await server.post("/api/runs/r/signals/go", ["data": 1], headers: Self.key).status == 202)
            await server.directory.releaseAll(within: .seconds(5))
        }
        try await RunningServer.with(Self.workflows(), store: store) { (server) async throws in
            #expect(
                try await server.post("/api/runs/r/signals/go", ["data": 1], headers: Self.key).status == 202)
            #expect(try await server.get("/api/runs/r?wait=5s").json["status"] == "waiting")
        }
    }

    @Test func `a signal with a key counts once whichever node is asked`() async throws {
        let store = MemoryStore()
        try await RunningServer.with(Self.workflows(), store: store) { (owner) async throws in
            _ = try await owner.post("/api/workflows/twice/runs", ["inputData": 0, "runId": "r"])
            try await RunningServer.with(Self.workflows(), store: store) { (other) async throws in
                let path = "/api/runs/r/signals/go"
                for server in [other, owner, other] {
                    #expect(try await server.post(path, ["data": 1], headers: Self.key).status == 202)
                }
                #expect(try await owner.get("/api/runs/r?wait=5s").json["status"] == "waiting")
                let last = [("Idempotency-Key", "l")]
                #expect(try await other.post(path, ["data": 2], headers: last).status == 202)
                #expect(try await other.get("/api/runs/r?wait=5s").json["result"] == 2)
                #expect(try await other.post(path, ["data": 2], headers: last).status == 202)
            }
        }
    }

    @Test func `an answer with a key is taken once and answered alike, and keeps who gave it`() async throws {
        try await RunningServer.with(Self.workflows()) { (server) async throws in
            _ = try await server.post("/api/workflows/ask%20me/runs", ["inputData": 1, "runId": "t"])
            _ = try await server.get("/api/runs/t?wait=5s")
            let path = "/api/tasks/t/approve"
            let first = try await server.post(path, ["data": ["ok": true]], headers: Self.key)
            #expect(first.json["status"] == "success")
            let second = try await server.post(path, ["data": ["ok": true]], headers: Self.key)
            #expect(second.status == 200)
            #expect(second.json["result"] == first.json["result"])
            #expect(try await server.post(path, ["data": ["ok": false]], headers: Self.key).status == 409)
            #expect(try await server.post(path, ["data": ["ok": true]]).status == 409)
            let events = try await server.get("/api/runs/t/events").json["events"]?.array ?? []
            let answered = events.first { $0["type"] == "step:human:completed" }
            #expect(answered?["data"]?["response"] == ["ok": true])
            #expect(answered?["data"]?["answeredBy"] == nil)
        }
    }

    @Test func `a cancel with a key that is asked again is answered alike`() async throws {
        try await RunningServer.with(Self.workflows()) { (server) async throws in
            _ = try await server.post("/api/workflows/wait/runs", ["inputData": 1, "runId": "c"])
            let first = try await server.request("POST", "/api/runs/c/cancel", headers: Self.key)
            let second = try await server.request("POST", "/api/runs/c/cancel", headers: Self.key)
            #expect((first.status, second.status) == (200, 200))
            #expect(second.json["status"] == "cancelled")
            _ = try await server.post("/api/workflows/greet/run", ["inputData": ["name": "x"], "runId": "over"])
            #expect(try await server.request("POST", "/api/runs/over/cancel", headers: Self.key).status == 409)
        }
    }
}
