import Foundation
import Testing

/// A step, a person, a step; the words in capitals are what versions differ in.
private let first = """
    local aikit = require "aikit"
    local s = aikit.schema
    return aikit.workflow { id = "claim" }
      :step { id = "check", handler = function(claim) return { total = claim.total } end }
      :human { id = "judge", input = function(ask) return ask.form { fields = { ask.text { id = "why", label = "Why" } } } end }
      :step { id = "close", handler = function(answer) return { version = 1, why = answer.why } end }
      :commit()
    """

extension CommandLine {
    struct UpgradeTests {
        private func program() throws -> Program {
            let program = try Program(["claim.lua": first])
            _ = try program.run("run", "claim.lua", "--store", "r.db", "--run-id", "r1", "--input", #"{"total":5}"#)
            return program
        }

        private func upgrade(_ program: Program, _ arguments: String...) throws -> Program.Outcome {
            try program.run(["runs", "upgrade"] + arguments + ["--store", "r.db"])
        }

        @Test func `a waiting run goes on with other code if all that it recorded fits`() throws {
            let program = try program()
            defer { program.remove() }
            let second = first.replacing(
                ":human", with: ":wait_for { id = \"late\", event = \"never\", timeout = \"1s\" }\n  :human"
            ).replacing("version = 1", with: "version = 2")
            try program.write(second, to: "claim.lua")
            let refused = try upgrade(program, "r1", "--to", "claim.lua")
            #expect(refused.status == 2)
            #expect(refused.errors.contains("✗ judge: ran, but 'late' comes before it now"))
            #expect(refused.errors.contains("✓ check"))

            let third = first.replacing("version = 1", with: "version = 3").replacing(
                ":step { id = \"close\"",
                with: ":step { id = \"more\", handler = function(x) return x end }\n  :step { id = \"close\"")
            try program.write(third, to: "claim.lua")
            #expect(try upgrade(program, "r1", "--to", "claim.lua", "--dry-run").status == 0)
            #expect(try program.run("runs", "show", "r1", "--store", "r.db").output.contains("has changed since"))
            let moved = try upgrade(program, "r", "--to", "claim.lua")
            #expect(moved.status == 0)
            #expect(moved.errors.hasPrefix("✓ run r1 goes on with claim.lua\n"))
            #expect(try program.run("runs", "show", "r1", "--store", "r.db").output.contains("unchanged since"))
            let again = try upgrade(program, "r1", "--to", "claim.lua")
            #expect(again.errors.contains("it is on this code already"))
            let answered = try program.run("resume", "r1", "--store", "r.db", "--data", #"{"why":"so"}"#)
            #expect(answered.status == 0)
            #expect(answered.output.contains("\"version\": 3"))
            #expect(answered.errors.contains("done       more"))
        }

        @Test func `what does not fit is told by step, for all runs of a workflow`() throws {
            let program = try program()
            defer { program.remove() }
            _ = try program.run(
                "run", "claim.lua", "--store", "r.db", "--run-id", "r2", "--input", #"{"total":"much"}"#)
            let strict = first.replacing(
                "id = \"check\",", with: "id = \"check\", output_schema = s.object { total = s.number() },")
            try program.write(strict, to: "claim.lua")
            let outcome = try upgrade(program, "--all", "--to", "claim.lua", "--json")
            #expect(outcome.status == 2)
            let list = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [[String: Any]]
            let findings = try #require(list)
            #expect(findings.map { $0["runId"] as? String } == ["r2", "r1"])
            #expect(findings.map { $0["moved"] as? Bool } == [false, true])
            let steps = try #require(findings[0]["steps"] as? [[String: Any]])
            #expect(steps.map { $0["fits"] as? Bool } == [false, true])
            #expect((steps[0]["message"] as? String)?.contains("does not fit output_schema: total") == true)
        }

        @Test func `a run that a process drives says where it runs and what to do, and stays as it is`() throws {
            let slow = first.replacing("{ total = claim.total }", with: "aikit.sleep '60s'")
            let program = try Program(["claim.lua": slow])
            defer { program.remove() }
            let running = try RunningProgram(
                program, "run", "claim.lua", "--store", "r.db", "--run-id", "r1", "--input", #"{"total":5}"#)
            defer { running.crash() }
            try #require(running.hear("run r1 of workflow claim"))
            try program.write(slow.replacing("version = 1", with: "version = 2"), to: "claim.lua")
            let outcome = try upgrade(program, "r1", "--to", "claim.lua")
            #expect(outcome.status == 2)
            #expect(outcome.errors.hasPrefix("✗ run r1 stays as it is\n"), "\(outcome.errors)")
            #expect(outcome.errors.contains("it is running in process "), "\(outcome.errors)")
            #expect(outcome.errors.contains(":\(running.processID): stop that process first"), "\(outcome.errors)")
        }

        @Test func `a run that is over, or none, is no run to move`() throws {
            let program = try program()
            defer { program.remove() }
            _ = try program.run("resume", "r1", "--store", "r.db", "--data", #"{"why":"so"}"#)
            let over = try upgrade(program, "r1", "--to", "claim.lua")
            #expect(over.status == 2)
            #expect(over.errors.contains("is over (success)"))
            #expect(try upgrade(program, "--to", "claim.lua").status == 2)
            #expect(try upgrade(program, "--all", "--to", "claim.lua").errors == "no runs to upgrade\n")
        }
    }
}
