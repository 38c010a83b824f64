internal import FlatValue
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

@testable internal import WorkflowServer

@Suite("What is shown of runs with secrets") struct SecretRouteTests {
    private static func workflow() throws -> Workflow {
        try Workflow(
            id: "login",
            inputSchema: [
                "type": "object",
                "properties": ["user": ["type": "string"], "pin": ["type": "string", "writeOnly": true]],
            ]
        ) { code in
            [
                .step(
                    "use",
                    handler: code.inline { input, context in
                        context.emit(type: "told", data: ["text": Value("with \(input["pin"]?.string ?? "")")])
                        context.updateMetadata(["pin": input["pin"] ?? .null])
                        return input
                    }),
                .human("confirm", output: code.inline { input, _ in ["shown": input] }),
            ]
        }
    }

    @Test(arguments: ["", "/events", "/events?brief=true"])
    func `whoever asks for that gets runs without what schemas call secret`(path: String) async throws {
        try await RunningServer.with([Self.workflow()]) { server in
            let started = try await server.post(
                "/api/workflows/login/run", ["inputData": ["user": "ada", "pin": "hush-4711"], "runId": "r"])
            #expect(started.json["status"] == "waiting_human")
            let mark = path.contains("?") ? "&" : "?"
            let shown = try await server.get("/api/runs/r\(path)\(mark)redact=true").json.json
            #expect(!shown.contains("hush-4711") && shown.contains("[secret]"), "\(shown)")
            #expect(path.contains("brief") || shown.contains(#""user":"ada""#))
            // Clients that go on with what a run gave need it.
            #expect(try await server.get("/api/runs/r\(path)").json.json.contains("hush-4711"))
            let tasks = try await server.get("/api/tasks?redact=true").json.json
            #expect(!tasks.contains("hush-4711") && tasks.contains("[secret]"), "\(tasks)")
            #expect(try await server.get("/api/tasks").json.json.contains("hush-4711"))
        }
    }

    @Test func `whoever waits for a run gets it without what schemas call secret too`() async throws {
        try await RunningServer.with([Self.workflow()]) { server in
            _ = try await server.post(
                "/api/workflows/login/run", ["inputData": ["user": "ada", "pin": "hush-4711"], "runId": "r"])
            let waited = try await server.get("/api/runs/r?wait=1s&redact=true").json.json
            #expect(!waited.contains("hush-4711") && waited.contains("[secret]"), "\(waited)")
            #expect(try await server.get("/api/runs/r?wait=1s").json.json.contains("hush-4711"))
        }
    }

    @Test(arguments: [true, false], ["/api/events", "/api/runs/r/events"])
    func `streams have no secrets for those who ask for that`(redacts: Bool, path: String) async throws {
        try await RunningServer.with([Self.workflow()]) { (server) async throws in
            try await withThrowingTaskGroup { group in
                if path == "/api/runs/r/events" { try await Self.start(server) }
                group.addTask {
                    let frames = try await server.frames("GET", path + (redacts ? "?redact=true" : "")) {
                        $0.event == "step:human:requested"
                    }
                    let text = frames.map(\.data.json).joined()
                    #expect(text.contains("hush-4711") == !redacts, "\(text)")
                    #expect(text.contains("[secret]") == redacts)
                    #expect(text.contains(#""user":"ada""#))
                }
                if path == "/api/events" {
                    while server.server.streamCount < 1 { try await Task.sleep(for: .milliseconds(5)) }
                    try await Self.start(server)
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func `whoever starts, answers or cancels a run gets it without what schemas call secret too`() async throws {
        try await RunningServer.with([Self.workflow()]) { server in
            let body: (String) -> Value = { ["inputData": ["user": "ada", "pin": "hush-4711"], "runId": Value($0)] }
            let answer: Value = ["stepId": "confirm", "data": ["ok": true]]
            let asked: [(path: String, body: Value)] = [
                ("/api/workflows/login/run", body("a")), ("/api/workflows/login/runs", body("b")),
                ("/api/workflows/login/runs", body("b")), ("/api/workflows/login/runs/a/resume", answer),
                ("/api/workflows/login/run", body("c")), ("/api/runs/c/resume", answer),
                ("/api/workflows/login/run", body("d")), ("/api/tasks/d/confirm", ["data": ["ok": true]]),
                ("/api/workflows/login/run", body("e")), ("/api/runs/e/cancel", [:]),
            ]
            for (path, body) in asked {
                let shown = try await server.post(path + "?redact=true", body)
                #expect((200..<300).contains(shown.status), "\(path): \(shown.json.json)")
                #expect(!shown.json.json.contains("hush-4711"), "\(path): \(shown.json.json)")
            }
            let refused = try await server.post("/api/workflows/login/run?redact=maybe", body("f"))
            #expect(refused.status == 400)
            #expect(try await server.get("/api/runs/f").status == 404)
            let frames = try await server.frames(
                "POST", "/api/workflows/login/stream?redact=true", body("g"), through: { $0.event == "result" })
            let text = frames.map(\.data.json).joined()
            #expect(!text.contains("hush-4711") && text.contains("[secret]"), "\(text)")
        }
    }

    private static func start(_ server: RunningServer) async throws {
        _ = try await server.directory.start(
            StartRequest(workflow: "login", input: ["user": "ada", "pin": "hush-4711"], id: "r"))
    }

    @Test func `pieces that may be parts of a secret are not told to those who ask for that`() {
        var piece = TransientEvent(type: "step:delta", workflowID: "w", runID: "r", data: ["text": "hush-"])
        #expect(EventFrames(piece).count(redacts: true) == 1)
        piece.mayHaveSecrets = true
        #expect(EventFrames(piece).count(redacts: true) == 0)
        #expect(EventFrames(piece).count(redacts: false) == 1)
    }
}

extension EventFrames {
    fileprivate func count(redacts: Bool) -> Int { passing(EventFilter(), redacts: redacts)?.count ?? 0 }
}
