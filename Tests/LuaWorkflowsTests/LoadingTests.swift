internal import FlatValue
internal import Foundation
internal import LuaWorkflows
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

@Suite("Loading scripts")
struct LoadingTests {
    @Test func `a script may return several workflows, which keep their order`() async throws {
        let scripts = try Scripts([
            "main.lua": """
            local aikit = require "aikit"
            local function workflow(id)
              return aikit.workflow { id = id }:step { id = "s", handler = function() return id end }:commit()
            end
            return { workflow "second", workflow "first" }
            """
        ])
        #expect(try await scripts.load().workflows.map(\.id) == ["second", "first"])
    }

    @Test func `a definition that is refused is refused on every worker, and in every process`() async throws {
        let scripts = try Scripts(
            [
                "main.lua": """
                local aikit = require "aikit"
                local s = aikit.schema
                local function pass(value) return value end
                local accepted = pcall(function()
                  return aikit.workflow { id = "refused", input_schema = s.object { n = s.integer() } }
                    :step { id = "text", output_schema = s.string(), handler = pass }
                    :step { id = "number", input_schema = s.object { n = s.integer() }, handler = pass }
                    :commit()
                end)
                return aikit.workflow { id = accepted and "other" or "one" }:step { id = "s", handler = pass }:commit()
                """
            ], workers: 3)
        let script = try await scripts.load()
        #expect(script.workflows.map(\.id) == ["one"])
        for _ in 0..<6 {
            let result = try await scripts.engine.createRun(script.workflows[0]).run(input: 7).result()
            #expect(result.result == 7)
        }
        let bundle = try #require(ScriptBundle(stored: script.stored))
        let again = try await LuaScript.load(bundle: bundle, on: scripts.engine)
        #expect(again.workflows.map(\.id) == ["one"])
    }

    /// Requires a module by a name that comes with the input, after `top` at its top level.
    private static func computed(_ top: String) -> String {
        """
        local aikit = require "aikit"
        \(top)
        return aikit.workflow { id = "w" }
          :step { id = "s", handler = function(input) return require("h_" .. input.kind) end }
          :commit()
        """
    }

