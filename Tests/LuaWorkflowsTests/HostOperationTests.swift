import FlatValue
import Platform
import Synchronization
import Testing
import WorkflowCore
import WorkflowEngine

@testable import LuaWorkflows

@Suite("Operations of the program that runs the engine")
struct HostOperationTests {
    private func orders() -> HostOperations {
        HostOperations().operation("orders.lookup") { call in
            guard call.payload["id"]?.int == 7 else {
                throw StepError(code: "no_such_order", message: "there is no such order", retryable: false)
            }
            return ["id": 7, "for": Value(call.path), "key": Value(call.idempotencyKey)]
        }
    }

    @Test func `a script calls a function of the program and gets its answer`() async throws {
        let scripts = try Scripts(
            ["main.lua": oneStep(#"return aikit.host("orders").lookup { id = 7 }"#)], host: orders())
        let script = try await scripts.load()
        let run = scripts.engine.createRun(script.workflows[0], id: "r")
        #expect(try await run.run().result().result == ["id": 7, "for": "only", "key": "r/only#1"])
    }

    @Test func `what the function throws is the script's error`() async throws {
        let caught = #"local ok, e = pcall(aikit.host("orders").lookup, { id = 8 }); return { ok = ok, code = e.code }"#
        #expect(
            try await Scripts(["main.lua": oneStep(caught)], host: orders()).run().result
                == ["ok": false, "code": "no_such_order"])
        let scripts = try Scripts(["main.lua": oneStep(#"aikit.host("orders").lookup()"#)], host: orders())
        #expect(try await scripts.run().error?["code"] == "no_such_order")
    }

    @Test func `a function that nobody gives is an error with its name`() async throws {
        let scripts = try Scripts(["main.lua": oneStep(#"aikit.host("orders").drop()"#)], host: orders())
        let error = try await scripts.run().error
        #expect(error?["code"] == "unknown_operation")
        #expect(error?["message"]?.string?.contains("the host has no operation 'orders.drop'") == true)
    }

    @Test func `an operation of the library is answered by who gives one of its name`() async throws {
        let host = orders().operation("http") { call in
            ["status": 200, "headers": .emptyObject, "body": call.payload["url"] ?? .null, "url": "http://h/"]
        }
        let script = oneStep(#"return { body = aikit.http.get("http://h/x").body }"#)
        #expect(try await Scripts(["main.lua": script], host: host).run().result == ["body": "http://h/x"])
    }

    @Test func `a cancel of the run cancels the function`() async throws {
        let began = Gate()
        let isCancelled = Mutex(false)
        let host = HostOperations().operation("orders.wait") { _ in
            began.open()
            do {
                try await Task.sleep(for: .seconds(600))
            } catch {
                isCancelled.withLock { $0 = true }
            }
            return .null
        }
        let scripts = try Scripts(["main.lua": oneStep(#"aikit.host("orders").wait()"#)], host: host)
        let run = try await scripts.engine.createRun(scripts.load().workflows[0])
        try run.start()
        await began.passed()
        run.cancel(reason: "enough")
        #expect(try await run.finished().status == .cancelled)
        while !isCancelled.withLock({ $0 }) { await Task.yield() }
    }

    @Test func `a function knows how long its step may still take, and tells of its progress`() async throws {
        let left = Mutex<Duration?>(nil)
        let host = HostOperations().operation("orders.lookup") { call in
            left.withLock { $0 = call.timeLeft }
            call.progress(["done": 0.5])
            return .null
        }
        let source = """
            local aikit = require "aikit"
            return aikit.workflow { id = "one" }
              :step { id = "only", timeout = "1h", handler = function() aikit.host("orders").lookup() end }
              :commit()
            """
        let scripts = try Scripts(["main.lua": source], host: host)
        #expect(try await scripts.run().status == .success)
        let time = try #require(left.withLock { $0 })
        #expect(time > .seconds(3500) && time <= .seconds(3600))
    }

    @Test(
        arguments: [
            (#"{ host = { "orders.*" } }"#, true), (#"{ host = "orders.lookup" }"#, true), ("{ net = false }", true),
            ("{ host = true }", true), (#"{ host = { "orders.drop" } }"#, false), ("{ host = false }", false),
            ("false", false),
        ])
    func `a step calls only what its permissions name, and so do runs that it starts`(
        permissions: String, isAllowed: Bool
    ) async throws {
        let source = """
            local aikit = require "aikit"
            local lookup = { id = "lookup", handler = function() return aikit.host("orders").lookup { id = 7 } end }
            local child = aikit.workflow { id = "child" }:step(lookup):commit()
            local direct = aikit.workflow { id = "direct", permissions = \(permissions) }:step(lookup):commit()
            local parent = aikit.workflow { id = "parent" }
              :step { id = "begin", permissions = \(permissions), handler = function()
                return aikit.start("child", {}, { wait = true })
              end }
              :commit()
            return { direct, parent, child }
            """
        let scripts = try Scripts(["main.lua": source], host: orders())
        let script = try await scripts.load()
        scripts.engine.adopt(FixedCatalog(script.workflows))
        for workflow in script.workflows.prefix(2) {
            let result = try await scripts.engine.createRun(workflow).run().result()
            #expect((result.status == .success) == isAllowed, "\(workflow.id): \(result.json)")
            if !isAllowed { #expect(result.error?["code"] == "permission_denied") }
        }
    }
}
