import FlatValue
import Testing
import WorkflowCore

@testable import LuaAnalysis

@Suite struct `Looking at the source of a script` {
    private func unit(_ source: String) throws -> LuaUnit { try #require(LuaParser.unit(of: Array(source.utf8))) }

    private func globals(_ source: String) throws -> [String] { try unit(source).globals.map(\.name) }

    private func shape(_ callback: String, before: String = "") throws -> CallbackShape? {
        var shapes = CallbackShapes()
        try unit("\(before)\nnode { id = \"n\", resolve = \(callback) }").addShapes(to: &shapes)
        return shapes["n", "resolve"]
    }

    @Test func `names are global where no local is seen`() throws {
        #expect(try globals("local a = a; a = b.c") == ["a", "b"])
        #expect(try globals("do local x = 1 end return x") == ["x"])
        #expect(try globals("for i = 1, n do print(i) end") == ["n", "print"])
        #expect(try globals("for k, v in pairs(t) do k(v) end k()") == ["pairs", "t", "k"])
        #expect(try globals("local function f(a, ...) return f(a, g) end") == ["g"])
        #expect(try globals("local f = function() return f end") == ["f"])
        #expect(try globals("repeat local done = check() until done") == ["check"])
        #expect(try globals("function t.a.b:m(x) return self, x end") == ["t"])
        #expect(try globals("return { name = value, [key] = 1, 'text' }") == ["value", "key"])
        #expect(try globals("goto over ::over:: local x <const>, y <close> = 1, nil; return x, y").isEmpty)
        #expect(try globals("return 0x1p-2 + 3e+4 .. [==[ ]] name ]==] --[[ other ]] -- rest").isEmpty)
    }

    @Test func `what is no Lua is not looked at`() throws {
        #expect(LuaParser.unit(of: Array("local = 3".utf8)) == nil)
        #expect(LuaParser.unit(of: Array("return [[ without an end".utf8)) == nil)
        #expect(LuaParser.unit(of: Array(String(repeating: "(", count: 100_000).utf8)) == nil)
    }

    @Test func `modules are seen by their fixed names, and whether their absence may be expected`() throws {
        let modules = try unit(
            "local a = require 'a'; local b = require('b.c'); pcall(function() require 'd' end); require(name)"
        ).modules
        #expect(modules.map(\.name) == ["a", "b.c", "d"])
        #expect(modules.map(\.isGuarded) == [false, false, true])
    }

    @Test func `modules are seen by names that a local holds, and as arguments of pcall`() throws {
        let modules = try unit("local name = 'a'; require(name); pcall(require, 'b')").modules
        #expect(modules.map(\.name) == ["a", "b"] && modules.map(\.isGuarded) == [false, true])
    }

    @Test func `a computed name of a module is seen in callbacks, which run after the script is loaded`() throws {
        let computed = try unit(
            """
            require(first)
            local function find(name) return require(name) end
            step {
              handler = function(input)
                return require("h_" .. input.kind), pcall(require, input.kind)
              end,
              load = function(name) return require(name) end,
            }
            """
        ).computedModules
        #expect(computed.map(\.line) == [5, 5] && computed.map(\.isGuarded) == [false, true])
    }

    @Test func `a resolve that names what it gives is known`() throws {
        #expect(try shape("function(w) return w.wind > 90 and 'storm' or 'calm' end") == .choices(["storm", "calm"]))
        #expect(try shape("function(w) if w.a then return 'x' end end") == .choices([.null, "x"]))
        #expect(try shape("function(w) if w then return 1 else return 2 end end") == .choices([1, 2]))
        #expect(try shape("pick", before: "local function pick() return 'x' end") == .choices(["x"]))
        #expect(try shape("function(w) local name = 'x' return name end") == .choices(["x"]))
        #expect(try shape("function(w) return w.order.kind end") == .field(["order", "kind"]))
    }

    @Test func `what may give something else is not known`() throws {
        #expect(try shape("function(w) return kind_of(w) end") == nil)
        #expect(try shape("function(w) w = other(w) return w.kind end") == nil)
        #expect(try shape("function(w) local name = 'x' name = w.y return name end") == nil)
        #expect(try shape("function(w) return w.kind or 'x' end") == nil)
        #expect(try shape("pick", before: "local pick = function() return 'x' end pick = nil") == nil)
        #expect(try shape("function() return 'x' end", before: "t.resolve = other") == nil)
        #expect(try shape("function() return 'x' end", before: "f { id = 'n', resolve = g }") == nil)
    }

    @Test func `a node in a chain is found by its id`() throws {
        let source = """
            return workflow { id = "w" }
              :step { id = "a", handler = f }
              :step {
                handler = function() end,
                id = "b",
              }
            """
        #expect(try unit(source).line(ofID: "a", near: 1) == 2)
        #expect(try unit(source).line(ofID: "b", near: 1) == 5)
        #expect(try unit(source).line(ofID: "b", near: 4) == 5)
        #expect(try unit(source).line(ofID: "c", near: 1) == nil)
        let twins = try unit("f { id = 'a' }\ng { id = 'a' }")
        #expect(twins.line(ofID: "a", near: 1, taken: [1]) == 1, "the table is around that line")
        #expect(twins.line(ofID: "a", near: 0) == 1 && twins.line(ofID: "a", near: 0, taken: [1]) == 2)
    }

    @Test func `source of any length is followed in bounded depth`() throws {
        func many(_ part: String) -> String { String(repeating: part, count: 30_000) }
        for text in [
            "return a\(many(".a"))", "return a\(many("()"))", "return 1\(many(" + 1"))", "return a\(many(" and a"))",
            "if a then\(many(" elseif a then"))\nend", "return a\(many("['a']"))", "a\(many(":b()"))",
        ] { #expect(LuaParser.unit(of: Array(text.utf8)) != nil, "\(text.prefix(20))") }
        let chain = (1...150).map { "local a\($0) = a\($0 - 1) or a\($0 - 1)" }.joined(separator: "\n")
        #expect(try shape("function() return a150 end", before: "local a0 = 'x'\n\(chain)") == nil)
    }

    @Test func `escapes in texts are what Lua makes of them`() throws {
        #expect(try shape(#"function() return "caf\195\169" end"#) == .choices(["café"]))
        #expect(try shape(#"function() return "\x41\u{e9}\65b\z   c\"" end"#) == .choices(["AéAbc\""]))
        #expect(try shape(#"function() return '\u{1F600}\0651' end"#) == .choices(["😀A1"]))
    }

    @Test func `names that nothing has are told up to a bound`() throws {
        let names = (0..<5000).map { "name\($0)()" }.joined(separator: "\n")
        let findings = try unit(names).undefinedGlobals(in: "x.lua")
        #expect(findings.count == 101)
        #expect(findings.last?.message == "and 4900 more names that nothing has")
        let long = try unit(String(repeating: "n", count: 60_000) + "()").undefinedGlobals(in: "x.lua")
        #expect(long.count == 1 && long[0].message.utf8.count < 200)
    }
}
