import Foundation
import Testing

extension CommandLine {
    /// Each file of `Tests/Fixtures/flow-check` is a workflow that is wrong; the one beside it that ends in `.expected` holds
    /// what `check` says of it, word for word, and the exit status.
    struct FlowCheckTests {
        static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures/flow-check")

        static let names: [String] = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
            .filter { $0.hasSuffix(".lua") }.sorted()

        /// A program in a folder with one of the scripts.
        static func program(_ name: String) throws -> Program {
            try Program([name: String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)])
        }

        @Test func `there are wrong workflows of every kind`() { #expect(Self.names.count >= 10) }

        @Test(arguments: names) func `check says what is wrong with a workflow`(name: String) throws {
            let program = try Self.program(name)
            defer { program.remove() }
            let outcome = try program.run("check", name)
            let expected = Self.folder.appendingPathComponent(name.replacing(".lua", with: ".expected"))
            #expect(outcome.output.isEmpty)
            #expect("\(outcome.errors)exit \(outcome.status)\n" == (try String(contentsOf: expected, encoding: .utf8)))
        }

        @Test func `what check refuses for its schemas is not run, with the same words`() throws {
            let program = try Self.program("join.lua")
            defer { program.remove() }
            let checked = try program.run("check", "join.lua")
            let run = try program.run("run", "join.lua", "--input", #"{"total":500}"#)
            #expect(run.status == 2)
            #expect(run.output.isEmpty && run.errors == checked.errors)
        }

        @Test func `what may go well is run, with a warning`() throws {
            let program = try Self.program("cases.lua")
            defer { program.remove() }
            let run = try program.run("run", "cases.lua", "--input", #"{"level":"low","score":10}"#)
            #expect(run.status == 0)
            #expect(run.errors.contains("cases.lua:16: warning: branch 'by-score' has no case 'bottm'"))
            #expect(!run.errors.contains("error:"))
        }

        @Test func `check tells programs the place, the path and the other place`() throws {
            let program = try Self.program("step-to-step.lua")
            defer { program.remove() }
            let outcome = try program.run("check", "step-to-step.lua", "--json")
            #expect(outcome.status == 2 && outcome.errors.isEmpty)
            let report = try #require(
                try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
            #expect(report["ok"] as? Bool == false)
            let script = try #require((report["scripts"] as? [[String: Any]])?.first)
            #expect(script["path"] as? String == "step-to-step.lua" && script["ok"] as? Bool == false)
            let problem = try #require((script["problems"] as? [[String: Any]])?.last)
            #expect(problem["severity"] as? String == "error")
            #expect(problem["code"] as? String == "schema_mismatch")
            #expect(
                problem["message"] as? String
                    == "reading.wind: step 'fetch' gives string, step 'judge' expects number")
            #expect(problem["file"] as? String == "step-to-step.lua" && problem["line"] as? Int == 11)
            #expect(problem["path"] as? String == "judge: reading.wind")
            #expect(problem["related"] as? String == "step-to-step.lua:5")
            #expect(problem["source"] as? String == #"  id = "judge","#)
        }
    }
}
