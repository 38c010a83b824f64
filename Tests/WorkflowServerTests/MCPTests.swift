internal import FlatValue
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowServer

@Suite("Model Context Protocol by HTTP")
struct MCPTests {
    private static let stream = [("accept", "application/json, text/event-stream")]

    private static func request(_ id: Int64, _ method: String, _ params: Value = .emptyObject) -> Value {
        ["jsonrpc": "2.0", "id": Value(id), "method": Value(method), "params": params]
    }

    /// Begins a session; the headers of its requests.
    private static func begin(
        _ server: RunningServer, capabilities: Value = .emptyObject, _ headers: [(String, String)] = []
    ) async throws -> [(String, String)] {
        let answer = try await server.post(
            "/mcp",
            request(
                0, "initialize",
                [
                    "protocolVersion": "2025-06-18", "capabilities": capabilities,
                    "clientInfo": ["name": "test", "version": "1"],
                ]), headers: headers + stream)
        #expect(answer.json["result"]?["protocolVersion"] == "2025-06-18")
        let id = try #require(answer.header("mcp-session-id"))
        return headers + stream + [("Mcp-Session-Id", id)]
    }

    private static func call(_ id: Int64, _ tool: String, _ arguments: Value, _ meta: Value = .emptyObject) -> Value {
        request(id, "tools/call", ["name": Value(tool), "arguments": arguments, "_meta": meta])
    }

    /// A workflow that asks a person for a flag and a reason.
    private static func approval() throws -> Workflow {
        try Workflow(id: "approval", description: "Asks somebody.") { code in
            [
                .human(
                    "approve", output: code.inline { input, _ in input },
                    responseSchema: [
                        "type": "object", "required": ["ok"],
                        "properties": ["ok": ["type": "boolean"], "reason": ["type": "string", "minLength": 3]],
                    ])
            ]
        }
    }

