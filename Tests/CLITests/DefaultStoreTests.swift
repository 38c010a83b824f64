import Foundation
import Testing

private let ask = """
    local aikit = require "aikit"
    return aikit.workflow { id = "ask" } :human { id = "question" } :commit()
    """

extension CommandLine {
    struct DefaultStoreTests {
        @Test func `a run is kept beside its script and found from there and from below`() throws {
            let program = try Program(["ask.lua": ask])
            defer { program.remove() }
            let first = try program.run("run", "ask.lua", "--run-id", "r1")
            #expect(first.status == 3)
            #expect(first.errors.hasSuffix("  Answer with:\n  aikit-lua resume r1 --data '{}'\n"))
            let ignored = program.folder.appendingPathComponent(".aikit/.gitignore")
            #expect(try String(contentsOf: ignored, encoding: .utf8) == "runs.db*\n")
            let answered = try program.run("resume", "r1", "--data", "7")
            #expect(answered.status == 0)
            #expect(answered.output == "7\n")

            _ = try program.run("run", "ask.lua", "--run-id", "r2")
            let below = program.folder.appendingPathComponent("a/b")
            try FileManager.default.createDirectory(at: below, withIntermediateDirectories: true)
            let inside = Program(in: below)
            #expect(try inside.run("resume", "r2", "--data", "8").output == "8\n")
        }

        @Test func `a script that lies elsewhere is answered with the command that is shown`() throws {
            let program = try Program(["ask.lua": ask])
            defer { program.remove() }
            let below = program.folder.appendingPathComponent("flows/x y")
            try FileManager.default.createDirectory(at: below, withIntermediateDirectories: true)
            try program.write(ask, to: "flows/x y/ask.lua")
            let waiting = try program.run("run", "flows/x y/ask.lua", "--run-id", "r1")
            let command = "aikit-lua resume r1 --data '{}' --store 'flows/x y/.aikit/runs.db'"
            #expect(waiting.errors.contains(command))
            let store = "flows/x y/.aikit/runs.db"
            #expect(try program.run("resume", "r1", "--data", "{}", "--store", store).status == 0)
            let without = try program.run("resume", "r1", "--data", "{}")
            // Somebody may have a store in a directory above.
            #expect(
                without.status == 2 && without.errors.contains(/there is no (store at|run 'r1' in)/),
                "\(without.errors)")
        }

        @Test func `the types for an editor stay visible to git, whichever came first`() throws {
            let program = try Program(["ask.lua": ask])
            defer { program.remove() }
            #expect(try program.run("types", "--output", ".aikit/types").status == 0)
            #expect(try program.run("run", "ask.lua", "--run-id", "r1").status == 3)
            let ignored = program.folder.appendingPathComponent(".aikit/.gitignore")
            #expect(try String(contentsOf: ignored, encoding: .utf8) == "runs.db*\n")
        }

        @Test(arguments: ["", ":memory:", "file:runs.db", "mysql://host/runs", "postgres://app:a@b@host/runs"])
        func `a store that is no file is refused before anything is made`(store: String) throws {
            let program = try Program(["ask.lua": ask])
            defer { program.remove() }
            let before = try FileManager.default.contentsOfDirectory(atPath: program.folder.path).sorted()
            for arguments in [["run", "ask.lua"], ["resume", "r1", "--data", "1"], ["runs", "list"]] {
                let refused = try program.run(arguments + ["--store", store])
                #expect(refused.status == 2)
                #expect(refused.errors.contains("--store"), "\(refused.errors)")
                if store == ":memory:" { #expect(refused.errors.contains("none; --store memory keeps runs in memory")) }
            }
            let after = try FileManager.default.contentsOfDirectory(atPath: program.folder.path).sorted()
            #expect(after == before)
        }

        @Test func `a database that cannot be reached is named without its password`() throws {
            let program = try Program(["ask.lua": ask])
            defer { program.remove() }
            let store = "postgres://app:secret@127.0.0.1:1/runs"
            for arguments in [["run", "ask.lua"], ["resume", "r1", "--data", "1"], ["runs", "list"]] {
                let refused = try program.run(arguments + ["--store", store])
                #expect(refused.status == 2)
                #expect(
                    refused.errors.contains("postgresql://app@127.0.0.1:1/runs") || refused.errors.contains("libpq"))
                #expect(!refused.errors.contains("secret"))
            }
        }

        @Test func `a script that is wrong leaves no store behind`() throws {
            let program = try Program(["bad.lua": "return {"])
            defer { program.remove() }
            #expect(try program.run("run", "bad.lua").status == 2)
            #expect(!FileManager.default.fileExists(atPath: program.folder.appendingPathComponent(".aikit").path))
        }

        @Test func `where no store can be, the way without one is named`() throws {
            let program = try Program(["ask.lua": ask, ".aikit": "a file"])
            defer { program.remove() }
            let refused = try program.run("run", "ask.lua")
            #expect(refused.status == 2)
            #expect(refused.output == "")
            #expect(refused.errors.contains(".aikit"))
            #expect(refused.errors.contains("--store memory"))
            #expect(try program.run("run", "ask.lua", "--store", "memory").status == 3)
        }

        @Test func `a store that is damaged, foreign or newer is refused and left as it is`() throws {
            let program = try Program(["ask.lua": ask])
            defer { program.remove() }
            for (name, words) in [
                ("damaged", "or another kind of file; move it aside or choose another place with --store\n"),
                ("newer", "; use that version, or another store with --store\n"),
                ("foreign", "is a database of another program; choose another place with --store\n"),
            ] {
                let file = "\(name).db"
                switch name {
                case "damaged": try program.write(String(repeating: "not a database ", count: 500), to: file)
                case "newer":
                    _ = try program.run("run", "ask.lua", "--store", file)
                    try program.setUserVersion(99, of: file)
                default: try program.makeForeign(file)
                }
                let path = program.folder.appendingPathComponent(file)
                let before = try Data(contentsOf: path)
                let refused = try program.run("run", "ask.lua", "--store", file)
                #expect(refused.status == 2)
                #expect(refused.errors.contains(words), "\(refused.errors)")
                #expect(try Data(contentsOf: path) == before)
            }
        }

        @Test func `a run without durability leaves nothing behind, and mistakes are named`() throws {
            let program = try Program(["ask.lua": ask])
            defer { program.remove() }
            #expect(try program.run("run", "ask.lua", "--durability", "memory").status == 3)
            #expect(!FileManager.default.fileExists(atPath: program.folder.appendingPathComponent(".aikit").path))
            let wrong = try program.run("run", "ask.lua", "--durability", "norml")
            #expect(wrong.status == 2)
            #expect(wrong.errors.contains("did you mean 'normal'?"))
            #expect(try program.run("run", "ask.lua", "--durability", "full", "--store", "memory").status == 2)
            #expect(try program.run("run", "ask.lua", "--durability", "normal", "--run-id", "n").status == 3)
        }
    }
}

extension Program {
    /// A folder that is there already.
    init(in folder: URL) { self.folder = folder }

    /// Writes the version of the schema into the header of a database, as a newer program would.
    fileprivate func setUserVersion(_ version: UInt8, of file: String) throws {
        let path = folder.appendingPathComponent(file)
        var bytes = try Data(contentsOf: path)
        bytes[63] = version
        try bytes.write(to: path)
    }

    /// A database with another application's number in its header.
    fileprivate func makeForeign(_ file: String) throws {
        _ = try run("run", "ask.lua", "--store", file)
        let path = folder.appendingPathComponent(file)
        var bytes = try Data(contentsOf: path)
        bytes[68] = 1
        try bytes.write(to: path)
    }
}
