internal import FlatValue
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowServer

@Suite("Traces of callers")
struct TraceParentRouteTests {
    private static let header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    private static let other = "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"

    private static func workflow() throws -> Workflow {
        try Workflow(
            WorkflowDefinition(
                id: "report", description: "Reports.", schedules: [["id": "daily", "cron": "0 9 * * *"]],
                hooks: [["id": "open"]], nodes: [.waitFor("go", event: "go")]),
            handlers: StepHandlers())
    }

    /// What a run has recorded of its caller.
    private static func caller(_ run: String, _ server: RunningServer) async throws -> [String] {
        let record = try await server.directory.record(of: run)
        return (0..<record.log.count).filter { record.log[$0].kind == .traced }
            .compactMap { record.log.value(record.log[$0].payload)["traceparent"]?.string }
    }

    @Test(arguments: ["/api/workflows/report/runs", "/hooks/open", "/api/schedules/report:daily/trigger"])
    func `whatever starts a run starts it in the caller's trace`(_ path: String) async throws {
        try await RunningServer.with([Self.workflow()]) { server in
            let body: Value = path.hasPrefix("/api/schedules") ? .null : ["inputData": [:]]
            for header in [Self.header, nil, "nonsense"] {
                let answer = try await server.request(
                    "POST", path, body.isNull ? nil : body.json, headers: header.map { [("traceparent", $0)] } ?? [])
                #expect(answer.status == 202, "\(answer.text)")
                let run = try #require(answer.json["runId"]?.string)
                #expect(try await Self.caller(run, server) == (header == Self.header ? [Self.header] : []))
            }
        }
    }

    @Test(arguments: [
        (Self.header, Value.null, Self.header), (Self.header, Value(Self.other), Self.other),
        (nil, Value(Self.other), Self.other),
        (Self.header, Value("nonsense"), Self.header), (Self.header, Value(Int64(7)), Self.header),
        (nil, Value("nonsense"), nil),
    ])
    func `a call of a tool says it by its request or by itself`(
        _ header: String?, _ own: Value, _ expected: String?
    ) async throws {
        try await RunningServer.with([Self.workflow()]) { server in
            let base = [("accept", "application/json, text/event-stream")]
            let hello: Value = [
                "protocolVersion": "2025-06-18", "capabilities": .emptyObject,
                "clientInfo": ["name": "test", "version": "1"],
            ]
            let begun = try await server.post(
                "/mcp", ["jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello], headers: base)
            let session = try #require(begun.header("mcp-session-id"))
            let headers = base + [("Mcp-Session-Id", session)] + (header.map { [("traceparent", $0)] } ?? [])
            let params: Value = [
                "name": "report", "arguments": .emptyObject,
                "_meta": own.isNull ? .emptyObject : ["traceparent": own],
            ]
            _ = try await server.frames(
                "POST", "/mcp", ["jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params], headers: headers)
            let run = try #require(try await server.directory.list(RunFilter()).first)
            #expect(try await Self.caller(run.id, server) == (expected.map { [$0] } ?? []))
        }
    }
}
