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
    /// A damaged run is named, and no other one suffers.
    struct StoreCheckTests {
        private func start(_ marks: [String]) throws -> Program {
            let program = try Program(["flow.lua": flow])
            for mark in marks {
                let started = try program.run("run", "flow.lua", "--run-id", mark, "--input", "{\"mark\":\"\(mark)\"}")
                #expect(started.status == 3)
            }
            return program
        }

        /// Replaces the bytes of a text in the store, wherever they are.
        private func replace(_ text: String, by other: String, in program: Program) throws {
            let file = program.folder.appendingPathComponent(".aikit/runs.db")
            var bytes = try Data(contentsOf: file)
            #expect(bytes.range(of: Data(text.utf8)) != nil)
            while let place = bytes.range(of: Data(text.utf8)) { bytes.replaceSubrange(place, with: Data(other.utf8)) }
            try bytes.write(to: file)
        }

        @Test func `a sound store`() throws {
            let program = try start(["one", "two"])
            defer { program.remove() }
            let check = try program.run("runs", "check")
            #expect(check.status == 0)
            #expect(check.errors == "✓ 2 runs, nothing damaged\n")
            #expect(
                try program.run("runs", "check", "--json").output.filter { !$0.isWhitespace }
                    == #"{"damaged":[],"runs":2}"#)
        }

        @Test func `a damaged run is named, and the others go on`() throws {
            let program = try start(["one", "two"])
            defer { program.remove() }
            try replace("one-one", by: "one-two", in: program)
            let check = try program.run("runs", "check")
            #expect(check.status == 1)
            #expect(check.errors.contains("✗ run one: entry "))
            #expect(check.errors.contains("has bytes that have changed since they were written"))
            #expect(check.errors.contains("1 of 2 runs damaged; the others can be used as before"))
            #expect(check.errors.contains("aikit-lua runs prune --damaged\n"))

            let list = try program.run("runs", "list")
            #expect(list.status == 0)
            #expect(list.output.contains("two"))
            #expect(list.errors.contains("1 run cannot be read whole; to see why: aikit-lua runs check\n"))
            let resumed = try program.run("resume", "one", "--data", #"{"ok":true}"#)
            #expect(resumed.status == 2)
            #expect(resumed.errors.contains("run one in the store .aikit/runs.db is damaged"))
            #expect(try program.run("resume", "two", "--data", #"{"ok":true}"#).status == 0)

            #expect(try program.run("runs", "prune", "--damaged", "--dry-run").errors.contains("would remove 1 run"))
            #expect(try program.run("runs", "prune", "--damaged").status == 0)
            #expect(try program.run("runs", "check").errors == "✓ 1 run, nothing damaged\n")
        }

        @Test func `code that has changed is named`() throws {
            let program = try start(["one"])
            defer { program.remove() }
            try replace(#"id = "mark""#, by: #"id = "park""#, in: program)
            let check = try program.run("runs", "check")
            #expect(check.status == 1)
            #expect(check.errors.contains("✗ run one: the file flow.lua of its code has changed since it was stored"))
        }

        @Test func `a file that is no store`() throws {
            let program = try Program(["x.db": "nothing"])
            defer { program.remove() }
            let check = try program.run("runs", "check", "--store", "x.db")
            #expect(check.status == 2)
            #expect(check.errors.contains("is not a store of runs"))
        }

        @Test func `a store without permission to write can be looked at, and says why no more`() throws {
            let program = try start(["one"])
            defer { program.remove() }
            let folder = program.folder.appendingPathComponent(".aikit")
            let path = folder.appendingPathComponent("runs.db").path
            try FileManager.default.setAttributes([.posixPermissions: 0o444], ofItemAtPath: path)
            let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
            let bytes = try Data(contentsOf: URL(filePath: path))
            for command in [["list"], ["show", "one"], ["events", "one"], ["check"]] {
                let looked = try program.run(["runs"] + command)
                #expect(looked.status == 0, "\(command): \(looked.errors)")
            }
            let saved = try program.run("store", "backup", "saved.db")
            #expect(saved.status == 0, "\(saved.errors)")
            #expect(saved.errors.contains("copied 1 run with"))
            #expect(saved.errors.contains("from .aikit/runs.db to saved.db"))
            let tokens = try program.run("token", "list")
            #expect(tokens.status == 0 && tokens.errors == "no tokens\n", "\(tokens.errors)")
            for command in [["resume", "one", "--data", "{}"], ["runs", "cancel", "one"], ["runs", "prune"]] {
                let refused = try program.run(command)
                #expect(refused.status == 2)
                #expect(refused.errors.contains("cannot be written: the file"), "\(command): \(refused.errors)")
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == files)
            #expect(try Data(contentsOf: URL(filePath: path)) == bytes)
            // The copy goes on where the store cannot.
            #expect(try program.run("resume", "one", "--data", #"{"ok":true}"#, "--store", "saved.db").status == 0)
        }
    }
}
