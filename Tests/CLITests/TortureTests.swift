import Foundation
import Testing

extension CommandLine {
    struct TortureTests {
        private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("examples").path

        private func report(_ outcome: Program.Outcome) throws -> [String: Any] {
            try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
        }

        @Test(arguments: [
            ("document", #"@data/lighthouses.json"#, []),
            ("risk", #"{"applicant": "Ada", "amount": 900, "income": 2500, "arrears": 1}"#, []),
            ("polling", #"{"seconds": 0.2}"#, ["--ignore", "/job", "--ignore", "/polls"]),
            ("parallel", #"{"days": 3}"#, []),
            (
                "onboarding", #"{"name": "Ada", "role": "engineer"}"#,
                ["--answer", #"review={"decision":"hire","start":"2026-09-01"}"#]
            ),
        ])
        func `every example ends the same wherever its process dies`(
            name: String, input: String, options: [String]
        ) throws {
            let program = try Program()
            defer { program.remove() }
            let input = input.replacing("@", with: "@\(Self.folder)/")
            let outcome = try program.run(["torture", "\(Self.folder)/\(name).lua", "--input", input] + options)
            #expect(outcome.status == 0, "\(outcome.errors)\(outcome.output)")
            let report = try report(outcome)
            #expect(report["ok"] as? Bool == true)
            #expect(report["kills"] as? Int == report["writes"] as? Int)
            #expect((report["kills"] as? Int ?? 0) > 2)
        }

        @Test func `a result that depends on what a journal does not keep is told`() throws {
            let program = try Program([
                "chance.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "chance" }
                  :step { id = "roll", handler = function() return { n = math.random(1, 1000000000) } end }
                  :step { id = "end", handler = function(x) return x end }
                  :commit()
                """
            ])
            defer { program.remove() }
            let outcome = try program.run("torture", "chance.lua")
            #expect(outcome.status == 1)
            let report = try report(outcome)
            #expect(report["ok"] as? Bool == false)
            #expect((report["differences"] as? [Any])?.isEmpty == false)
        }

        @Test func `waits with a timeout are answered, or wait until it`() throws {
            let program = try Program([
                "ask.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "ask" }
                  :human { id = "judge", timeout = "2d" }
                  :wait_for { id = "paid", event = "pay", timeout = "30d" }
                  :human { id = "late", timeout = "1h", default = { decision = "none" } }
                  :commit()
                """
            ])
            defer { program.remove() }
            let outcome = try program.run(
                "torture", "ask.lua", "--answer", #"judge={"decision":"yes"}"#, "--answer", "paid=1")
            #expect(outcome.status == 0, "\(outcome.errors)\(outcome.output)")
            #expect(try report(outcome)["status"] as? String == "success")
        }

        @Test func `a workflow whose writes vary from run to run comes to its end`() throws {
            let program = try Program([
                "vary.lua": """
                local aikit = require "aikit"
                local function wait() aikit.sleep(aikit.random(40) / 1000) return 1 end
                return aikit.workflow { id = "vary" }:foreach {
                  id = "each", concurrency = 4, items = function() return { 1, 2, 3, 4, 5, 6 } end,
                  step = { aikit.step { id = "x", handler = wait }, aikit.step { id = "y", handler = wait } },
                }:commit()
                """
            ])
            defer { program.remove() }
            let outcome = try program.run("torture", "vary.lua")
            #expect(outcome.status == 0, "\(outcome.errors)\(outcome.output)")
        }

        @Test func `steps that run at once may be undone in any order`() throws {
            let program = try Program([
                "undo.lua": """
                local aikit = require "aikit"
                local function wait(x) aikit.sleep(aikit.random(40) / 1000) return x end
                return aikit.workflow { id = "undo" }
                  :foreach {
                    id = "each", concurrency = 4, items = function() return { 1, 2, 3, 4 } end,
                    step = aikit.step { id = "book", handler = wait, compensate = function(output)
                      if output % 2 == 0 then error "never" end
                    end },
                  }
                  :step { id = "end", handler = function() error("sold out", 0) end }
                  :commit()
                """
            ])
            defer { program.remove() }
            let outcome = try program.run("torture", "undo.lua")
            #expect(outcome.status == 0, "\(outcome.errors)\(outcome.output)")
        }

        @Test func `a wait without an answer is named`() throws {
            let program = try Program([
                "ask.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "ask" }:human { id = "judge" }:wait_for { id = "paid", event = "pay" }:commit()
                """
            ])
            defer { program.remove() }
            let outcome = try program.run("torture", "ask.lua", "--answer", #"judge={"ok":true}"#)
            #expect(outcome.status == 2)
            #expect(outcome.errors == "error: the run waits at 'paid'; give it an answer: --answer paid='…'\n")
            try program.write(#"{"judge":{"ok":true},"paid":7}"#, to: "answers.json")
            let answered = try program.run("torture", "ask.lua", "--answers", "answers.json", "--kills", "2")
            #expect(answered.status == 0)
            #expect(try report(answered)["kills"] as? Int == 2)
        }
    }
}
