internal import FlatValue
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowServer

@Suite("Routes of runs")
struct RunRouteTests {
    @Test func `one key starts one run, and a run is there as soon as it is accepted`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            let path = "/api/workflows/wait/runs"
            let first = try await server.post(path, ["inputData": 1], headers: [("Idempotency-Key", "k")])
            #expect(first.status == 202)
            let location = try #require(first.header("location"))
            #expect(try await server.get(location).status == 200)
            let second = try await server.post(path, ["inputData": 1], headers: [("Idempotency-Key", "k")])
            #expect(second.status == 200)
            #expect(second.json["runId"] == first.json["runId"])
            let named = try await server.post(path, ["inputData": 1, "runId": "mine"])
            #expect(named.json["runId"] == "mine")
            #expect(
                try await server.post("/api/workflows/greet/runs", ["inputData": 1, "runId": "mine"]).status == 409)
        }
    }

    @Test func `a wait ends with its time, and a signal lets the run go on`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            _ = try await server.post("/api/workflows/wait/runs", ["inputData": 1, "runId": "w"])
            let waiting = try await server.get("/api/runs/w?wait=5s")
            #expect(waiting.json["status"] == "waiting")
            #expect(try await server.post("/api/runs/w/signals/nothing", [:]).status == 422)
            #expect(try await server.post("/api/runs/w/signals/go", ["data": 7]).status == 202)
            let over = try await server.get("/api/runs/w?wait=5s")
            #expect(over.json["result"] == 7)
            #expect(try await server.post("/api/runs/w/signals/go", ["data": 7]).status == 409)
        }
    }

    @Test func `lists go on by cursor, and filter`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            for number in 0..<7 {
                _ = try await server.post("/api/workflows/greet/run", ["inputData": ["name": Value("\(number)")]])
            }
            _ = try await server.post("/api/workflows/fail/run", ["inputData": 1])
            var (ids, cursor, pages) = ([String](), String?.none, 0)
            repeat {
                let page = try await server.get(
                    "/api/runs?limit=3&workflow=greet" + (cursor.map { "&cursor=\($0)" } ?? ""))
                ids += page.json["runs"]?.array?.compactMap { $0["runId"]?.string } ?? []
                cursor = page.json["next"]?.string
                pages += 1
            } while cursor != nil && pages < 9
            #expect(pages == 3)
            #expect(Set(ids).count == 7)
            #expect(try await server.get("/api/runs?status=failed").json["runs"]?.count == 1)
            #expect(try await server.get("/api/runs?status=nothing").status == 400)
            #expect(try await server.get("/api/runs?from=2999-01-01").json["runs"]?.count == 0)
        }
    }

    @Test func `runs that came of another one are listed and counted`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            for id in ["a", "b"] {
                _ = try await server.post("/api/workflows/fail/runs", ["inputData": 1, "runId": Value(id)])
                _ = try await server.get("/api/runs/\(id)?wait=5s")
            }
            let forked = try await server.post("/api/runs/a/retry", [:]).json["runId"]
            _ = try await server.post("/api/runs/b/retry", [:])
            let listed = try await server.get("/api/runs?lineage=a").json
            #expect(listed["runs"]?.array?.map { $0["runId"] } == [forked])
            #expect(listed["runs"]?.array?.first?["lineage"] == "a")
            #expect(try await server.get("/api/runs?lineage=a&limit=0").json["total"] == 1)
            #expect(try await server.get("/api/runs?lineage=nothing").json["runs"]?.count == 0)
        }
    }

    @Test func `a run that is taken from another one lies in the trace of who asks for it`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            let caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            _ = try await server.post("/api/workflows/fail/runs", ["inputData": 1, "runId": "a"])
            _ = try await server.get("/api/runs/a?wait=5s")
            for headers in [[("traceparent", caller)], []] {
                let answer = try await server.post("/api/runs/a/retry", [:], headers: headers)
                let id = try #require(answer.json["runId"]?.string)
                _ = try await server.get("/api/runs/\(id)?wait=5s")
                let record = try await server.directory.record(of: id)
                let causes = (0..<record.log.count).filter { record.log[$0].kind == .workflowResumed }
                    .compactMap { record.log.copy(record.log[$0].payload)?["caller"]?.string }
                #expect(causes == headers.map(\.1))
            }
        }
    }

    @Test func `a stream that was cut goes on behind the last event that the client had`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            let run = try await server.post("/api/workflows/greet/run", ["inputData": ["name": "Ada"]])
            let id = try #require(run.json["runId"]?.string)
            let all = try await server.frames("GET", "/api/runs/\(id)/events")
            let cut = all.compactMap(\.id)[2]
            let rest = try await server.frames(
                "GET", "/api/runs/\(id)/events", headers: [("Last-Event-ID", "\(cut)")])
            #expect(rest.compactMap(\.id) == all.compactMap(\.id).filter { $0 > cut })
            #expect(rest.last?.event == "result")
            let listed = try await server.get("/api/runs/\(id)/events?after=\(cut)")
            #expect(
                listed.json["events"]?.array?.compactMap { $0["sequence"]?.int }.map { Int($0) }
                    == rest.compactMap(\.id))
        }
    }

    @Test func `a task is answered once, and only if it is what was shown`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            _ = try await server.post("/api/workflows/ask%20me/runs", ["inputData": 1, "runId": "t"])
            _ = try await server.get("/api/runs/t?wait=5s")
            let task = try await server.get("/api/tasks").json["tasks"]?[0]
            #expect(task?["path"] == "approve")
            let digest = try #require(task?["digest"]?.string)
            let wrong = try await server.post("/api/tasks/t/approve", ["data": ["ok": true], "digest": "x"])
            #expect(wrong.status == 409)
            let right = try await server.post("/api/tasks/t/approve", ["data": ["ok": true], "digest": Value(digest)])
            #expect(right.json["status"] == "success")
            #expect(try await server.post("/api/tasks/t/approve", ["data": ["ok": true]]).status == 409)
            #expect(try await server.get("/api/tasks").json["tasks"] == [])
        }
    }

    @Test func `tasks are told in short, of one run, or as a number`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            for run in ["t1", "t2"] {
                _ = try await server.post("/api/workflows/ask%20me/runs", ["inputData": 1, "runId": Value(run)])
                _ = try await server.get("/api/runs/\(run)?wait=5s")
            }
            let counted = try await server.get("/api/tasks?limit=0").json
            #expect(counted["runs"] == 2 && counted["tasks"] == [])
            let short = try #require(try await server.get("/api/tasks?summary=true").json["tasks"]?.array)
            #expect(short.map { $0["runId"] } == ["t2", "t1"])
            #expect(short.allSatisfy { $0["path"] == "approve" && $0["requestedAt"] != nil })
            #expect(short.allSatisfy { $0["form"] == nil && $0["digest"] == nil && $0["output"] == nil })
            let one = try await server.get("/api/tasks?run=t1").json["tasks"]?.array ?? []
            #expect(one.count == 1 && one[0]["runId"] == "t1" && one[0]["digest"] != nil)
            #expect(try await server.get("/api/tasks?run=none").status == 404)
            let page = try await server.get("/api/tasks?limit=1&summary=true").json
            let next = try #require(page["next"]?.string)
            #expect(try await server.get("/api/tasks?cursor=\(next)").json["tasks"]?[0]?["runId"] == "t1")
        }
    }

    @Test func `a run is cancelled, forked, and removed when it is over`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            _ = try await server.post("/api/workflows/wait/runs", ["inputData": 1, "runId": "c"])
            #expect(try await server.request("DELETE", "/api/runs/c").status == 409)
            let over = try await server.post("/api/runs/c/cancel", ["reason": "enough"])
            #expect(over.json["status"] == "cancelled")
            #expect(try await server.request("POST", "/api/runs/c/cancel").status == 409)
            let again = try await server.request("POST", "/api/runs/c/retry")
            #expect(again.status == 202)
            #expect(again.json["lineage"] == "c")
            // A client that did not get its answer asks again.
            let key = [("Idempotency-Key", "k")]
            let first = try await server.post("/api/runs/c/retry", [:], headers: key)
            let second = try await server.post("/api/runs/c/retry", [:], headers: key)
            #expect((first.status, second.status) == (202, 200))
            #expect(first.json == second.json)
            #expect(try await server.post("/api/runs/c/retry", [:], headers: [("Idempotency-Key", "")]).status == 400)
            #expect(try await server.request("DELETE", "/api/runs/c").status == 204)
            #expect(try await server.get("/api/runs/c").status == 404)
        }
    }
}
