internal import FlatValue
internal import Synchronization
internal import Testing
internal import WorkflowCore

@testable internal import LuaWorkflows
@testable internal import WorkflowEngine

private func script(_ version: Int) -> String {
    """
    local aikit = require "aikit"
    local name = require "lib.name"
    return aikit.workflow { id = "w" }
      :step { id = "s", handler = function() return { version = \(version), name = name } end }
      :commit()
    """
}

struct LiveScriptTests {
    /// A live script in a folder, with an engine, which ends with the test.
    private func withLive(
        _ files: [String: String], _ body: (LiveScript, ScriptFolder, WorkflowEngine) async throws -> Void
    ) async throws {
        let folder = try ScriptFolder(files)
        let engine = WorkflowEngine(workers: 2)
        defer {
            engine.shutdown()
            folder.remove()
        }
        let live = LiveScript(path: folder.path("main.lua"), on: engine, quiet: .zero, pause: { _ in })
        try await body(live, folder, engine)
    }

    private func output(_ live: LiveScript, _ engine: WorkflowEngine) async throws -> Value? {
        let workflow = try #require(live.generation).script.workflows[0]
        return try await engine.createRun(workflow).run().result().result
    }

    @Test func `a change of a module makes a generation, and new runs are of it`() async throws {
        try await withLive(["main.lua": script(1), "lib/name.lua": "return 'a'"]) { live, folder, engine in
            let (first, files) = try await live.refreshed()
            #expect(first.number == 1)
            #expect(files == [folder.path("main.lua"), folder.path("lib/name.lua")])
            #expect(try await output(live, engine) == ["version": 1, "name": "a"])

            try folder.replace("lib/name.lua", with: "return 'b'")
            let (second, changed) = try await live.refreshed()
            #expect(second.number == 2)
            #expect(changed == [folder.path("lib/name.lua")])
            #expect(try await output(live, engine) == ["version": 1, "name": "b"])
        }
    }

    @Test(arguments: ["main.lua", "lib/name.lua"])
    func `a file that is saved in two writes is never live by half`(_ name: String) async throws {
        let whole = ["main.lua": script(2), "lib/name.lua": "local name = 'half'\nname = 'whole'\nreturn name"]
        // Either half loads by itself.
        let half = ["main.lua": script(1), "lib/name.lua": "return 'half'"]
        let folder = try ScriptFolder(whole.merging([name: half[name] ?? ""]) { $1 })
        let engine = WorkflowEngine(workers: 1)
        defer {
            engine.shutdown()
            folder.remove()
        }
        let pauses = Mutex(0)
        let live = LiveScript(path: folder.path("main.lua"), on: engine, quiet: .seconds(3600)) { _ in
            let isFirst = pauses.withLock { count in
                count += 1
                return count == 1
            }
            if isFirst { try? folder.write(whole[name] ?? "", to: name) }
        }
        let (first, _) = try await live.refreshed()
        #expect(first.number == 1)
        #expect(try await output(live, engine) == ["version": 2, "name": "whole"])
        // Once for the half, and once for what came of it.
        #expect(pauses.withLock { $0 } == 2)
    }

    @Test func `a file that is written all the while is taken as it is in the end`() async throws {
        let folder = try ScriptFolder(["main.lua": script(0), "lib/name.lua": "return 'a'"])
        let engine = WorkflowEngine(workers: 1)
        defer {
            engine.shutdown()
            folder.remove()
        }
        let version = Mutex(0)
        let live = LiveScript(path: folder.path("main.lua"), on: engine, quiet: .seconds(3600)) { _ in
            let number = version.withLock { count in
                count += 1
                return count
            }
            try? folder.write(script(number), to: "main.lua")
        }
        _ = try await live.refreshed()
        #expect(version.withLock { $0 } < 20)
    }

    @Test func `saving the same contents makes no generation`() async throws {
        try await withLive(["main.lua": script(1), "lib/name.lua": "return 'a'"]) { live, folder, _ in
            _ = await live.refresh()
            try folder.write(script(1), to: "main.lua")
            #expect(await live.refresh().isUnchanged)
            #expect(live.generation?.number == 1)
        }
    }

    @Test func `what does not load is told once and leaves the live generation as it is`() async throws {
        try await withLive(["main.lua": script(1), "lib/name.lua": "return 'a'"]) { live, folder, engine in
            _ = await live.refresh()
            try folder.write("return nil +", to: "main.lua")
            let error = try #require(await live.refresh().failure)
            #expect(error.diagnostics.first?.line == 1)
            #expect(await live.refresh().isUnchanged)
            #expect(try await output(live, engine) == ["version": 1, "name": "a"])
            try folder.write(script(1), to: "main.lua")
            let back = try #require(await live.refresh().restored)
            #expect(back.number == 1)
            try folder.write(script(2), to: "main.lua")
            let (next, _) = try await live.refreshed()
            #expect(next.number == 2)
        }
    }

