import FlatValue
import MemoryJournal
internal import Testing
internal import WorkflowCore
internal import WorkflowServer

@testable internal import WorkflowEngine

/// A request with a key is answered as it was the first time, whatever has become of the run since.
@Suite("Requests that come again later")
struct RepeatedRequestTests {
    private static let key = [("Idempotency-Key", "k")]
    private static let other = [("Idempotency-Key", "l")]

    /// Waits for two events of one name, or for as many as are asked for.
    private static func waits(_ count: Int = 2) throws -> Workflow {
        try Workflow(id: "twice") { _ in (1...count).map { .waitFor("wait\($0)", event: "go") } }
    }

    /// Goes on as a second run, which waits.
    private static func chain() throws -> Workflow {
        try Workflow(id: "chain") { code in
            [
                .step(
                    "again",
                    handler: code.inline { input, context in
                        if input["n"] == 1 { context.restart(input: ["n": 2]) }
                        return input
                    }),
                .waitFor("wait", event: "go"),
            ]
        }
    }

    private static func begin(_ workflow: String, _ id: String, _ input: Value, _ server: RunningServer) async throws {
        let body: Value = ["inputData": input, "runId": Value(id)]
        #expect(try await server.post("/api/workflows/\(workflow)/runs", body).status == 202)
        #expect(try await server.get("/api/runs/\(id)?wait=10s").json["status"] != "running")
    }

    /// Has a run asked to stop, of which its worker takes note with what it does next for the run.
    private static func askToStop(_ id: String, _ server: RunningServer) throws {
        try #require(server.directory.live.find(id)?.attachedRun).askToCancel("no more")
    }

    /// Asks a node of a store twice for something of a run of another one that a cancel overtakes.
    private static func answers(
        _ workflow: String, ofOther isOther: Bool, _ path: String, _ body: Value
    ) async throws -> [RunningServer.Answer] {
        let store = MemoryStore()
        let workflows = try TestWorkflows.all() + [waits()]
        return try await RunningServer.with(workflows, store: store) { (owner) async throws in
            try await begin(workflow, "r", 0, owner)
            return try await RunningServer.with(workflows, store: store) { (other) async throws in
                try askToStop("r", owner)
                var answers: [RunningServer.Answer] = []
                for _ in 0..<2 { answers.append(try await (isOther ? other : owner).post(path, body, headers: key)) }
                owner.directory.live.find("r")?.cancel()
                #expect(try await owner.get("/api/runs/r?wait=10s").json["status"] == "cancelled")
                return answers
            }
        }
    }

    @Test(arguments: [false, true])
    func `a signal that a cancel overtakes is refused, also when it comes again`(ofOther: Bool) async throws {
        let answers = try await Self.answers("twice", ofOther: ofOther, "/api/runs/r/signals/go", ["data": 1])
        #expect(answers.map(\.status) == [409, 409])
    }

    @Test(arguments: [false, true])
    func `an answer that a cancel overtakes is refused, also when it comes again`(ofOther: Bool) async throws {
        let answers = try await Self.answers(
            "ask%20me", ofOther: ofOther, "/api/tasks/r/approve", ["data": ["ok": true]])
        #expect(answers.map(\.status) == [409, 409])
    }

    @Test(arguments: [false, true])
    func `a signal that was taken before a cancel is answered alike after it`(ofOther: Bool) async throws {
        let store = MemoryStore()
        try await RunningServer.with([Self.waits()], store: store) { (owner) async throws in
            try await Self.begin("twice", "r", 0, owner)
            try await RunningServer.with([Self.waits()], store: store) { (other) async throws in
                let asked = ofOther ? other : owner
                let path = "/api/runs/r/signals/go"
                #expect(try await asked.post(path, ["data": 1], headers: Self.key).status == 202)
                #expect(try await owner.post("/api/runs/r/cancel", [:]).status == 200)
                for server in [asked, owner, other] {
                    #expect(try await server.post(path, ["data": 1], headers: Self.key).status == 202)
                    #expect(try await server.post(path, ["data": 2], headers: Self.key).status == 409)
                    #expect(try await server.post(path, ["data": 1], headers: Self.other).status == 409)
                }
            }
        }
    }

    @Test(arguments: [nil, 3])
    func `what was taken is answered alike by a server that has other code`(waits: Int?) async throws {
        let store = MemoryStore()
        let path = "/api/runs/r/signals/go"
        for isOver in [false, true] {
            try await RunningServer.with([Self.waits()], store: store) { (server) async throws in
                if !isOver { try await Self.begin("twice", "r", 0, server) }
                let keys = isOver ? Self.other : Self.key
                #expect(try await server.post(path, ["data": 1], headers: keys).status == 202)
                if isOver { #expect(try await server.get("/api/runs/r?wait=10s").json["status"] == "success") }
                await server.directory.releaseAll(within: .seconds(5))
            }
            try await RunningServer.with(waits.map { [try Self.waits($0)] } ?? [], store: store) {
                (server) async throws in
                #expect(try await server.post(path, ["data": 1], headers: Self.key).status == 202)
                let other = try await server.post(path, ["data": 2], headers: Self.key)
                #expect(other.status == 409 && other.json["code"] == "other_request", "\(other.text)")
            }
        }
    }

    @Test func `a cancel of a run that went on as another one is answered alike`() async throws {
        let store = MemoryStore()
        try await RunningServer.with([Self.chain()], store: store) { (owner) async throws in
            try await Self.begin("chain", "c", ["n": 1], owner)
            #expect(try await owner.get("/api/runs/c~2?wait=10s").json["status"] == "waiting")
            try await RunningServer.with([Self.chain()], store: store) { (other) async throws in
                for server in [other, owner, other] {
                    let answer = try await server.request("POST", "/api/runs/c/cancel", headers: Self.key)
                    #expect(answer.status == 200, "\(answer.text)")
                    #expect(answer.json["runId"] == "c~2" && answer.json["status"] == "cancelled")
                }
                #expect(try await other.request("POST", "/api/runs/c/cancel").status == 409)
            }
        }
    }

    @Test func `a key stands for one request of a run, of whatever kind`() async throws {
        try await RunningServer.with([Self.waits()]) { (server) async throws in
            try await Self.begin("twice", "r", 0, server)
            #expect(try await server.post("/api/runs/r/signals/go", ["data": 1], headers: Self.key).status == 202)
            let cancel = try await server.request("POST", "/api/runs/r/cancel", headers: Self.key)
            #expect(cancel.status == 409 && cancel.json["code"] == "other_request", "\(cancel.text)")
            #expect(try await server.get("/api/runs/r").json["status"] == "waiting")
            #expect(try await server.request("POST", "/api/runs/r/cancel", headers: Self.other).status == 200)
        }
    }
}
