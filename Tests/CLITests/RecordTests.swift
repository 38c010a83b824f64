import Foundation
import Testing

private let order = """
    local aikit = require "aikit"
    return aikit.workflow { id = "order", ctx = { rate = 2 } }
      :step { id = "price", handler = function(order, context)
        context:emit { type = "priced", data = { n = order.n } }
        return { total = order.n * context.ctx.rate }
      end }
      :branch { id = "size", resolve = function(x) return x.total > 5 and "big" or "small" end, cases = {
        big = { { id = "ask", handler = function(x) return { by = "person", total = x.total } end } },
        small = { { id = "pay", handler = function(x) return { by = "machine", total = x.total } end } } } }
      :wait_for { id = "paid", event = "payment" }
      :step { id = "end", handler = function(payment) return { amount = payment.amount } end }
      :commit()
    """

extension CommandLine {
    struct RecordTests {
        private func recorded() throws -> Program {
            let program = try Program(["order.lua": order])
            _ = try program.run("run", "order.lua", "--run-id", "r/1", "--input", #"{"n":4}"#)
            _ = try program.run("signal", "r/1", "payment", "--data", #"{"amount":8}"#)
            return program
        }

        @Test func `a run becomes a test that passes, and fails at the first step that goes otherwise`() throws {
            let program = try recorded()
            defer { program.remove() }
            let recorded = try program.run("runs", "record", "r/1", "tests")
            #expect(recorded.status == 0, "\(recorded.errors)")
            #expect(recorded.errors == "wrote tests/r-1.json\nwrote tests/r-1_test.lua\n")
            let data = try Data(contentsOf: program.folder.appendingPathComponent("tests/r-1.json"))
            let fixture = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
            #expect(fixture["status"] as? String == "success")
            #expect((fixture["input"] as? [String: Any])?["n"] as? Int == 4)
            let steps = try #require(fixture["steps"] as? [[String: Any]])
            #expect(steps.map { $0["path"] as? String } == ["price", "size", "size/ask", "paid", "end"])
            #expect((fixture["signals"] as? [[String: Any]])?.first?["event"] as? String == "payment")
            #expect((fixture["emitted"] as? [Any])?.count == 1)

            let same = try program.run("test", "tests")
            #expect(same.status == 0, "\(same.errors)")
            try program.write(order.replacing("x.total > 5", with: "x.total > 50"), to: "order.lua")
            let edited = try program.run("test", "tests")
            #expect(edited.status == 1)
            #expect(edited.errors.contains("'size' chose \"small\", in the recording \"big\""))
        }

        @Test(arguments: [
            // Items that fail and are gone on without.
            """
            :foreach { id = "all", items = function() return { 1, 2, 3 } end, on_error = "continue",
              step = { id = "one", handler = function(n) if n == 2 then error("bad two") end return { n = n * 2 } end } }
            :step { id = "last", handler = function(r) return r end }
            """,
            // A branch that fails ends some of the others.
            """
            :parallel { id = "both", branches = {
              fast = { id = "f", handler = function() aikit.sleep(0.02) error("boom") end },
              first = { id = "g", handler = function() return 1 end },
              slow = { id = "s", handler = function() aikit.sleep(30) return 1 end },
              asks = { aikit.human { id = "ask", timeout = "1h", response_schema = { type = "object" } } } } }
            """,
            // What ends at once ends in an order too.
            """
            :parallel { id = "both", branches = {
              a = { { id = "a1", handler = function() return 1 end }, { id = "a2", handler = function() return 1 end } },
              b = { { id = "b1", handler = function() return 1 end }, { id = "b2", handler = function() error("boom") end } },
              c = { { id = "c1", handler = function() return 1 end }, { id = "c2", handler = function() return 1 end },
                { id = "c3", handler = function() return 1 end } } } }
            """,
            // Attempts that the recording has together.
            """
            :step { id = "tries", timeout = "1s", retry = { max_attempts = 3, initial = "1ms" },
              handler = function(_, context)
                if context.attempt < 3 then error("again") end
                return context.attempt
              end }
            """,
        ])
        func `what was recorded passes on the same code`(nodes: String) throws {
            let program = try Program([
                "made.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "made" }
                \(nodes)
                :commit()
                """
            ])
            defer { program.remove() }
            _ = try program.run("run", "made.lua", "--run-id", "r")
            #expect(try program.run("runs", "record", "r", "tests").status == 0)
            let replayed = try program.run("test", "tests")
            #expect(replayed.status == 0, "\(replayed.errors)")
        }

        @Test func `signals of one name are given again in their order`() throws {
            let program = try Program([
                "twice.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "twice" }
                  :wait_for { id = "one", event = "go" }
                  :wait_for { id = "two", event = "go" }
                  :commit()
                """
            ])
            defer { program.remove() }
            _ = try program.run("run", "twice.lua", "--run-id", "r")
            for data in ["1", "2"] { _ = try program.run("signal", "r", "go", "--data", data) }
            #expect(try program.run("runs", "record", "r", "tests").status == 0)
            let replayed = try program.run("test", "tests")
            #expect(replayed.status == 0, "\(replayed.errors)")
        }

        @Test func `what is there is not replaced, and what cannot be replayed is not recorded`() throws {
            let program = try recorded()
            defer { program.remove() }
            _ = try program.run("runs", "record", "r/1", "tests")
            let again = try program.run("runs", "record", "r/1", "tests")
            #expect(again.status == 2)
            #expect(again.errors.contains("--force replaces it"))
            #expect(try program.run("runs", "record", "r/1", "tests", "--force").status == 0)
            _ = try program.run("run", "order.lua", "--run-id", "open", "--input", #"{"n":4}"#)
            let open = try program.run("runs", "record", "open", "tests")
            #expect(open.status == 2)
            #expect(open.errors.contains("is not over (waiting)"))
        }
    }
}