    @Test func `a module that is missing is waited for`() async throws {
        try await withLive(["main.lua": script(1)]) { live, folder, engine in
            #expect(await live.refresh().failure != nil)
            #expect(live.generation == nil)
            #expect(live.paths.contains(folder.path("lib/name.lua")))
            try folder.write("return 'late'", to: "lib/name.lua")
            _ = try await live.refreshed()
            #expect(try await output(live, engine) == ["version": 1, "name": "late"])
        }
    }

    @Test func `a module that comes to lie before another one of its name takes its place`() async throws {
        let files = ["main.lua": script(1), "lua_modules/lib/name.lua": "return 'far'"]
        try await withLive(files) { live, folder, engine in
            _ = await live.refresh()
            #expect(try await output(live, engine) == ["version": 1, "name": "far"])
            try folder.write("return 'near'", to: "lib/name.lua")
            let (_, changed) = try await live.refreshed()
            #expect(changed == [folder.path("lib/name.lua")])
            #expect(try await output(live, engine) == ["version": 1, "name": "near"])
        }
    }

    @Test func `a script that has gone is told, and its generation stays live`() async throws {
        try await withLive(["main.lua": script(1), "lib/name.lua": "return 'a'"]) { live, folder, engine in
            _ = await live.refresh()
            try folder.delete("main.lua")
            #expect(await live.refresh().isMissing)
            #expect(await live.refresh().isUnchanged)
            #expect(try await output(live, engine) == ["version": 1, "name": "a"])
            try folder.write(script(2), to: "main.lua")
            _ = try await live.refreshed()
            #expect(try await output(live, engine) == ["version": 2, "name": "a"])
        }
    }

    @Test func `what the caller does not accept does not go live`() async throws {
        let folder = try ScriptFolder(["main.lua": script(1), "lib/name.lua": "return 'a'"])
        let engine = WorkflowEngine(workers: 1)
        defer {
            engine.shutdown()
            folder.remove()
        }
        let live = LiveScript(path: folder.path("main.lua"), on: engine) { (script) throws(ScriptError) in
            guard script.workflows[0].id == "other" else {
                throw ScriptError(code: "no_workflow", file: script.path, message: "there is no workflow 'other'")
            }
        }
        let error = try #require(await live.refresh().failure)
        #expect(error.code == "no_workflow")
        #expect(live.generation == nil)
    }

    @Test func `a handler that never ends does not delay the next generation`() async throws {
        let spin = """
            local aikit = require "aikit"
            return aikit.workflow { id = "w" }
              :step { id = "s", handler = function(_, context) context:emit { type = "on" } while true do end end }
              :commit()
            """
        try await withLive(["main.lua": spin, "lib/name.lua": "return 'a'"]) { live, folder, engine in
            _ = await live.refresh()
            let workflow = try #require(live.generation).script.workflows[0]
            // One worker spins; the other one is free for what comes.
            let spinning = engine.createRun(workflow)
            let events = spinning.events()
            try spinning.start()
            for await event in events where event.type == "step:start" { break }
            try folder.write(script(2), to: "main.lua")
            _ = try await live.refreshed()
            #expect(try await output(live, engine) == ["version": 2, "name": "a"])
            spinning.cancel()
            #expect(try await spinning.finished().result().status == .cancelled)
        }
    }

    @Test func `a generation goes with its last run, timers or not`() async throws {
        let waiting = """
            local aikit = require "aikit"
            return aikit.workflow { id = "w" }
              :step { id = "quick", timeout = "1h", handler = function() aikit.sleep(0) return 1 end }
              :wait_for { id = "go", event = "go", timeout = "1h" }
              :commit()
            """
        try await withLive(["main.lua": waiting, "lib/name.lua": "return 'a'"]) { live, folder, engine in
            _ = await live.refresh()
            weak let old = live.generation?.script.generation
            func waitAndEnd() async throws {
                let run = engine.createRun(try #require(live.generation).script.workflows[0])
                _ = try await run.run()
                try folder.write(script(2), to: "main.lua")
                _ = try await live.refreshed()
                #expect(old != nil)
                try await run.signal("go")
                _ = try await run.finished()
            }
            try await waitAndEnd()
            // The workers have done all that they were asked when they come to this.
            for worker in engine.workers {
                await withCheckedContinuation { continuation in worker.perform { _ in continuation.resume() } }
            }
            #expect(old == nil)
        }
    }
}
