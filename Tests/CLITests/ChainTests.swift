import Foundation
import Testing

private let flow = """
    local aikit = require "aikit"
    return aikit.workflow { id = "flow" }
      :step { id = "mark", handler = function(input) return { mark = input.mark .. "-" .. input.mark } end }
      :human { id = "ask", response_schema = aikit.schema.object { ok = aikit.schema.boolean() } }
      :commit()
    """

extension CommandLine {
    /// Whether the journals of runs are what was written.
    struct ChainTests {
        private func start(_ marks: [String]) throws -> Program {
            let program = try Program(["flow.lua": flow])
            for mark in marks {
                let started = try program.run("run", "flow.lua", "--run-id", mark, "--input", "{\"mark\":\"\(mark)\"}")
                #expect(started.status == 3)
            }
            return program
        }

        @Test func `journals that nobody has changed, and the end of one`() throws {
            let program = try start(["one", "two"])
            defer { program.remove() }
            let all = try program.run("runs", "verify")
            #expect(all.status == 0)
            #expect(all.errors.contains("✓ 2 runs, "))
            #expect(all.errors.contains(" entries, nothing changed\n"))
            func link() throws -> String? {
                let report = try program.run("runs", "verify", "one", "--json")
                #expect(report.status == 0)
                let value = try JSONSerialization.jsonObject(with: Data(report.output.utf8)) as? [String: Any]
                #expect(value?["runs"] as? Int == 1)
                return value?["link"] as? String
            }
            let before = try #require(try link())
            #expect(before.count == 64)
            #expect(try link() == before)
            #expect(try program.run("resume", "one", "--data", #"{"ok":true}"#).status == 0)
            #expect(try link() != before)
            #expect(try program.run("runs", "verify").status == 0)
        }

        @Test func `a journal that has been changed is named, and no other`() throws {
            let program = try start(["one", "two"])
            defer { program.remove() }
            let file = program.folder.appendingPathComponent(".aikit/runs.db")
            var bytes = try Data(contentsOf: file)
            while let place = bytes.range(of: Data("one-one".utf8)) {
                bytes.replaceSubrange(place, with: Data("one-two".utf8))
            }
            try bytes.write(to: file)
            let all = try program.run("runs", "verify")
            #expect(all.status == 1)
            #expect(all.errors.contains("✗ run one: "))
            #expect(!all.errors.contains("✗ run two"))
            #expect(all.errors.contains("1 of 2 runs changed\n"))
            #expect(try program.run("runs", "verify", "two").status == 0)
        }

        @Test func `what an older version wrote is not chained, and what follows on it is`() throws {
            let program = try Program()
            defer { program.remove() }
            let fixture = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .appendingPathComponent("Fixtures/stores/v2.db")
            let folder = program.folder.appendingPathComponent(".aikit")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try FileManager.default.copyItem(at: fixture, to: folder.appendingPathComponent("runs.db"))
            let old = try program.run("runs", "verify", "asks")
            #expect(old.status == 0)
            #expect(old.errors.contains("– run asks: not chained\n"))
            #expect(try program.run("resume", "asks", "--data", #"{"ok":true}"#).status == 0)
            let gone = try program.run("runs", "verify", "asks")
            #expect(gone.status == 0)
            #expect(gone.errors.contains("– run asks: not chained before entry "))
        }
    }
}
