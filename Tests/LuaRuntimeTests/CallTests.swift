import FlatValue
import LuaRuntime
import Testing
import WorkflowCore

@Suite struct CallTests {
    @Test func `a function gets its input and its result comes back`() async throws {
        try await onWorkerThread {
            let test = try TestVM()
            let outcome = try test.run(
                "return { city = input.city, days = input.days + 1 }", ["city": "Oslo", "days": 3])
            #expect(outcome.value == ["city": "Oslo", "days": 4])
        }
    }

    @Test func `a plain error keeps file and line and has a traceback without host frames`() async throws {
        try await onWorkerThread {
            let test = try TestVM()
            let slot = try test.function("local function helper() error('boom') end\nreturn function() helper() end")
            let error = try #require(test.call(slot).error)
            #expect(error.code == "error")
            #expect(error.message == "script.lua:1: boom")
            #expect(error.location == "script.lua:1")
            #expect(error.traceback == "script.lua:1: in function 'helper'\nscript.lua:2: in function <script.lua:2>")
        }
    }

    @Test func `a handler awaits the host and goes on with its answer`() async throws {
        try await onWorkerThread {
            let test = try TestVM()
            let waiting = try #require(try test.run("local x = test.wait { q = 1 }; return x.a + 1").waiting)
            #expect(waiting.requests == [TestVM.Request(op: "wait", payload: ["q": 1], token: waiting.token)])
            #expect(test.answer(waiting, ["a": 41]).value == 42)
        }
    }

    @Test func `a host error is raised as a table that pcall can look at`() async throws {
        try await onWorkerThread {
            let test = try TestVM()
            let waiting = try #require(
                try test.run("local ok, e = pcall(test.wait, 1); return { ok = ok, code = e.code, text = tostring(e) }")
                    .waiting)
            let answer: Value = ["code": "down", "message": "no host"]
            #expect(test.answer(waiting, answer, ok: false).value == ["ok": false, "code": "down", "text": "no host"])
        }
    }

    @Test func `a generator awaits host calls`() async throws {
        try await onWorkerThread {
            let test = try TestVM()
            var outcome = try test.run(
                "local next = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(test.wait(i)) end end)\n"
                    + "local sum = 0; for v in next do sum = sum + v end; return sum")
            for expected in 1...3 {
                let waiting = try #require(outcome.waiting)
                #expect(waiting.requests[0].payload == Value(Int64(expected)))
                outcome = test.answer(waiting, Value(Int64(expected * 10)))
            }
            #expect(outcome.value == 60)
        }
    }
}