    @Test func `a module that a script names to nobody belongs to no run, in the process that loaded it and in others`()
        async throws
    {
        let scripts = try Scripts(["main.lua": Self.computed(""), "h_x.lua": "return 'x'"])
        let script = try await scripts.load()
        #expect(script.findings.map(\.code) == ["computed_module"] && script.findings[0].severity == .warning)
        let bundle = try #require(ScriptBundle(stored: script.stored))
        for script in [script, try await LuaScript.load(bundle: bundle, on: scripts.engine)] {
            let result = try await scripts.engine.createRun(script.workflows[0]).run(input: ["kind": "x"]).result()
            let message = result.error?["message"]?.string ?? ""
            #expect(
                message.contains("module 'h_x' not found: it is not in the code that the run began with"), "\(message)")
        }
    }

    @Test(arguments: [
        "for _, kind in ipairs { 'x', 'y' } do require('h_' .. kind) end",
        "local _ = function() pcall(require, 'h_x') end",
    ])
    func `a module that the top level required, or that a call names, is found by any name`(top: String) async throws {
        let scripts = try Scripts([
            "main.lua": Self.computed(top), "h_x.lua": "return 'x'", "h_y.lua": "return 'y'",
        ])
        let script = try await scripts.load()
        try scripts.write("h_x.lua", "return 'later'")
        let bundle = try #require(ScriptBundle(stored: script.stored))
        for script in [script, try await LuaScript.load(bundle: bundle, on: scripts.engine)] {
            let result = try await scripts.engine.createRun(script.workflows[0]).run(input: ["kind": "x"]).result()
            #expect(result.result == "x", "\(result)")
        }
        #expect(script.findings.isEmpty == top.contains("ipairs"))
    }

    @Test func `names of modules that are too long are refused before anything is made of them`() async throws {
        let name = String(repeating: "x", count: 5000)
        let scripts = try Scripts(["main.lua": oneStep("return require '\(name)'")])
        let finding = try #require(try await scripts.load().findings.first)
        #expect(finding.message.contains("the name is longer than 4096 bytes") && finding.message.utf8.count < 300)
        let message = try await scripts.run().error?["message"]?.string ?? ""
        #expect(message.contains("the name of a module has at most 4096 bytes, this one has 5000"), "\(message)")
    }

    @Test func `modules are found beside the script and in lua_modules, and belong to its generation`() async throws {
        let scripts = try Scripts([
            "main.lua": """
            local aikit = require "aikit"
            local beside, installed = require "lib.beside", require "installed"
            return aikit.workflow { id = "w" }
              :step { id = "s", handler = function() return { beside(), installed.name } end }
              :commit()
            """,
            "lib/beside.lua": "return function() return 'beside' end",
            "lua_modules/installed.lua": "return { name = 'installed' }",
        ])
        let script = try await scripts.load()
        #expect(script.files.map { $0.split(separator: "/").last } == ["main.lua", "beside.lua", "installed.lua"])
        try scripts.write("lib/beside.lua", "return function() return 'changed' end")
        let changed = try await scripts.load()
        #expect(changed.generationID != script.generationID)
        for (script, expected) in [(script, "beside"), (changed, "changed")] {
            let result = try await scripts.engine.createRun(script.workflows[0]).run().result()
            #expect(result.result == [Value(expected), "installed"])
        }
    }

    @Test func `a worker that loads a generation later runs what was loaded, though the files are gone`() async throws {
        let scripts = try Scripts(
            ["main.lua": oneStep("return require('part')"), "part.lua": "return 'kept'"], workers: 3)
        try scripts.write("main.lua", "require 'part'\n" + oneStep("return require('part')"))
        let script = try await scripts.load()
        try scripts.remove("main.lua")
        try scripts.remove("part.lua")
        for _ in 0..<3 {
            let result = try await scripts.engine.createRun(script.workflows[0]).run().result()
            #expect(result.result == "kept")
        }
    }

    @Test func `a definition that comes out otherwise each time is refused where it matters`() async throws {
        let scripts = try Scripts(
            [
                "main.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "id-" .. aikit.uuid() }
                  :step { id = "s", handler = function() return 1 end }
                  :commit()
                """
            ], workers: 2)
        let script = try await scripts.load()
        var failures: [String] = []
        for _ in 0..<2 {
            do {
                _ = try await scripts.engine.createRun(script.workflows[0]).run()
            } catch let failure as RunFailure {
                failures.append(failure.message)
            }
        }
        #expect(failures.count == 1)
        #expect(failures.first?.contains("defines other workflows each time") == true)
    }

    @Test func `everything that is wrong with a definition is said at once, at its line`() async throws {
        let scripts = try Scripts()
        let error = await scripts.refusal(
            of: """
                local aikit = require "aikit"
                return aikit.workflow { id = "w" }
                  :step { id = "a", handlr = function() end }
                  :step { id = "a", handler = function() end, next = "b" }
                  :commit()
                """)
        #expect(error?.diagnostics.map(\.line).contains(3) == true)
        #expect(error?.diagnostics.map(\.line).contains(4) == true)
        #expect(error?.diagnostics.contains { $0.message.contains("did you mean 'handler'") } == true)
    }

    @Test(arguments: [
        ("local x = = 1", "unexpected symbol"),
        ("return undefined_thing", "undefined_thing"),
        ("return 7", "workflow"),
        ("require 'nowhere'", "nowhere"),
        ("error { code = 'mine', message = 'refused by itself' }", "refused by itself"),
        ("local aikit = require 'aikit' aikit.sleep('1s')", "while it is loaded"),
        ("debug.sethook()", "debug"),
        ("assert(load('\\27Lua'))", "binary"),
    ])
    func `a script that cannot be loaded says why`(source: String, expected: String) async throws {
        let scripts = try Scripts()
        let error = await scripts.refusal(of: source)
        #expect(error?.description.contains(expected) == true, "\(error?.description ?? "it was loaded")")
    }

    @Test func `a top level that does not end is stopped`() async throws {
        let scripts = try Scripts()
        let options = LuaScriptOptions(loadTimeout: .milliseconds(50))
        let error = await scripts.refusal(of: "while true do pcall(error) end", options: options)
        #expect(error?.description.contains("endless loop") == true)
    }

    @Test func `a top level that wants more memory than there is fails, and the engine goes on`() async throws {
        let scripts = try Scripts(["main.lua": oneStep("return 'fine'")])
        let options = LuaScriptOptions(memoryLimit: 8 << 20)
        let error = await scripts.refusal(
            of: "local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end", options: options)
        #expect(error?.description.contains("memory") == true)
        #expect(try await scripts.run().result == "fine")
    }

    @Test func `a handler that was made of a text is a handler`() async throws {
        let scripts = try Scripts([
            "main.lua": """
            local aikit = require "aikit"
            return aikit.workflow { id = "w" }
              :step { id = "a", handler = load("return { ok = true }", "@generated.lua") }:commit()
            """
        ])
        #expect(try await scripts.run().result == ["ok": true])
    }

    @Test(arguments: [
        (
            "aikit.workflow { id = 'w', x5 = 1, x3 = 1, x1 = 1, x4 = 1, x2 = 1 }:step { id = 'a', handler = print }",
            "'x1'"
        ),
        ("aikit.workflow { id = 'w' }:step { id = 'a', handler = print, x3 = 1, x2 = 1, x1 = 1, x4 = 1 }", "'x1'"),
        (
            "aikit.workflow { id = 'w', ctx = { x3 = print, x1 = print, x2 = { y2 = print, y1 = print } } }"
                + ":step { id = 'a', handler = print }", "ctx.x1"
        ), ("s.object { x4 = 1, x2 = 2, x1 = 3, x3 = 4 }", "x1 = s.string()"),
        ("aikit.requires { x3 = 1, x1 = 1, x2 = 2, x4 = 1 }", "'x1'"),
        ("aikit.mcp { url = 'http://x', headers = { x3 = 1, x1 = 1, x2 = 2, x4 = 1 } }", "'x1'"),
        (
            "aikit.workflow { id = 'w', telemetry = { user_id = 1, session_id = 2, environment = 3, trace_name = 4 } }"
                + ":step { id = 'a', handler = print }", "environment"
        ),
    ])
    func `of several things that are wrong the first by its key is told first, at every load`(
        _ text: String, _ first: String
    ) async throws {
        let source = "local aikit = require 'aikit'\nlocal s = aikit.schema\nreturn \(text):commit()"
        var told: Set<String> = []
        // Each state of Lua has an order of its own.
        let all = try (0..<12).map { _ in try Scripts() }
        for scripts in all {
            let error = try #require(await scripts.refusal(of: source))
            told.insert(error.description.replacing(scripts.folder.path, with: ""))
        }
        #expect(told.count == 1, "\(told)")
        #expect(told.first?.split(separator: "\n").first?.contains(first) == true, "\(told)")
    }

    @Test(.timeLimit(.minutes(1))) func `what is no regular file is refused without waiting for it`() async throws {
        let scripts = try Scripts(["main.lua": oneStep("return require 'pipe'")])
        #expect(mkfifo(scripts.folder.appending(path: "pipe.lua").path, 0o600) == 0)
        let script = try await scripts.load()
        #expect(script.findings.map(\.code) == ["module_not_found"])
        #expect(script.findings.first?.message.contains("not a regular file") == true)
        do throws(ScriptError) {
            _ = try await scripts.load("pipe.lua")
            Issue.record("a pipe was loaded")
        } catch {
            #expect(error.description.contains("not a regular file"))
        }
    }

    @Test func `a module may be a link within the project and not out of it`() async throws {
        let outside = try Scripts(["secret.lua": "return { token = 1 }"])
        let scripts = try Scripts([
            "flows/main.lua": oneStep("return require 'linked'"), "lib/linked.lua": "return { a = 1 }",
        ])
        let link = scripts.folder.appending(path: "flows/linked.lua")
        func point(to path: String) throws {
            try? FileManager.default.removeItem(at: link)
            try FileManager.default.createSymbolicLink(atPath: link.path, withDestinationPath: path)
        }
        try point(to: outside.folder.appending(path: "secret.lua").path)
        let refused = try await scripts.load("flows/main.lua")
        #expect(refused.findings.first?.message.contains("leads out of the project") == true)
        try point(to: "../lib/linked.lua")
        #expect(try await scripts.load("flows/main.lua").findings.count == 1, "no mark says that lib is of the project")
        try scripts.write(".luarc.json", "{}")
        #expect(try await scripts.load("flows/main.lua").findings.isEmpty)
    }
}
