import CLuaBridge
import FlatValue
import LuaRuntime
import Synchronization
import Testing
import WorkflowCore

/// Code that never ends by itself: the body of a handler each.
private let endless = [
    "while true do end",
    "for i = 1, math.huge do end",
    "goto again ::again:: goto again",
    "local function f() return f() end f()",
    "while true do pcall(error) end",
    "local function f() pcall(f) end while true do f() end",
    "while true do xpcall(error, function() while true do end end) end",
    "xpcall(error, function() xpcall(error, function() while true do end end) end) while true do end",
    "coroutine.wrap(function() while true do end end)()",
    "while true do pcall(coroutine.wrap(function() while true do end end)) end",
    "local function nest(n) if n == 0 then while true do end end coroutine.wrap(nest)(n - 1) end nest(30)",
    "table.sort({ 3, 2, 1 }, function() while true do pcall(function() while true do end end) end end)",
    "('aa'):gsub('a', function() while true do end end)",
    "local t = setmetatable({}, { __index = function() while true do end end }) return t.x",
    "tostring(setmetatable({}, { __tostring = function() while true do end end }))",
    "load('while true do end')()",
    "local x <close> = setmetatable({}, { __close = function() while true do end end }) error('x')",
    "local co = coroutine.create(function() local x <close> = setmetatable({}, { __close = function() while true do end end })"
        + " coroutine.yield() end) coroutine.resume(co) coroutine.close(co)",
    "test.all { function() while true do end end, function() while true do end end }",
    "return ('a'):rep(40):find(('a-'):rep(20) .. 'b')",
    "return ('a'):rep(100000):gsub(('a*'):rep(10) .. 'b', '')",
    "for _ in ('a'):rep(40):gmatch(('a?'):rep(20) .. ('a-'):rep(20) .. 'b') do end",
    "return (''):rep(1 << 60, '') and ('a'):rep(40):match(('a-'):rep(20) .. 'b')",
    "table.move({}, 1, math.maxinteger - 1, 2)",
    "table.remove(setmetatable({}, { __len = function() return 1 << 60 end }), 1)",
    "table.insert(setmetatable({}, { __len = function() return 1 << 60 end }), 1, 2)",
    "table.concat(setmetatable({}, { __len = function() return 1 << 60 end, __index = function() return '' end }))",
    "table.sort(setmetatable({}, { __len = function() return 1 << 30 end }), rawequal)",
    "local t = {} for _ = 1, 1900 do t = setmetatable({}, { __index = t }) end return select('#', table.unpack(t, 1, 900000))",
    "return string.format('%q', ('\\0'):rep(60 << 20))",
    many("a") + "return string.format(('%.1s'):rep(#t), table.unpack(t))",
    many("a") + "local x = setmetatable({}, { __tostring = function() return s end }) for i = 1, #t do t[i] = x end"
        + " return string.format(('%.1s'):rep(#t), table.unpack(t))",
    many("0") + "return string.format(('%d'):rep(#t), table.unpack(t))",
    many("0") + "return string.char(table.unpack(t))",
    many("0") + "return utf8.char(table.unpack(t))",
    many("0") + "return string.pack(('b'):rep(#t), table.unpack(t))",
    many("0") + "return math.max(table.unpack(t)), math.min(table.unpack(t))",
    many("0") + "table.sort(t)",
]

/// Makes a list `t` of many long texts.
private func many(_ byte: String) -> String {
    "local s, t = ('\(byte)'):rep(16 << 20) .. '1', {} for i = 1, 20000 do t[i] = s end "
}

/// Code whose to-be-closed variables never end.
private let endlessClose = [
    "local x <close> = setmetatable({}, { __close = function() while true do end end }) while true do end",
    "local x <close> = setmetatable({}, { __close = function() while true do pcall(error) end end }) while true do end",
    "coroutine.wrap(function() local x <close> = setmetatable({}, { __close = function() while true do end end })"
        + " while true do end end)()",
]

/// What stops a loop: a quarter of a second, of which a busy machine may take its part.
private let prompt = Duration.milliseconds(250)

