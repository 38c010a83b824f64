import FlatValue
import Foundation
import Testing
import WorkflowCore
import WorkflowEngine

@testable import HostEffects

@Suite(.serialized) struct MCPClientTests {
    private static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures/mcp/server.py").path

    private static func service() -> HostEffectsService {
        var permissions = Permissions()
        permissions.run = .only(["python3"])
        permissions.net = .only(["127.0.0.1"])
        return HostEffectsService(
            permissions: permissions, secrets: Secrets(given: ["KEY": "s3cret"], environment: { _ in nil }),
            settings: HTTPSettings())
    }

    private static func server(_ mode: String) -> Value { ["command": ["python3", Value(script), Value(mode)]] }

    private static func ask(_ payload: Value, _ service: HostEffectsService = service()) async -> HostAnswer {
        await withCheckedContinuation { continuation in
            _ = service.begin(HostCall("mcp", payload: payload, workflow: "w", run: "r", path: "s")) {
                continuation.resume(returning: $0)
            }
        }
    }

    private static func add(_ server: Value, timeout: Value = "20s") -> Value {
        [
            "operation": "call", "server": server, "name": "add", "arguments": ["a": 1, "b": 2], "timeout": timeout,
        ]
    }

    @Test func `tools of a program are listed and called, in one session`() async {
        let service = Self.service()
        let list = await Self.ask(["operation": "tools", "server": Self.server("good")], service)
        #expect(list.value[0]?["name"] == "add")
        #expect(list.value[0]?["input_schema"]?["required"] == ["a", "b"])
        await withTaskGroup { group in
            for _ in 0..<20 {
                group.addTask {
                    let sum = await Self.ask(Self.add(Self.server("good")), service)
                    #expect(sum.value["structuredContent"] == ["sum": 3])
                }
            }
        }
        let failed = await Self.ask(
            ["operation": "call", "server": Self.server("good"), "name": "fail", "arguments": [:]], service)
        #expect(failed.value["isError"] == true)
    }

    @Test func `noise and requests of a server do not keep it from answering`() async {
        for mode in ["noise", "asks"] {
            #expect(await Self.ask(Self.add(Self.server(mode))).value["structuredContent"] == ["sum": 3])
        }
    }

    @Test(arguments: [
        ("silent", "mcp_timeout", "500ms"), ("flood", "mcp_lost", "20s"), ("dead", "mcp_lost", "20s"),
        ("dies", "mcp_lost", "20s"), ("deep", "mcp_lost", "20s"), ("future", "mcp_version", "20s"),
    ])
    func `a server that misbehaves is an error, in time`(mode: String, code: String, timeout: String) async {
        let answer = await Self.ask(Self.add(Self.server(mode), timeout: Value(timeout)))
        #expect(!answer.ok)
        #expect(answer.value["code"]?.string == code)
        if mode == "dead" { #expect(answer.value["message"]?.string?.contains("it is broken") == true) }
    }

    @Test func `a list of tools without an end is an error`() async {
        let answer = await Self.ask(["operation": "tools", "server": Self.server("endless")])
        #expect(answer.value["code"] == "mcp_too_many")
    }

    @Test func `a list of few tools that take much memory is an error`() async {
        let answer = await Self.ask(["operation": "tools", "server": Self.server("heavy"), "timeout": "5m"])
        #expect(answer.value["code"] == "mcp_too_many")
        #expect(answer.value["message"]?.string?.contains("larger than 16 MiB together") == true)
    }

    @Test func `a program or a host that is not allowed is refused by its flag`() async {
        let program = await Self.ask(Self.add(["command": ["sh", "-c", "true"]]))
        #expect(program.value["details"] == ["flag": "--allow-run=sh"])
        let host = await Self.ask(Self.add(["url": "http://192.0.2.1/mcp"]))
        #expect(host.value["code"] == "permission_denied")
    }

    @Test func `secrets reach a program's environment, and are taken out of what it gives`() async {
        let answer = await Self.ask([
            "operation": "call", "name": "environment", "arguments": ["name": "TOKEN"],
            "server": [
                "command": ["python3", Value(Self.script)], "env": ["TOKEN": ["$secret": "KEY"]],
            ],
        ])
        #expect(answer.ok)
        #expect(!answer.value.json.contains("s3cret"))
        #expect(answer.value["content"]?[0]?["text"]?.string?.isEmpty == false)
    }
}
