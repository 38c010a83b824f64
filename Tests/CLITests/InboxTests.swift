import Foundation
import Testing

/// Two people and an event, and a step beside them that keeps the process alive until all three have come.
private let both = """
    local aikit = require "aikit"
    local s = aikit.schema
    local function mark(key)
      return aikit.step { id = "mark", handler = function(value, context) context.store[key] = true return value end }
    end
    return aikit.workflow { id = "both" }
      :parallel { id = "all", branches = {
        a = { aikit.human { id = "ask", response_schema = s.object { ok = s.boolean() } }, mark "a" },
        b = { aikit.human { id = "ask" }, mark "b" },
        c = { id = "busy", handler = function(_, context)
          print "busy"
          local store = context.store
          for _ = 1, 1000 do
            if store.a and store.b and store.d then return 1 end
            aikit.sleep(0.03)
          end
        end },
        d = {
          aikit.wait_for { id = "paid", event = "payment", response_schema = s.object { amount = s.integer() } },
          mark "d",
        },
      } }
      :commit()
    """

private let slow = """
    local aikit = require "aikit"
    return aikit.workflow { id = "slow" }
      :human { id = "ask" }
      :step { id = "work", handler = function(answer) print "works" aikit.sleep(0.5) return answer end }
      :human { id = "again" }
      :commit()
    """

extension CommandLine {
    struct InboxTests {
        @Test func `answers, events and refusals reach a run that another process drives`() throws {
            let program = try Program(["both.lua": both])
            defer { program.remove() }
            let owner = try RunningProgram(program, "run", "both.lua", "--run-id", "r1")
            #expect(owner.hear("busy"))
            let unclear = try program.run("resume", "r1", "--data", "{}")
            #expect(unclear.status == 2)
            #expect(unclear.errors.contains("2 steps wait; name one of them: all[a]/ask, all[b]/ask"))
            #expect(unclear.errors.contains("aikit-lua resume r1 --step 'all[b]/ask' --data …"))
            let refused = try program.run("resume", "r1", "--step", "all[a]/ask", "--data", #"{"ok":"maybe"}"#)
            #expect(refused.status == 2)
            #expect(refused.errors.contains("does not fit its schema"))
            let unknown = try program.run("signal", "r1", "paymnt")
            #expect(unknown.status == 2)
            #expect(unknown.errors.contains("did you mean 'payment'?"))
            let wrong = try program.run("signal", "r1", "payment", "--data", #"{"amount":"much"}"#)
            #expect(wrong.status == 2)
            #expect(wrong.errors.contains("amount"))

            let first = try RunningProgram(program, "resume", "r1", "--step", "all[a]/ask", "--data", #"{"ok":true}"#)
            let second = try RunningProgram(program, "resume", "r1", "--step", "all[b]/ask", "--data", "2")
            let third = try program.run("signal", "r1", "payment", "--data", #"{"amount":3}"#)
            let result = owner.finish()
            #expect(result.status == 0, "\(result.errors)")
            for outcome in [first.finish(), second.finish(), third] {
                #expect(outcome.status == 0, "\(outcome.errors)")
                #expect(outcome.output == result.output)
            }
        }

        @Test func `of two answers at once exactly one wins`() throws {
            let program = try Program(["slow.lua": slow])
            defer { program.remove() }
            #expect(try program.run("run", "slow.lua", "--run-id", "r1").status == 3)
            let both = try (1...2).map { try RunningProgram(program, "resume", "r1", "--data", "\($0)") }
            let outcomes = both.map { $0.finish() }
            #expect(outcomes.map(\.status).sorted() == [2, 3], "\(outcomes)")
            let loser = try #require(outcomes.first { $0.status == 2 })
            #expect(loser.errors.contains("wait"))
            #expect(outcomes.filter { $0.errors.contains("works") }.count == 1)
        }

        @Test func `an event that comes before its wait is kept`() throws {
            let program = try Program([
                "early.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "early" }
                  :human { id = "ask" }
                  :wait_for { id = "paid", event = "payment" }
                  :commit()
                """
            ])
            defer { program.remove() }
            _ = try program.run("run", "early.lua", "--run-id", "r1")
            #expect(try program.run("signal", "r1", "payment", "--data", "42").status == 3)
            let end = try program.run("resume", "r1", "--data", "{}")
            #expect(end.status == 0)
            #expect(end.output == "42\n")
        }

        @Test func `one id gives one run, however often and from however many processes it is started`() throws {
            let program = try Program(["slow.lua": slow, "other.lua": slow.replacing("\"slow\"", with: "\"other\"")])
            defer { program.remove() }
            let runs = try (0..<3).map { _ in try RunningProgram(program, "run", "slow.lua", "--run-id", "one") }
            #expect(runs.map { $0.finish().status } == [3, 3, 3])
            #expect(try program.run("resume", "one", "--data", "1").status == 3)
            #expect(
                try program.run("run", "slow.lua", "--run-id", "one").errors.contains("waits for a person at 'again'"))
            #expect(try program.run("resume", "one", "--data", "5").output == "5\n")
            #expect(try program.run("run", "slow.lua", "--run-id", "one").output == "5\n")
            let other = try program.run("run", "other.lua", "--run-id", "one")
            #expect(other.status == 2)
            #expect(other.errors.contains("run 'one' is one of workflow 'slow', not of 'other'"))
        }

        @Test func `the time to answer ends with the default, or with an error`() throws {
            func script(_ rest: String) -> String {
                """
                local aikit = require "aikit"
                return aikit.workflow { id = "late" } :human { id = "ask", timeout = "0.2s"\(rest) } :commit()
                """
            }
            let pause = """
                local aikit = require "aikit"
                return aikit.workflow { id = "pause" } :delay { id = "wait", duration = "0.4s" } :commit()
                """
            let program = try Program([
                "default.lua": script(", default = { ok = false }"), "error.lua": script(""), "pause.lua": pause,
            ])
            defer { program.remove() }
            #expect(try program.run("run", "default.lua", "--run-id", "d").status == 3)
            #expect(try program.run("run", "error.lua", "--run-id", "e").status == 3)
            // The time passes in another run.
            #expect(try program.run("run", "pause.lua", "--store", "memory").status == 0)
            let end = try program.run("run", "default.lua", "--run-id", "d")
            #expect(end.status == 0)
            #expect(end.output == "{\n  \"ok\": false\n}\n")
            let failed = try program.run("run", "error.lua", "--run-id", "e")
            #expect(failed.status == 1)
            #expect(failed.errors.contains("nobody answered in time"))
        }
    }
}
