import Foundation
import Testing

extension CommandLine {
    struct HelpTests {
        private func help(_ arguments: [String], columns: Int) throws -> [Substring] {
            let program = try Program([:])
            defer { program.remove() }
            var environment = ProcessInfo.processInfo.environment
            environment["COLUMNS"] = "\(columns)"
            let outcome = try program.run(arguments, environment: environment)
            let text = outcome.output.isEmpty ? outcome.errors : outcome.output
            return text.split(separator: "\n", omittingEmptySubsequences: false)
        }

        @Test(arguments: [60, 80, 100])
        func `help fits the terminal, and paragraphs flow`(columns: Int) throws {
            for command in [["serve"], ["run"], ["runs", "list"], ["token", "create"]] {
                let lines = try help(command + ["--help"], columns: columns)
                #expect(lines.allSatisfy { $0.count <= columns }, "\(command) \(lines.filter { $0.count > columns })")
            }
            let lines = try help(["serve", "--help"], columns: columns)
            let start = try #require(lines.firstIndex { $0.hasPrefix("Loads every script") })
            let end = try #require(lines[start...].firstIndex(of: ""))
            // No word of the next line would have found room.
            for index in start..<end - 1 {
                let word = try #require(lines[index + 1].split(separator: " ").first)
                #expect(lines[index].count + 1 + word.count > columns)
            }
        }

        @Test func `a command that is broken can be pasted`() throws {
            let lines = try help(["serve", "--help"], columns: 60)
            let start = try #require(lines.firstIndex { $0.contains("curl --json") })
            #expect(
                lines[start...start + 1] == [
                    #"  curl --json '{"inputData":{"name":"Ada"}}' \"#,
                    "      http://127.0.0.1:8787/api/workflows/hello/run",
                ])
        }

        @Test func `the value of a permission is joined to it`() throws {
            let lines = try help(["run", "--allow-net", "example.com", "x.lua"], columns: 200)
            #expect(lines.first?.contains("did you mean --allow-net=example.com?") == true, "\(lines)")
        }
    }
}
