internal import FlatValue
internal import LuaWorkflows
internal import Synchronization
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

@Suite("Handlers written in Lua")
struct HandlerTests {
    @Test func `an output that was recorded does not change when the table does`() async throws {
        let scripts = try Scripts([
            "main.lua": """
            local aikit = require "aikit"
            local kept = { count = 1 }
            return aikit.workflow { id = "alias" }
              :step { id = "give", handler = function() return kept end }
              :step { id = "change", handler = function(input) input.count = 99 kept.count = 50 return input end }
              :step { id = "last", handler = function(input) return { now = input.count, kept = kept.count } end }
              :commit()
            """
        ])
        let result = try await scripts.run()
        #expect(result.snapshots(of: "give").first?.output == ["count": 1])
        #expect(result.snapshots(of: "change").first?.input == ["count": 1])
        #expect(result.result == ["now": 99, "kept": 50])
    }

    @Test func `branches that run beside each other have a copy each of their input`() async throws {
        let scripts = try Scripts([
            "main.lua": """
            local aikit = require "aikit"
            local function adder(id)
              return { id = id, handler = function(input) input.list[#input.list + 1] = id; aikit.sleep(0.001); return input.list end }
            end
            return aikit.workflow { id = "copies" }
              :parallel { id = "both", branches = { a = adder "a", b = adder "b" } }
              :commit()
            """
        ])
        #expect(try await scripts.run(["list": ["x"]]).result == ["a": ["x", "a"], "b": ["x", "b"]])
    }

    @Test(arguments: [
        "while true do end", "while true do pcall(error) end",
        "local function f() return f() end f()",
        "coroutine.wrap(function() while true do end end)()",
        "repeat until aikit_never",
    ])
    func `an endless handler is stopped by a cancel`(body: String) async throws {
        let scripts = try Scripts(["main.lua": oneStep(body.replacing("aikit_never", with: "false"))])
        let run = try await scripts.engine.createRun(scripts.load().workflows[0])
        // A worker that is busy with the handler hands nothing to those who come later.
        let events = run.events()
        try run.start()
        for await event in events where event.type == "step:start" { break }
        run.cancel(reason: "enough")
        let result = try await run.finished().result()
        #expect(result.status == .cancelled)
        #expect(result.error?["reason"]?.string == "enough")
    }

    @Test func `what a script logs and prints reaches the host`() async throws {
        let lines = Mutex<[String]>([])
        let options = LuaScriptOptions(
            print: { line in lines.withLock { $0.append("print " + line) } },
            log: { record in lines.withLock { $0.append("\(record.level) \(record.message)") } })
        let scripts = try Scripts(["main.lua": "print('loading')\n" + oneStep("print('running', 1) return 1")])
        let script = try await scripts.load(options: options)
        _ = try await scripts.engine.createRun(script.workflows[0]).run()
        #expect(lines.withLock { $0 } == ["print loading", "print running\t1"])
    }

    @Test func `a handler that asks for effects that the engine has not gets an error that it can catch`() async throws
    {
        let scripts = try Scripts([
            "main.lua": "local aikit = require 'aikit'\n"
                + oneStep(
                    "local ok, err = pcall(aikit.http.get, 'http://localhost') return { ok = ok, message = err.message }"
                )
        ])
        let result = try await scripts.run()
        #expect(result.result?["ok"] == false)
        #expect(result.result?["message"]?.string?.contains("http") == true)
    }

    @Test func `many runs of one script share its VM and do not see each other`() async throws {
        let scripts = try Scripts(
            [
                "main.lua": "local aikit = require 'aikit'\n"
                    + oneStep("context.store.n = input.n aikit.sleep(0.002) return context.store.n")
            ],
            workers: 2)
        let script = try await scripts.load()
        let outputs = try await withThrowingTaskGroup(of: (Int64, Value?).self) { group in
            for number in Int64(1)...200 {
                let run = scripts.engine.createRun(script.workflows[0])
                group.addTask { (number, try await run.run(input: ["n": Value(number)]).result().result) }
            }
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        #expect(outputs.count == 200)
        #expect(outputs.allSatisfy { $0.value.int == $0.key })
    }
}
