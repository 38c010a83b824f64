import CLuaBridge
import FlatValue
import LuaRuntime
import Testing
import WorkflowCore

@Suite struct LimitTests {
    @Test(
        arguments: [
            "local t = {}; for i = 1, 1e9 do t[i] = { i } end",
            "local s = 'x'; while true do s = s .. s end",
            "return ('x'):rep(1 << 40)",
            "local t = {}; while true do t[#t + 1] = coroutine.create(function() end) end",
        ])
    func `running out of memory is an error of the step and the VM goes on`(_ body: String) async throws {
        try await onWorkerThread {
            let test = try TestVM(memoryLimit: 16 << 20)
            let error = try test.run(body).error
            #expect(error?.code == "out_of_memory" || error?.message.contains("resulting string too large") == true)
            test.vm.collectGarbage()
            #expect(try test.run("return #(('x'):rep(1000))").value == 1000)
            #expect(test.vm.memoryUsed < 1 << 20)
        }
    }

    @Test func `memory that was left is there for blocks of other sizes, within the limit`() async throws {
        try await onWorkerThread {
            let source = """
                for size = 1, 6 do
                  local kept = {}
                  for i = 1, 150000 do kept[i] = ("x"):rep(24 + size * 16) .. i end
                end
                return 1
                """
            let outcome = try TestVM(memoryLimit: 48 << 20).run(source)
            #expect(outcome.value == 1)
        }
    }

    @Test(
        arguments: [
            "local function f() return 1 + f() end f()",
            "local function f() local s = ('x'):gsub('.', f) end f()",
            "local t = setmetatable({}, {}); getmetatable(t).__index = function(t, k) return t[k .. 'x'] end; return t.x",
            "local function f() return coroutine.wrap(f)() end f()",
            "local function f() local ok, e = pcall(f); error(e, 0) end f()",
            "local function f() test.sync('echo', 1); table.sort({ 2, 1 }, function() f() end) end f()",
            "local t = setmetatable({}, {}); getmetatable(t).__concat = function(a, b) return 1 + #tostring(a) end; return (t .. t) + nil",
            "local s = ('('):rep(100000); assert(load('return ' .. s))",
            "return tostring(setmetatable({}, { __tostring = function(t) return tostring(t) end }))",
            "local function f(n) return n == 0 and error('deep') or 1 + f(n - 1) end f(150000)",
            "error(('a'):rep(1000):match(('(.-)'):rep(40)))",
            "error(('a'):match(('a?'):rep(300)))",
        ])
    func `deep recursion is an error and not a crash`(_ body: String) async throws {
        try await onWorkerThread {
            let test = try TestVM(memoryLimit: 256 << 20)
            #expect(try test.run(body).error != nil)
            #expect(try test.run("return 1").value == 1)
        }
    }

    @Test func `closing thousands of coroutines inside each other is an error and not a crash`() async throws {
        try await onWorkerThread {
            let test = try TestVM()
            let outcome = try test.run(
                """
                local last
                for i = 1, 20000 do
                  local inner = last
                  last = coroutine.create(function()
                    local x <close> = setmetatable({}, { __close = function() if inner then coroutine.close(inner) end end })
                    coroutine.yield()
                  end)
                  coroutine.resume(last)
                end
                return coroutine.close(last)
                """)
            #expect(outcome.value?.bool != nil || outcome.error != nil)
            #expect(try test.run("return 1").value == 1)
        }
    }

    @Test func `finished coroutines are used again and suspended ones stay small`() async throws {
        try await onWorkerThread {
            let test = try TestVM()
            let slot = try test.function("local test = require 'test'; return function() return test.wait(1) end")
            for _ in 0..<100 { _ = test.answer(try #require(test.call(slot).waiting), 1) }
            test.vm.collectGarbage()
            let before = test.vm.memoryUsed
            let parked = try (0..<1000).map { _ in try #require(test.call(slot).waiting) }
            let each = (test.vm.memoryUsed - before) / 1000
            #expect(each <= 1300)
            for waiting in parked { #expect(test.answer(waiting, 2).value == 2) }
            test.vm.collectGarbage()
            #expect(test.vm.memoryUsed <= before + 20_000)
        }
    }

    @Test func `a VM that is dropped gives every byte back`() async throws {
        try await onWorkerThread {
            var config = lb_config()
            let vm = try #require(lb_vm_create(&config))
            #expect(lb_vm_memory_used(vm) > 0)
            #expect(lb_vm_destroy(vm) == 0)
        }
    }
}
