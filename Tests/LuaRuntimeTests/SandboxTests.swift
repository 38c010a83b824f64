import FlatValue
import LuaRuntime
import Testing
import WorkflowCore

@Suite struct SandboxTests {
    @Test(arguments: [
        ("string.upper = nil", "string.upper cannot be assigned: the libraries are read-only"),
        ("os.now = 1", "os.now cannot be assigned: the libraries are read-only"),
        ("print = nil", "the global 'print' cannot be assigned: use \"local\" for a name of your own"),
        ("_G.table = {}", "the global 'table' cannot be assigned: use \"local\" for a name of your own"),
        ("nothing = 1", "assignment to undeclared global 'nothing' (use \"local\")"),
        ("rawset(math, 'pi', 3)", "rawset cannot change what is read-only"),
        ("rawset(_G, 'print', 3)", "rawset cannot change what is read-only"),
        ("setmetatable(coroutine, {})", "cannot change a protected metatable"),
        ("setmetatable(_G, {})", "cannot change a protected metatable"),
        ("table.insert(utf8, 1)", "utf8.1 cannot be assigned: the libraries are read-only"),
        ("local _ENV = _G; pairs = 1", "the global 'pairs' cannot be assigned: use \"local\" for a name of your own"),
    ])
    func `one run does not change what another sees`(code: String, refusal: String) async throws {
        try await onWorkerThread {
            let test = try TestVM()
            let message = try test.run("local ok, why = pcall(function() \(code) end) return why").value?.string
            #expect(message?.hasSuffix(refusal) == true, "\(message ?? "nothing was refused")")
            #expect(
                try test.run("return { ('x'):upper(), math.pi > 3, type(print), type(table.concat), type(pairs) }")
                    .value
                    == ["X", true, "function", "function", "function"])
        }
    }

    /// Code of the library, which has faults of its own and calls the script back.
    private static let library = """
        local library = load([[
          local callback = ...
          return {
            find = function(pattern) return ("x"):find(pattern) end,
            call = function() return callback() end,
            index = function(value) return value.field end,
          }
        ]], "=[aikit inner]")(function() error("my own") end)

        """

    @Test(arguments: [
        ("return select(2, pcall(library.find, '%'))", "script.lua:9: malformed pattern (ends with '%')"),
        (
            "return select(2, pcall(function() library.find('%') end))",
            "script.lua:9: malformed pattern (ends with '%')"
        ),
        (
            "return select(2, xpcall(function() library.find('%') end, function(why) return why end))",
            "script.lua:9: malformed pattern (ends with '%')"
        ),
        (
            "return select(2, coroutine.resume(coroutine.create(function() library.find('%') end)))",
            "script.lua:9: malformed pattern (ends with '%')"
        ),
        (
            "return select(2, pcall(coroutine.wrap(function() library.find('%') end)))",
            "script.lua:9: malformed pattern (ends with '%')"
        ),
        (
            "return select(2, pcall(function() library.index() end))",
            "script.lua:9: attempt to index a nil value (local 'value')"
        ),
        ("return select(2, pcall(library.call))", "script.lua:8: my own"),
        ("return select(2, pcall(error, '[aikit'))", "[aikit"),
        ("return select(2, pcall(error, '[aikit inner]:x', 0))", "[aikit inner]:x"),
    ])
    func `a script that catches an error sees its own line, never one of the library`(
        code: String, message: String
    ) async throws {
        try await onWorkerThread {
            let test = try TestVM()
            let value = try test.run(Self.library + code).value
            #expect(value?.string == message)
        }
    }

    @Test func `an error of the library that nobody catches names the line of the script`() async throws {
        try await onWorkerThread {
            let error = try TestVM().run(Self.library + "library.find('%')").error
            #expect(error?.message == "script.lua:9: malformed pattern (ends with '%')")
            #expect(error?.location == "script.lua:9")
        }
    }

    @Test func `next, rawget and rawlen see what a view shows`() async throws {
        try await onWorkerThread {
            let test = try TestVM()
            let value = try test.run(
                """
                local count = 0
                for name, value in next, string do
                  count = count + 1
                  assert(string[name] == value and rawget(string, name) == value)
                end
                local list = test.readonly { 1, 2, 3 }
                return { count > 10, rawget(_G, "jit") == nil, rawget(_G, "print") == print, rawlen(list), rawlen "four",
                  next(test.readonly {}) == nil, (next(list)), select("#", next({})), pcall(next, 1), (pcall(rawlen, 1)) }
                """
            ).value
            #expect(value == [true, true, true, 3, 4, true, 1, 1, false, false])
        }
    }

    @Test func `only the libraries of the allow-list are there`() async throws {
        try await onWorkerThread {
            let test = try TestVM()
            let names = try test.run(
                "local names = {}; for k in pairs(_G) do names[#names + 1] = k end; table.sort(names); return table.concat(names, ' ')"
            ).value?.string
            #expect(
                names
                    == "_G _VERSION assert collectgarbage coroutine error getmetatable ipairs load math next os pairs pcall print "
                    + "rawequal rawget rawlen rawset require select setmetatable string table tonumber tostring type utf8 xpcall"
            )
        }
    }

    @Test(
        arguments: [
            "io", "debug", "package", "dofile", "loadfile", "os.execute", "os.exit", "os.getenv", "os.remove",
            "os.tmpname",
            "os.setlocale", "string.dump", "math.randomseed", "warn",
        ])
    func `the dangerous half of the libraries is absent`(_ name: String) async throws {
        try await onWorkerThread {
            let test = try TestVM()
            #expect(
                try test.run("local ok, value = pcall(load('return \(name)')); return not ok or value == nil").value
                    == true)
        }
    }

    @Test(
        arguments: [
            ("return pritn", "script.lua:1: undefined global 'pritn' (did you mean 'print'?)"),
            ("return zzzzzz", "script.lua:1: undefined global 'zzzzzz'"),
            (
                "return io.open('x')",
                "script.lua:1: undefined global 'io'; write aikit.fs.read(path) or aikit.fs.write(path, text), "
                    + "and run with --allow-read or --allow-write"
            ),
            ("x = 1", "script.lua:1: assignment to undeclared global 'x' (use \"local\")"),
            (
                "setmetatable({}, { __gc = function() end })",
                "script.lua:1: __gc is not available: use a <close> variable instead"
            ),
            ("load(function() return '' end, 'x', 'b')", "script.lua:1: load reads text only"),
            (
                "collectgarbage('stop')",
                "script.lua:1: collectgarbage knows 'count' only: the host decides when to collect"
            ),
            ("('x').y.z = 1", "script.lua:1: attempt to index a nil value (field 'y')"),
        ])
    func `misuse is an error that says what to do`(_ body: String, _ message: String) async throws {
        try await onWorkerThread {
            let test = try TestVM()
            #expect(try test.run(body).error?.message == message)
        }
    }

    @Test func `the metatables of strings, arrays and coroutines cannot be reached`() async throws {
        try await onWorkerThread {
            let test = try TestVM()
            let source =
                "return { type(getmetatable('')), type(getmetatable(input)), type(getmetatable(coroutine.create(print))), "
                + "pcall(setmetatable, input, {}) }"
            let value = try test.run(source, [1]).value
            #expect(value?.array?.prefix(4).map { $0 } == ["string", "string", "string", false])
        }
    }

    @Test func `load gives a chunk the globals of the script and refuses bytecode`() async throws {
        try await onWorkerThread {
            let test = try TestVM()
            let error = try test.run("return load('return prnt')()").error
            #expect(error?.message.contains("did you mean 'print'?") == true)
            #expect(try test.run("return { load('return x', 'c', 't', { x = 5 })() }").value == [5])
            #expect(
                try test.run("local f, e = load('\\27Lua'); return { f == nil, type(e) }").value == [true, "string"])
            #expect(
                try test.run("local i = 0; return load(function() i = i + 1; return ({ 'return ', '42' })[i] end)()")
                    .value == 42)
        }
    }

    @Test func `each script has globals of its own`() async throws {
        try await onWorkerThread {
            let test = try TestVM()
            _ = test.load("print = nil")
            #expect(try test.run("return type(print)").value == "function")
        }
    }

    @Test func `print goes to the host`() async throws {
        try await onWorkerThread {
            let test = try TestVM()
            _ = try test.run("print('a', 1, nil, true)")
            #expect(test.host.printed == ["a\t1\tnil\ttrue"])
        }
    }

    @Test func `print shows what a table holds, bounded, and calls nothing of the script for that`() async throws {
        try await onWorkerThread {
            let test = try TestVM()
            _ = try test.run(
                """
                print({ 1, 2 }, { b = { "x", true }, a = 1.5, [3] = "q" }, {})
                local knot = { name = "k" }
                knot.me = knot
                print(knot, { print })
                print(setmetatable({ a = 1 }, { __index = error, __pairs = error, __len = error }))
                print(setmetatable({}, { __tostring = function() return "own" end }))
                local long = {}
                for i = 1, 1000 do long[i] = "text" .. i end
                print(long)
                print(string.rep("y", 5000))
                print({ string.rep("ü", 5000) })
                """)
            let printed = test.host.printed
            #expect(printed[0] == #"[1,2]\#t{"3":"q","a":1.5,"b":["x",true]}\#t{}"#)
            #expect(printed[1] == #"{"me":<itself>,"name":"k"}\#t[<function>]"#)
            #expect(printed[2] == #"{"a":1}"#)
            #expect(printed[3] == "own")
            #expect(printed[4].hasPrefix(#"["text1","text2","#) && printed[4].hasSuffix(#""text50",…]"#))
            #expect(printed[5].utf8.count == 5000)
            #expect(printed[6].utf8.count < 2100 && printed[6].hasSuffix("ü…"))
        }
    }

    @Test func `a syntax error has the code syntax and says where`() async throws {
        try await onWorkerThread {
            let test = try TestVM()
            let error = test.load("local x = = 1").error
            #expect(error?.code == "syntax")
            #expect(error?.message == "script.lua:1: unexpected symbol near '='")
        }
    }

    @Test func `modules are loaded once, and a cycle or a missing module says so`() async throws {
        try await onWorkerThread {
            let test = try TestVM()
            test.host.modules = [
                "counter": "print('loaded'); local n = 0; return { next = function() n = n + 1; return n end }",
                "a": "return require 'b'", "b": "return require 'c'", "c": "return require 'a'",
                "broken": "local x =", "raises": "error('no luck')",
            ]
            #expect(try test.run("return { require('counter').next(), require('counter').next() }").value == [1, 2])
            #expect(test.host.printed == ["loaded"])
            #expect(test.load("require 'a'").error?.message == "c.lua:1: module 'a' requires itself: a -> b -> c -> a")
            #expect(
                test.load("require 'nope'").error?.message
                    == "script.lua:1: module 'nope' not found: looked in test/nope.lua")
            #expect(
                test.load(#"require "nope\0b""#).error?.message
                    == "script.lua:1: the name of a module may not have a zero byte")
            #expect(test.load("require 'broken'").error?.message == "broken.lua:1: unexpected symbol near <eof>")
            #expect(test.load("require 'raises'").error?.message == "raises.lua:1: no luck")
            // A module that failed is tried again, and is not taken for a cycle.
            #expect(test.load("require 'raises'").error?.message == "raises.lua:1: no luck")
        }
    }

    @Test(
        arguments: [
            "pcall(pairs(test.readonly { a = 1 }), 'a short string', false)",
            "pcall(pairs(test.readonly { a = 1 }), 7)",
            "pcall(pairs(test.readonly { a = 1 }), print)", "pcall((pairs(test.readonly { a = 1 })))",
            "pcall(pairs(test.readonly { a = 1 }), { a = 1 })", "pcall(pairs(test.readonly { a = 1 }), test.null)",
            "pcall(rawset, test.readonly { a = 1 }, 'a', 2)", "pcall(table.insert, test.readonly { 1 }, 2)",
            "pcall(table.move, { 1, 2 }, 1, 2, 1, test.readonly { 1 })", "pcall(table.sort, test.readonly { 2, 1 })",
            "pcall(setmetatable, test.readonly { 1 }, {})",
            "pcall(rawset, setmetatable({}, test.bridge.protect {}), 1, 2)",
            "pcall(function() local x <close> = coroutine.create(print) end)",
        ])
    func `what is read-only stays so, and takes itself only`(_ attempt: String) async throws {
        try await onWorkerThread {
            let outcome = try TestVM().run("return (\(attempt))")
            #expect(outcome.value == false)
        }
    }

    @Test func `a view is iterated as a table is`() async throws {
        try await onWorkerThread {
            let source = """
                local sum, next_, view, first = 0, pairs(test.readonly { 1, 2, x = { y = 3 } })
                for key, value in next_, view, first do sum = sum + (type(value) == "table" and value.y or value) end
                return sum
                """
            let outcome = try TestVM().run(source)
            #expect(outcome.value == 6)
        }
    }

    @Test func `no text shows an address, and each object has a text of its own`() async throws {
        try await onWorkerThread {
            let source = """
                local a, b = {}, {}
                local co, named = coroutine.create(print), setmetatable({}, { __name = "thing" })
                local texts = { tostring(a), tostring(b), tostring(print), tostring(co), tostring(named),
                  ("%s %p"):format(a, a), ("%-20s|%p|%p"):format(print, 1, "x"), tostring(test.null) }
                local _, message = pcall(error, a)
                texts[#texts + 1] = tostring(message)
                assert(tostring(a) == tostring(a) and tostring(a) ~= tostring(b) and tostring(a):find "^table: %d+$")
                assert(tostring(named):find "^thing: %d+$" and ("%p"):format(1) == "(null)")
                return not table.concat(texts, " "):find "0x"
                """
            let outcome = try TestVM().run(source)
            #expect(outcome.value == true)
        }
    }

    @Test(
        arguments: [
            ("'10' + 1", 11), ("'3' * '4'", 12), ("-'2'", -2), ("10 // '3'", 3), ("'0x10' + 0", 16), ("'7' % 4", 3),
        ])
    func `strings that are numbers calculate`(_ expression: String, _ expected: Int) async throws {
        try await onWorkerThread {
            let outcome = try TestVM().run("return \(expression)")
            #expect(outcome.value?.int.map(Int.init) == expected)
        }
    }

    @Test func `a coroutine that is being stopped cannot be closed from inside`() async throws {
        try await onWorkerThread {
            let source = """
                local co
                co = coroutine.create(function()
                  local x <close> = setmetatable({}, { __close = function()
                    coroutine.wrap(function() print(coroutine.status(co), (pcall(coroutine.close, co))) end)()
                  end })
                  while true do end
                end)
                coroutine.resume(co)
                """
            let test = try TestVM()
            let slot = try test.function("return function() \(source) end")
            // The loop has begun by then on a busy machine, too.
            let (outcome, _) = test.interrupted(after: .milliseconds(500)) { test.call(slot) }
            #expect(outcome.isCancelled)
            #expect(test.host.printed == ["normal\tfalse"])
        }
    }
}
