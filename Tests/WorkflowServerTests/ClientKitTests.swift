import FlatValue
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowServer

/// What AI Kit's client asks for, and how it is answered.
@Suite("AI Kit's routes")
struct ClientKitTests {
    @Test func `the lists are objects with a list`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            #expect(try await server.get("/api/agents").json == ["agents": []])
            let answer = try await server.get("/api/workflows")
            #expect(answer.header("content-type")?.contains("application/json") == true)
            let greet = answer.json["workflows"]?.array?.first { $0["id"] == "greet" }
            #expect(greet?["description"] == "Greets somebody.")
        }
    }

    @Test func `a run is answered when it is over, also when it failed`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            let good = try await server.post("/api/workflows/greet/run", ["inputData": ["name": "Ada"]])
            #expect(good.status == 200)
            #expect(good.json["status"] == "success")
            #expect(good.json["result"] == ["text": "Hello, Ada"])
            #expect(good.json["runId"]?.string?.isEmpty == false)
            #expect(good.json["startedAt"]?.string?.hasSuffix("Z") == true)
            #expect(good.json["finishedAt"]?.string?.hasSuffix("Z") == true)
            #expect(good.json["steps"]?["hello"]?[0]?["startedAt"]?.string?.hasSuffix("Z") == true)
            #expect(good.json["metadata"] == [:])
            let bad = try await server.post("/api/workflows/fail/run", ["inputData": nil])
            #expect(bad.status == 200)
            #expect(bad.json["status"] == "failed")
            #expect(bad.json["error"]?["message"] == "it broke")
        }
    }

    @Test func `a run that waits for a person is answered, goes on with the answer, and takes no second one`()
        async throws
    {
        try await RunningServer.with(TestWorkflows.all()) { server in
            let run = try await server.post("/api/workflows/ask%20me/run", ["inputData": ["n": 1]])
            #expect(run.json["status"] == "waiting_human")
            #expect(run.json["finishedAt"] != nil)
            let pending = run.json["pendingHuman"]
            #expect(pending?["runId"] == run.json["runId"])
            #expect(pending?["workflowId"] == "ask me")
            #expect(pending?["stepId"] == "approve")
            #expect(pending?["output"] == ["shown": ["n": 1]])
            #expect(pending?["form"] == ["title": "Sure?"])
            #expect(pending?["requestedAt"]?.string?.hasSuffix("Z") == true)
            let id = try #require(run.json["runId"]?.string)
            let path = "/api/workflows/ask%20me/runs/\(id)/resume"
            #expect(try await server.post(path, ["stepId": "other", "data": ["ok": true]]).status == 409)
            let misfit = try await server.post(path, ["stepId": "approve", "data": [:]])
            #expect(misfit.status == 422)
            #expect(misfit.json["code"] == "invalid_response")
            let over = try await server.post(path, ["stepId": "approve", "data": ["ok": true]])
            #expect(over.status == 200)
            #expect(over.json["result"] == ["answer": ["ok": true]])
            #expect(try await server.post(path, ["stepId": "approve", "data": ["ok": true]]).status == 409)
        }
    }

    @Test func `a stream has the run, every event with its sequence, and the result`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            let frames = try await server.frames("POST", "/api/workflows/greet/stream", ["inputData": ["name": "Ada"]])
            #expect(frames.first?.event == "run")
            #expect(
                frames.map(\.event) == [
                    "run", "workflow:start", "step:start", "step:success", "step:start", "step:success",
                    "workflow:success", "result",
                ])
            let ids = frames.compactMap(\.id)
            #expect(ids == ids.sorted() && Set(ids).count == 6)
            #expect(frames.allSatisfy { $0.event == "run" || $0.event == "result" || $0.data["timestamp"]?.int != nil })
            #expect(frames.last?.data["runId"] == frames.first?.data["runId"])
            #expect(frames.last?.data["result"]?["status"] == "success")
        }
    }

    @Test func `a stream ends at a pause with a result, unless it is to follow`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            let short = try await server.frames("POST", "/api/workflows/ask%20me/stream", ["inputData": 1])
            #expect(short.last?.event == "result")
            #expect(short.last?.data["result"]?["status"] == "waiting_human")
            let long = try await server.frames("POST", "/api/workflows/ask%20me/stream?follow=true", ["inputData": 1]) {
                frame in
                if frame.event == "step:human:requested", let id = frame.data["runId"]?.string {
                    try await server.directory.answer(id, step: nil, data: ["ok": true])
                }
                return false
            }
            #expect(long.last?.data["result"]?["status"] == "success")
        }
    }

    @Test(arguments: [
        ("POST", "/api/workflows/greet/run", "{", 400, "Invalid JSON payload"),
        ("POST", "/api/workflows/greet/run", "[]", 400, "Request body must be an object"),
        ("POST", "/api/workflows/greet/run", "{}", 400, "Workflow payload must include inputData"),
        ("POST", "/api/workflows/no%20such/run", #"{"inputData":1}"#, 404, "Workflow no such not found"),
        ("POST", "/api/agents/a/generate", #"{"prompt":"x"}"#, 404, "Agent a not found"),
        ("POST", "/api/workflows/greet/runs/r/resume", "{}", 400, "Resume payload must include stepId and data"),
        (
            "POST", "/api/workflows/greet/runs/r/resume", #"{"stepId":"a","data":1}"#, 404,
            "Run r not found for workflow greet"
        ),
    ])
    func `what is wrong is said in AI Kit's words`(
        _ method: String, _ path: String, _ body: String, _ status: Int, _ text: String
    ) async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            let answer = try await server.request(method, path, body)
            #expect(answer.status == status)
            #expect(answer.error == text)
            #expect(answer.json["code"]?.string?.isEmpty == false)
        }
    }
}