@Suite(.serialized) struct InterruptTests {
    @Test(arguments: endless + endlessClose)
    func `an endless handler is stopped when its run is cancelled`(_ body: String) async throws {
        try await onWorkerThread {
            let test = try TestVM()
            let slot = try test.function("local test = require 'test'; return function() \(body) end")
            // On a busy machine the worker may have to wait for a processor: once in three tries is proof enough.
            var fastest = Duration.seconds(10)
            for _ in 0..<3 where fastest >= prompt {
                let (outcome, took) = test.interrupted { test.call(slot) }
                #expect(outcome.isCancelled, "\(outcome)")
                #expect(outcome.error?.code == "cancelled")
                #expect(outcome.error?.traceback?.contains("script.lua") == true || body.contains("load"))
                fastest = min(fastest, took)
            }
            #expect(fastest < prompt)
            // The VM is as good as new.
            #expect(try test.run("return 1 + 1").value == 2)
        }
    }

    @Test(arguments: endless.prefix(8))
    func `an endless handler is stopped at its deadline`(_ body: String) async throws {
        try await onWorkerThread {
            let test = try TestVM()
            let slot = try test.function("local test = require 'test'; return function() \(body) end")
            let clock = ContinuousClock()
            let start = clock.now
            lb_watch_begin(test.vm.handle, 9)
            lb_watch_deadline(test.vm.handle, monotonicNow() + 30_000_000)
            let outcome = test.call(slot)
            lb_watch_end(test.vm.handle)
            #expect(outcome.isCancelled, "\(outcome)")
            #expect(outcome.error?.code == "timeout")
            #expect(start.duration(to: clock.now) < prompt)
        }
    }

    @Test(arguments: endless.prefix(7))
    func `a loop at a script's top level is stopped`(_ body: String) async throws {
        try await onWorkerThread {
            let test = try TestVM()
            let (outcome, took) = test.interrupted { test.load(body) }
            #expect(outcome.isCancelled, "\(outcome)")
            #expect(took < prompt)
        }
    }

    @Test func `a module's endless top level is stopped`() async throws {
        try await onWorkerThread {
            let test = try TestVM()
            test.host.modules["endless"] = "while true do end"
            let (outcome, _) = test.interrupted { test.load("require 'endless'") }
            #expect(outcome.isCancelled)
            #expect(test.load("return function() end").value != nil)
        }
    }

    @Test func `only the run that is meant is stopped`() async throws {
        try await onWorkerThread {
            let test = try TestVM()
            let slot = try test.function(
                "return function() local s = 0; for i = 1, 1000 do s = s + i end; return s end")
            lb_watch_begin(test.vm.handle, 3)
            #expect(!test.vm.interrupter.interrupt(token: 4))
            #expect(test.call(slot).value == 500_500)
            #expect(test.vm.interrupter.interrupt(token: 3))
            #expect(test.call(slot).isCancelled)
            lb_watch_begin(test.vm.handle, 5)
            #expect(test.call(slot).value == 500_500)
        }
    }

    @Test func `to-be-closed variables run when a suspended handler is cancelled`() async throws {
        try await onWorkerThread {
            let test = try TestVM()
            let waiting = try #require(
                try test.run(
                    """
                    local outer <close> = setmetatable({}, { __close = function() print('outer') end })
                    local generator = coroutine.wrap(function()
                      local inner <close> = setmetatable({}, { __close = function() print('inner') end })
                      test.wait(1)
                    end)
                    generator()
                    """
                ).waiting)
            let error = test.close(waiting)
            #expect(error.code == "cancelled")
            #expect(error.traceback?.contains("script.lua:4") == true)
            #expect(test.host.printed == ["inner", "outer"])
        }
    }

    @Test func `a closing that never ends is stopped after its grace`() async throws {
        try await onWorkerThread {
            let test = try TestVM()
            let waiting = try #require(
                try test.run(
                    "local x <close> = setmetatable({}, { __close = function() while true do pcall(error) end end }) test.wait(1)"
                ).waiting)
            let start = ContinuousClock.now
            _ = test.close(waiting)
            #expect(start.duration(to: .now) < prompt)
            #expect(try test.run("return 1").value == 1)
        }
    }

    @Test func `waiting for the host while being closed is an error and not a hang`() async throws {
        try await onWorkerThread {
            let test = try TestVM()
            let waiting = try #require(
                try test.run(
                    """
                    local x <close> = setmetatable({}, { __close = function()
                      local ok, e = pcall(test.wait, 2)
                      print(e.message)
                      print(select(2, pcall(coroutine.yield)))
                    end })
                    test.wait(1)
                    """
                ).waiting)
            _ = test.close(waiting)
            #expect(test.host.printed.count == 2)
            #expect(test.host.printed.first?.contains("a __close metamethod") == true)
        }
    }
}
