import FlatValue
internal import LuaWorkflows
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

/// What a message says besides where a script shows the habits of another language.
@Suite("Hints")
struct HintTests {
    @Test(
        arguments: [
            ("if input.x != 1 then return 1 end", "Lua writes ~="),
            ("if input.x <> 1 then return 1 end", "Lua writes ~="),
            ("if input.x === 1 then return 1 end", "Lua writes =="),
            ("if input.x = 1 then return 1 end", "Lua compares with =="),
            ("if !input.x then return 1 end", "Lua writes not"), ("return a && b", "Lua writes and"),
            ("return a || b", "Lua writes or"), ("local f = (x) => x", "function(x)"), ("i += 1", "x = x + …"),
            ("i++", "x = x + 1"), ("return x ? 1 : 2", "condition and x or y"), ("return x ?? 2", "write x or y"),
            ("return x?.y", "x and x.y"), ("return `hi ${x}`", "joins texts"), ("const x = 1", "local"),
            ("let x = 1", "local"), ("var x = 1", "local"), ("try {", "pcall"), ("throw new Error('x')", "error(…)"),
            ("// a comment", "begin with --"), ("/* a comment */", "begin with --"),
            ("return 1 // a b", "begin with --"),
            ("local f = async function() end", "no async"), ("local r = await 'x' 'y' z", "no await"),
            ("switch (x) {", "no switch"), ("for (let i = 0; i < 3; i++) {", "for i = 1, 10"),
            ("function f(x) { return x }", "without braces"), ("if (x) { return 1 }", "without braces"),
            ("return { a: 1 }", "name = value"), ("return { \"a\": 1 }", "name = value"), ("return [1, 2]", "{ 1, 2 }"),
            ("return { ...input }", "no spread"), ("return 2 ** 3", "writes ^"), ("import x from 'y'", "require"),
            ("export default 1", "returns its table"), ("class Foo {", "no classes"), ("return new Foo", "no new"),
            ("if typeof x == 'table' then end", "type(x)"), ("if x is nil then end", "compares with =="),
            ("for i = 1, 3 do if i == 2 then continue end end", "goto continue"),
            ("local f = lambda x: x", "function(x)"),
            ("aikit.http.get('x'):then(print)", "results come at once"), ("return 1 end", "an end too many"),
            ("return { a = 1\n b = 2 }", "a comma may be missing"),
            ("if input.x then\n return 1", "an end may be missing"),
            ("if a then return 1\n else if b then return 2 end", "write elseif"),
            ("if not x:\n return 1", "without colons"),
        ])
    func `a line that is no Lua says what Lua has instead`(body: String, remedy: String) async throws {
        let scripts = try Scripts(["main.lua": oneStep(body)])
        let error = await #expect(throws: ScriptError.self) { try await scripts.load() }
        #expect(error?.description.contains(remedy) == true, "\(error?.description ?? "no error")")
    }

    @Test(arguments: ["return 1 +", "local x = = 1", "goto", "return 'a' 'b' -- != && ||", "x = \"!= && || =>\" +"])
    func `a line that shows no habit gets no hint`(body: String) async throws {
        let scripts = try Scripts(["main.lua": oneStep("if input then\n" + body + "\nend")])
        let error = await #expect(throws: ScriptError.self) { try await scripts.load() }
        #expect(error?.description.contains(";") == false, "\(error?.description ?? "no error")")
    }

    @Test(
        arguments: [
            ("local list = {} list.push(1)", "list[#list + 1] = value"), ("return input.list:map(print)", "ipairs"),
            ("return os.getenv('X')", "aikit.env.get"), ("return (input.name or 'a'):split(',')", "gmatch"),
            ("return 'a' + 'b'", "joins texts with .."), ("for x in { 1 } do end", "ipairs(list)"),
            ("return input.toString()", "tostring"), ("return ('x'):trim()", "match"),
        ])
    func `an error of a step says what Lua has instead`(body: String, remedy: String) async throws {
        let scripts = try Scripts(["main.lua": oneStep(body)])
        let run = try await scripts.engine.createRun(scripts.load().workflows[0]).run(input: ["list": [1]])
        let message = run.result().error?["message"]?.string
        #expect(message?.contains("; ") == true && message?.contains(remedy) == true, "\(message ?? "no error")")
    }

    @Test(
        arguments: [
            (
                "local t = setmetatable({ a = 1 }, { __tostring = function(e) return 'a is ' .. e.a end }) error(t)",
                "a is 1"
            ),
            ("error(setmetatable({ code = 'E' }, { __tostring = function() return 'own' end }))", "own"),
            ("error(setmetatable({}, { __tostring = function() error 'x' end }))", "has no message"),
            ("local t = { string.rep } return (pcall(t[1])) or select(2, pcall(t[1]))", "'string.rep'"),
        ])
    func `an error keeps its text`(body: String, text: String) async throws {
        let scripts = try Scripts(["main.lua": oneStep(body)])
        let result = try await scripts.engine.createRun(scripts.load().workflows[0]).run().result()
        let message = result.error?["message"]?.string ?? result.result?.string
        #expect(message?.contains(text) == true, "\(message ?? "nothing")")
    }

    @Test func `a key that is wrong is told at its own line`() async throws {
        let scripts = try Scripts([
            "main.lua": """
            local aikit = require "aikit"
            return aikit.workflow {
                id = "w",
                input_shema = {},
              }
              :step {
                id = "a",
                handler = print,
                retry = {
                  max_attempts = 3,
                  bakoff = "exponential",
                },
              }
              :branch {
                id = "b",
                resolve = print,
                cases = {
                  x = { { id = "c", handler = print } },
                  y = print,
                },
              }
              :commit()
            """
        ])
        let error = await #expect(throws: ScriptError.self) { try await scripts.load() }
        let places = (error?.diagnostics ?? []).map { "\($0.path ?? ""):\($0.line ?? 0)" }
        #expect(places == ["input_shema:4", "a.retry.bakoff:11", "b.cases.y:19"])
    }

    @Test func `a module that does not compile is told at its own line`() async throws {
        let scripts = try Scripts([
            "main.lua": "local part = require 'part'\n" + oneStep("return part"), "part.lua": "local x\nx != 1",
        ])
        let error = await #expect(throws: ScriptError.self) { try await scripts.load() }
        let first = error?.diagnostics.first
        #expect(first?.code == "syntax")
        #expect(first?.file?.hasSuffix("part.lua") == true)
        #expect(first?.line == 2)
        #expect(first?.excerpt == "x != 1")
        #expect(first?.related?.hasSuffix("main.lua:1") == true)
        #expect(first?.message.contains("Lua writes ~=") == true)
    }

    @Test(
        arguments: [
            ("aikit:workflow { id = 'w' }", "with a dot"), ("aikit:step { id = 'a' }", "with a dot"),
            ("aikit.createStep {}", "write aikit.step"), ("aikit.schema.int()", "write aikit.schema.integer"),
            ("aikit.fail { msg = 'x' }", "known are code, message"),
        ])
    func `a call of the library that is wrong says how it is right`(line: String, remedy: String) async throws {
        let scripts = try Scripts(["main.lua": "local aikit = require 'aikit'\n" + line])
        let error = await #expect(throws: ScriptError.self) { try await scripts.load() }
        #expect(error?.description.contains(remedy) == true, "\(error?.description ?? "no error")")
    }
}
