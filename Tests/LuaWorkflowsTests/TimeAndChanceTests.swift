internal import FlatValue
internal import LuaWorkflows
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

/// 2025-01-01, 00:00 UTC, in microseconds since 1970.
private let newYear: Int64 = 1_735_689_600_000_000

@Suite("Time and chance of a run")
struct TimeAndChanceTests {
    private func run(_ body: String, runs: Int = 1) async throws -> [Value] {
        let engine = WorkflowEngine(workers: 1, clock: VirtualClock(startingAt: newYear))
        defer { engine.shutdown() }
        let script = try await LuaScript.load(source: oneStep(body), named: "main.lua", on: engine)
        var results: [Value] = []
        for _ in 0..<runs {
            let result = try await engine.createRun(script.workflows[0]).run(input: .emptyObject).result()
            #expect(result.error == nil)
            results.append(result.result ?? .null)
        }
        return results
    }

    @Test func `os tells the time of the engine's clock`() async throws {
        let result = try await run(
            """
            local before, clock = os.time(), os.clock()
            local date = os.date "!%Y-%m-%d %H:%M"
            aikit.sleep "36h"
            return { before, clock, date, os.time() - before, os.clock(), os.date("!*t").day, aikit.now() // 1000 - os.time(),
              os.date("!%H", 3600), os.difftime(5, 3), os.time { year = 2020, month = 5, day = 6 } > 1e9 }
            """)
        #expect(
            result == [
                [1_735_689_600, 0.0, "2025-01-01 00:00", 129_600, 129_600.0, 2, 0, "01", 2.0, true]
            ])
    }

    @Test(arguments: [
        "os.date '%'", "os.date '%Ez'", "os.date '%Q'", "os.date('*t', math.maxinteger)", "os.time {}",
        "os.time { year = 1e300, month = 1, day = 1 }", "os.time { year = 1 << 40, month = 1, day = 1 }",
        "os.date(('%c'):rep(10), {})", "math.random(2, 1)", "math.random(0.5)", "math.random(1, 2, 3)",
        "os.time { year = math.maxinteger, month = 1, day = 1 }",
        "os.time { year = 2000, month = math.mininteger, day = 1 }",
    ])
    func `what cannot be told is an error`(call: String) async throws {
        #expect(try await run("return pcall(function() return \(call) end)") == [false])
    }

    @Test func `numbers lie where they are asked for, and every call has its own`() async throws {
        let results = try await run(
            """
            local seen = {}
            for i = 1, 1000 do
              local die, any, share = math.random(6), math.random(math.mininteger, math.maxinteger), aikit.random()
              assert(die >= 1 and die <= 6 and math.type(any) == "integer" and share >= 0 and share < 1)
              seen[die] = true
            end
            assert(#seen == 6 and math.random(5, 5) == 5 and math.type(math.random(0)) == "integer")
            local uuid = aikit.uuid()
            assert(uuid:match "^%x+%-%x+%-4%x+%-[89ab]%x+%-%x+$" and #uuid == 36)
            return { uuid, aikit.uuid(), math.random(0), aikit.random(1 << 60) }
            """, runs: 3)
        #expect(Set(results.flatMap { $0.array ?? [] }.map(\.json)).count == 12)
    }

    @Test func `the callbacks of a loop do not get the same number again and again`() async throws {
        let engine = WorkflowEngine(workers: 1)
        defer { engine.shutdown() }
        let script = try await LuaScript.load(
            source: """
                local aikit = require "aikit"
                return aikit.workflow { id = "loop" }
                  :loop { id = "l", max_iterations = 1000, condition = function() return math.random() < 0.9 end,
                    step = { aikit.step { id = "one", handler = function() return math.random(1 << 50) end } },
                    collect = function(all) return all end }
                  :commit()
                """, named: "main.lua", on: engine)
        let result = try await engine.createRun(script.workflows[0]).run().result()
        let numbers = result.result?.array ?? []
        #expect(result.status == .success)
        #expect(Set(numbers.map(\.json)).count == numbers.count)
    }
}
