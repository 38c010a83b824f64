import FlatValue
import LuaRuntime
import Testing
import WorkflowCore

@Suite struct RequestTests {
    @Test(
        arguments: [
            ("table.sort({ 2, 1 }, function() test.wait(1) end)", "a comparator of table.sort"),
            ("('a'):gsub('a', function() test.wait(1) end)", "a replacement function of string.gsub"),
            ("tostring(setmetatable({}, { __tostring = function() test.wait(1) end }))", "a __tostring metamethod"),
            ("print(setmetatable({}, { __tostring = function() test.wait(1) end }))", "a __tostring metamethod"),
            (
                "xpcall(error, function() test.wait(1) end); local ok, e = xpcall(error, function() return select(2, pcall(test.wait, 1)) end); error(e)",
                "a message handler of xpcall"
            ),
            ("require 'waits'", "the top level of a module"),
            ("error((select(2, load(function() test.wait(1) end))))", "a reader function of load"),
            ("table.sort({ 2, 1 }, coroutine.wrap(function() test.wait(1) end))", "a comparator of table.sort"),
        ])
    func `waiting where it is impossible names the place`(_ body: String, _ place: String) async throws {
        try await onWorkerThread {
            let test = try TestVM()
            test.host.modules["waits"] = "require('test').wait(1)"
            let error = try test.run(body).error
            #expect(error?.code == "cannot_wait", "\(String(describing: error))")
            #expect(error?.message == "'wait' has to wait for the host, which is impossible inside \(place)")
        }
    }

    @Test func `waiting is possible in pcall, metamethods of the language, iterators and nested coroutines`()
        async throws
    {
        try await onWorkerThread {
            let test = try TestVM()
            var outcome = try test.run(
                """
                local t = setmetatable({}, { __index = function(_, k) return test.wait(k) end })
                local sum = t.one
                local ok, v = pcall(test.wait, "two")
                sum = sum + v
                for x in function(_, last) if not last then return test.wait("three") end end do sum = sum + x end
                sum = sum + coroutine.wrap(function() return coroutine.wrap(function() return test.wait("four") end)() end)()
                local ok, x = xpcall(function() return test.wait("five") end, print)
                return sum + x
                """)
            for word in ["one", "two", "three", "four", "five"] {
                let waiting = try #require(outcome.waiting, "\(outcome)")
                #expect(waiting.requests.first?.payload == Value(word))
                outcome = test.answer(waiting, 10)
            }
            #expect(outcome.value == 50)
        }
    }

    @Test func `all asks for everything at once and takes the answers in any order`() async throws {
        try await onWorkerThread {
            let test = try TestVM()
            let first = try #require(
                try test.run(
                    "return test.all { function() return test.wait('a') end, function() return test.wait('b') .. test.wait('c') end, function() return 'd' end }"
                ).waiting)
            #expect(first.requests.map(\.payload) == ["a", "b"])
            let second = try #require(test.answer(first, token: first.requests[1].token, "B").waiting)
            #expect(second.requests.map(\.payload) == ["c"])
            let third = try #require(test.answer(second, token: second.requests[0].token, "C").waiting)
            #expect(third.requests.isEmpty)
            #expect(test.answer(third, token: first.requests[0].token, "A").value == ["A", "BC", "d"])
        }
    }

    @Test func `the first failure of all ends its siblings and gives up their requests`() async throws {
        try await onWorkerThread {
            let test = try TestVM()
            let first = try #require(
                try test.run(
                    """
                    local ok, e = pcall(test.all, {
                      function()
                        local x <close> = setmetatable({}, { __close = function() print('closed') end })
                        test.wait('slow')
                      end,
                      function() test.wait('fast'); error('boom', 0) end,
                    })
                    test.wait('after')
                    return e
                    """
                ).waiting)
            let after = try #require(test.answer(first, token: first.requests[1].token, .null).waiting)
            #expect(test.host.printed == ["closed"])
            #expect(after.abandoned == [first.requests[0].token])
            #expect(after.requests.map(\.payload) == ["after"])
            // A late answer is for nobody.
            #expect(test.answer(after, token: first.requests[0].token, 1).waiting?.requests.isEmpty == true)
            #expect(test.answer(after, .null).value == "boom")
        }
    }

    @Test func `all may stand inside all and inside generators`() async throws {
        try await onWorkerThread {
            let test = try TestVM()
            var outcome = try test.run(
                """
                local function both(a, b) return test.all { function() return test.wait(a) end, function() return test.wait(b) end } end
                local r = test.all { function() return both(1, 2) end, function()
                  for v in coroutine.wrap(function() coroutine.yield(both(3, 4)) end) do return v end
                end }
                return { r[1][1], r[1][2], r[2][1], r[2][2] }
                """)
            var asked: [TestVM.Request] = []
            while let waiting = outcome.waiting {
                asked += waiting.requests
                let next = asked.removeLast()
                outcome = test.answer(waiting, token: next.token, Value((next.payload.int ?? 0) * 10))
            }
            #expect(outcome.value == [10, 20, 30, 40])
        }
    }

    @Test func `nobody else can resume or close a coroutine that waits for the host`() async throws {
        try await onWorkerThread {
            let test = try TestVM()
            let waiting = try #require(
                try test.run(
                    """
                    local co
                    local r = test.all {
                      function() co = coroutine.create(function() return test.wait(1) end); return select(2, coroutine.resume(co)) end,
                      function() return { coroutine.status(co), (coroutine.resume(co)), (pcall(coroutine.close, co)) } end,
                    }
                    return { r[1], r[2][1], r[2][2], r[2][3] }
                    """
                ).waiting)
            #expect(test.answer(waiting, 7).value == [7, "normal", false, false])
        }
    }

    @Test func `a coroutine that resumes itself or has ended says which`() async throws {
        try await onWorkerThread {
            let test = try TestVM()
            let value = try test.run(
                """
                local itself; itself = coroutine.create(function() return select(2, coroutine.resume(itself)) end)
                local _, first = coroutine.resume(itself)
                return { first, select(2, coroutine.resume(itself)), (select(2, coroutine.running())) }
                """
            ).value
            #expect(value == ["cannot resume non-suspended coroutine", "cannot resume dead coroutine", true])
        }
    }

    @Test func `a thousand host errors leak nothing`() async throws {
        try await onWorkerThread {
            let test = try TestVM()
            let sync = try test.function(
                "local test = require 'test'; return function() test.sync('refuse', { 1 }) end")
            let wait = try test.function("local test = require 'test'; return function() test.wait({ 1 }) end")
            let error: Value = ["code": "down", "message": "down", "details": ["a": [1, 2]]]
            func round() throws {
                #expect(test.call(sync).error?.code == "refused")
                #expect(test.answer(try #require(test.call(wait).waiting), error, ok: false).error?.code == "down")
            }
            for _ in 0..<100 { try round() }
            test.vm.collectGarbage()
            let before = test.vm.memoryUsed
            for _ in 0..<1000 { try round() }
            test.vm.collectGarbage()
            #expect(test.vm.memoryUsed <= before + 1024)
        }
    }
}
