internal import FlatValue
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowServer

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
}
