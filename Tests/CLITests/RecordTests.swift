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
