import FlatValue
import Foundation
import Platform
import Testing
import WorkflowCore
import WorkflowEngine
import WorkflowServer

@Suite("Connections")
struct ConnectionTests {
    private static let good = "GET /api/version HTTP/1.1\r\nHost: x\r\n"

    private static func count(_ status: String, in answer: String) -> Int {
        answer.components(separatedBy: "HTTP/1.1 \(status)").count - 1
    }

    @Test(arguments: [
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
        "Connection: keep-alive,\tUPGRADE\r\nUpgrade: websocket\r\n", "Upgrade: foo\r\n", "Connection: upgrade\r\n",
        "Proxy-Connection: upgrade\r\nUpgrade: h2c\r\n", "Connection: upgrades\r\nUpgrade: h2c\r\n",
    ])
    func `an offer to speak another protocol is passed over, and the connection goes on`(_ offer: String) async throws {
        var options = ServerOptions()
        options.headTimeout = .seconds(10)
        try await RunningServer.with(TestWorkflows.all(), options: options) { server in
            let body = #"{"inputData":{"name":"Ada"}}"#
            let post =
                "POST /api/workflows/greet/run HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\(offer)"
                + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
            let first = Self.good + offer + "\r\n"
            let last = Self.good + "Connection: close\r\n\r\n"
            let apart = await RawConnection.conversation(first, post, first, last, port: server.port)
            #expect(Self.count("200", in: apart) == 4, "\(apart)")
            let together = await RawConnection.conversation(first + post + first + last, port: server.port)
            #expect(Self.count("200", in: together) == 4, "\(together)")
        }
    }

    @Test(arguments: [
        "/nowhere", "/mcp", "/hooks/x", "/api/session", "/api/workflows/greet/run", "/api/runs/none",
        "/api/runs?limit=x",
        "/health/live",
    ])
    func `the answer to HEAD has no body, whatever it is`(_ path: String) async throws {
        try await RunningServer.with(TestWorkflows.all()) { server in
            let answer = await RawConnection.conversation(
                "HEAD \(path) HTTP/1.1\r\nHost: x\r\n\r\n" + Self.good + "Connection: close\r\n\r\n", port: server.port)
            let parts = answer.components(separatedBy: "\r\n\r\n")
            #expect(parts.count == 3 && parts[1].hasPrefix("HTTP/1.1 200"), "\(answer)")
            let refused = await RawConnection.conversation(
                "HEAD \(path) HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", port: server.port)
            #expect(refused.hasPrefix("HTTP/1.1 400") && refused.hasSuffix("\r\n\r\n"), "\(refused)")
        }
    }

    /// How a client goes away.
    enum Leave: CaseIterable { case reset, close }

    /// Whether so many requests come to be under way.
    private static func comes(_ count: Int, _ server: WorkflowServer) async throws -> Bool {
        for _ in 0..<1000 {
            if server.requestCount == count { return true }
            try await Task.sleep(for: .milliseconds(10))
        }
        return false
    }

    private static func impatient() -> ServerOptions {
        var options = ServerOptions()
        options.halfClosedTime = .milliseconds(50)
        return options
    }

    @Test(arguments: Leave.allCases)
    func `a wait ends with its connection`(_ leave: Leave) async throws {
        try await RunningServer.with(TestWorkflows.all(), options: Self.impatient()) { server in
            let start: Value = ["inputData": 1, "runId": "later", "delay": "1h"]
            #expect(try await server.post("/api/workflows/wait/runs", start).status == 202)
            let wait = "GET /api/runs/later?wait=1h HTTP/1.1\r\nHost: x\r\n\r\n"
            let clients = try (0..<20).map { _ in try #require(RawConnection(port: server.port)) }
            // What a client has asked besides begins when the wait ends, and has no more time.
            for client in clients { client.say(wait + wait) }
            #expect(try await Self.comes(20, server.server))
            for client in clients {
                switch leave {
                case .reset: client.reset()
                case .close: client.close()
                }
            }
            #expect(try await Self.comes(0, server.server))
            #expect(try await server.get("/api/runs/later").json["status"] == "queued")
        }
    }

    @Test func `a run goes on when the client that waits for it has gone`() async throws {
        let go = DispatchSemaphore(value: 0)
        let held = try Workflow(id: "held") { code in
            [
                .step(
                    "hold",
                    handler: code.inline { input, _ in
                        go.wait()
                        return input
                    })
            ]
        }
        try await RunningServer.with([held], options: Self.impatient()) { server in
            let body = #"{"inputData":7,"runId":"h"}"#
            let client = try #require(RawConnection(port: server.port))
            client.say(
                "POST /api/workflows/held/run HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                    + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
            #expect(try await Self.comes(1, server.server))
            client.reset()
            #expect(try await Self.comes(0, server.server))
            go.signal()
            #expect(try await server.get("/api/runs/h?wait=10s").json["result"] == 7)
        }
    }

    @Test(arguments: Leave.allCases)
    func `a cancel goes on to its end when the client that asked for it has gone`(_ leave: Leave) async throws {
        let (undoing, go) = (Gate(), DispatchSemaphore(value: 0))
        let undone = try Workflow(id: "undone") { code in
            let undo = code.inline { _, _ in
                undoing.open()
                go.wait()
                return .null
            }
            return [
                .step("do", handler: code.inline { input, _ in input }, compensate: undo), .waitFor("go", event: "go"),
            ]
        }
        try await RunningServer.with([undone], options: Self.impatient()) { server in
            let start: Value = ["inputData": 7, "runId": "u"]
            #expect(try await server.post("/api/workflows/undone/runs", start).status == 202)
            #expect(try await server.get("/api/runs/u?wait=10s").json["status"] == "waiting")
            let body = #"{"reason":"enough"}"#
            let client = try #require(RawConnection(port: server.port))
            client.say(
                "POST /api/runs/u/cancel HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                    + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
            await undoing.passed()
            switch leave {
            case .reset: client.reset()
            case .close: client.close()
            }
            #expect(try await Self.comes(0, server.server))
            go.signal()
            let over = try await server.directory.settled("u").record
            #expect(over.status == .cancelled && over.result().error?["reason"] == "enough")
            #expect(over.result().error?["compensation"]?["undone"]?.array == ["do"], "\(over.result().value.json)")
        }
    }

    @Test func `who sends all at once and closes their side gets the answer`() async throws {
        var options = ServerOptions()
        options.halfClosedTime = .seconds(30)
        try await RunningServer.with(TestWorkflows.all(), options: options) { server in
            let body = #"{"inputData":{"name":"Ada"}}"#
            let client = try #require(RawConnection(port: server.port))
            client.say(
                "POST /api/workflows/greet/run HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                    + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
            client.endOutput()
            let answer = client.hear { !$0.hasSuffix("}") }
            client.close()
            #expect(answer.hasPrefix("HTTP/1.1 200"), "\(answer)")
        }
    }
}