    @Test func `workflows with a description are tools, whose calls give the output of their runs`() async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            let headers = try await Self.begin(server)
            let list = try await server.post("/mcp", Self.request(1, "tools/list"), headers: headers)
            let tools = list.json["result"]?["tools"]?.array ?? []
            #expect(tools.compactMap { $0["name"]?.string } == ["greet", "get-run"])
            #expect(tools.first?["inputSchema"]?["required"] == ["name"])
            let frames = try await server.frames(
                "POST", "/mcp", Self.call(2, "greet", ["name": "Ada"], ["progressToken": "p"]), headers: headers)
            let progress = frames.filter { $0.data["method"] == "notifications/progress" }
            #expect(!progress.isEmpty)
            #expect(progress.allSatisfy { $0.data["params"]?["progressToken"] == "p" })
            let result = frames.last?.data["result"]
            #expect(result?["structuredContent"]?["text"] == "Hello, Ada")
            #expect(result?["isError"] == false)
            let wrong = try await server.frames("POST", "/mcp", Self.call(3, "greet", [:]), headers: headers)
            #expect(wrong.last?.data["result"]?["isError"] == true)
            let unknown = try await server.frames("POST", "/mcp", Self.call(4, "gret", [:]), headers: headers)
            #expect(unknown.last?.data["error"]?["code"] == -32602)
        }
    }

    @Test func `a person is asked by the client, again after an answer that does not fit`() async throws {
        try await RunningServer.with([Self.approval()]) { server in
            let headers = try await Self.begin(server, capabilities: ["elicitation": .emptyObject])
            var asked = 0
            let frames = try await server.frames(
                "POST", "/mcp", Self.call(1, "approval", ["amount": 7]), headers: headers
            ) { frame in
                guard frame.data["method"] == "elicitation/create" else { return false }
                asked += 1
                let schema = frame.data["params"]?["requestedSchema"]
                #expect(schema?["properties"]?["ok"]?["type"] == "boolean")
                #expect(schema?["required"] == ["ok"])
                let content: Value = asked == 1 ? ["ok": true, "reason": "no"] : ["ok": true, "reason": "fine"]
                let answer = try await server.post(
                    "/mcp",
                    [
                        "jsonrpc": "2.0", "id": frame.data["id"] ?? .null,
                        "result": ["action": "accept", "content": content],
                    ], headers: headers)
                #expect(answer.status == 202)
                return false
            }
            #expect(asked == 2)
            #expect(frames.last?.data["result"]?["structuredContent"] == ["ok": true, "reason": "fine"])
        }
    }

    @Test func `without such a client the call says which run waits, and how it is answered`() async throws {
        try await RunningServer.with([Self.approval()]) { server in
            let headers = try await Self.begin(server)
            let frames = try await server.frames("POST", "/mcp", Self.call(1, "approval", [:]), headers: headers)
            let result = frames.last?.data["result"]
            let run = try #require(result?["structuredContent"]?["runId"]?.string)
            let text = result?["content"]?[0]?["text"]?.string ?? ""
            #expect(text.contains("/api/tasks/\(run)/approve"))
            #expect(try await server.post("/api/tasks/\(run)/approve", ["data": ["ok": false]]).status == 200)
            let state = try await server.frames(
                "POST", "/mcp", Self.call(2, "get-run", ["runId": Value(run)]), headers: headers)
            #expect(state.last?.data["result"]?["structuredContent"] == ["ok": false])
        }
    }

    @Test(arguments: [nil, "sold out"])
    func `a run that was cancelled is told of with its reason, once`(reason: String?) async throws {
        try await RunningServer.with([Self.approval()]) { server in
            let headers = try await Self.begin(server)
            _ = try await server.post("/api/workflows/approval/runs", ["inputData": [:], "runId": "r"])
            let body = reason.map { ["reason": Value($0)] as Value } ?? [:]
            #expect(try await server.post("/api/runs/r/cancel", body).status == 200)
            let frames = try await server.frames(
                "POST", "/mcp", Self.call(1, "get-run", ["runId": "r"]), headers: headers)
            let told = "Run r of approval was cancelled" + (reason.map { ": " + $0 } ?? "") + " (cancelled)"
            #expect(frames.last?.data["result"]?["content"]?[0]?["text"]?.string == told)
        }
    }

    @Test func `a call that is cancelled cancels its run, and has no answer`() async throws {
        let workflow = try Workflow(id: "wait", description: "Waits.") { code in
            [.human("approve", output: code.inline { input, _ in input })]
        }
        try await RunningServer.with([workflow]) { server in
            let headers = try await Self.begin(server, capabilities: ["elicitation": ["form": .emptyObject]])
            let frames = try await server.frames("POST", "/mcp", Self.call(9, "wait", [:]), headers: headers) { frame in
                guard frame.data["method"] == "elicitation/create" else { return false }
                let cancel: Value = [
                    "jsonrpc": "2.0", "method": "notifications/cancelled",
                    "params": ["requestId": 9, "reason": "enough"],
                ]
                let answer = try await server.post("/mcp", cancel, headers: headers)
                #expect(answer.status == 202)
                return false
            }
            #expect(frames.allSatisfy { $0.data["id"] != 9 })
            let runs = try await server.get("/api/runs").json["runs"]?.array ?? []
            #expect(runs.map { $0["status"] } == ["cancelled"])
        }
    }

    @Test func `resources are read, and what is wrong is refused by its code`() async throws {
        var options = ServerOptions()
        options.resources = [ServerResource(uri: "aikit://reference", title: "Reference", text: "# Reference")]
        try await RunningServer.with(TestWorkflows.all(), options: options) { server in
            let headers = try await Self.begin(server)
            func code(_ body: String) async throws -> Int64? {
                try await server.request("POST", "/mcp", body, headers: headers).json["error"]?["code"]?.int
            }
            let read = try await server.post(
                "/mcp", Self.request(1, "resources/read", ["uri": "aikit://reference"]), headers: headers)
            #expect(read.json["result"]?["contents"]?[0]?["text"] == "# Reference")
            #expect(try await code(Self.request(2, "resources/read", ["uri": "x"]).json) == -32002)
            #expect(try await code(Self.request(3, "no/such").json) == -32601)
            #expect(try await code("{") == -32700)
            #expect(try await code("[]") == -32600)
            #expect(try await code(#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#) == -32600)
            #expect(try await code(#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[]}"#) == -32602)
            let foreign = try await server.post(
                "/mcp", Self.request(4, "ping"), headers: [("Mcp-Session-Id", "unknown")])
            #expect(foreign.status == 404)
            #expect(try await server.post("/mcp", Self.request(5, "tools/list")).status == 400)
            #expect(try await server.request("GET", "/mcp").status == 405)
            #expect(try await server.request("DELETE", "/mcp", headers: headers).status == 204)
            #expect(try await server.post("/mcp", Self.request(6, "ping"), headers: headers).status == 404)
        }
    }

    @Test func `who begins many sessions loses those of their own, and nobody else's`() async throws {
        let tokens = TokensInMemory()
        func bearer(_ name: String) async throws -> [(String, String)] {
            let made = TokenSecret.make(name: name, role: .run, workflows: [], expiresAt: 0, now: 0)
            try await tokens.add(made.token)
            return [("Authorization", "Bearer \(made.text)")]
        }
        let (greedy, modest) = (try await bearer("greedy"), try await bearer("modest"))
        try await RunningServer.with(TestWorkflows.all(), access: AccessControl(tokens: tokens)) { server in
            let kept = try await Self.begin(server, modest)
            var sessions: [[(String, String)]] = []
            for _ in 0..<102 { sessions.append(try await Self.begin(server, greedy)) }
            func status(_ headers: [(String, String)]) async throws -> Int {
                try await server.post("/mcp", Self.request(1, "ping"), headers: headers).status
            }
            #expect(try await status(kept) == 200)
            #expect(try await status(sessions[0]) == 404)
            #expect(try await status(sessions[1]) == 404)
            #expect(try await status(sessions[2]) == 200)
            #expect(try await status(sessions[101]) == 200)
        }
    }

    @Test func `a session belongs to who began it, and who may only read starts no runs`() async throws {
        let tokens = TokensInMemory()
        func token(_ name: String, _ role: AccessToken.Role) async throws -> String {
            let made = TokenSecret.make(name: name, role: role, workflows: [], expiresAt: 0, now: 0)
            try await tokens.add(made.token)
            return made.text
        }
        let (reader, runner) = (try await token("reader", .read), try await token("runner", .run))
        try await RunningServer.with(TestWorkflows.all(), access: AccessControl(tokens: tokens)) { server in
            func bearer(_ text: String) -> [(String, String)] { [("Authorization", "Bearer \(text)")] }
            let headers = try await Self.begin(server, bearer(reader))
            let frames = try await server.frames("POST", "/mcp", Self.call(1, "greet", ["name": "A"]), headers: headers)
            #expect(frames.last?.data["result"]?["isError"] == true)
            let stolen = headers.filter { $0.0 == "Mcp-Session-Id" } + bearer(runner)
            #expect(try await server.post("/mcp", Self.request(2, "ping"), headers: stolen).status == 404)
            #expect(try await server.post("/mcp", Self.request(2, "ping")).status == 401)
        }
    }
}
