import Foundation
import Platform
import Testing

/// Writes 40 KB a step, and waits in the middle for somebody to do something to its store.
private let bulky = """
    local aikit = require "aikit"
    return aikit.workflow { id = "bulky" }
      :step { id = "first", handler = function() print "first runs" return 0 end }
      :step { id = "pause", handler = function(n) print "pauses" aikit.sleep(0.4) return n end }
      :loop {
        id = "fill", condition = function(_, context) return context.iteration <= 100 end, max_iterations = 100,
        step = { id = "write", handler = function(_, context)
          return { n = context.iteration, text = ("x"):rep(40000) }
        end },
        collect = function(results) return #results end,
      }
      :commit()
    """

extension CommandLine {
    struct StoreFaultTests {
        @Test func `a store that is deleted under a run stops the run, and says so`() throws {
            let program = try Program(["bulky.lua": bulky])
            defer { program.remove() }
            let run = try RunningProgram(program, "run", "bulky.lua")
            #expect(run.hear("pauses"))
            try FileManager.default.removeItem(at: program.folder.appendingPathComponent(".aikit"))
            let outcome = run.finish()
            #expect(outcome.status == 2)
            #expect(outcome.output == "")
            #expect(outcome.errors.contains("was deleted or replaced while it was open"))
        }

        @Test(.enabled(if: Tmpfs.isPossible, "this machine lets nobody mount"))
        func `a disk that fills up stops the run at its last durable event, and with room it goes on`() throws {
            let program = try Program()
            defer { program.remove() }
            let disk = try Tmpfs(program.folder.path, kilobytes: 2500)
            defer { disk.unmount() }
            try program.write(bulky, to: "bulky.lua")
            let full = try program.run("run", "bulky.lua", "--run-id", "r1")
            #expect(full.status == 2)
            #expect(full.output == "")
            #expect(full.errors.contains("disk is full") || full.errors.contains("cannot be read or written"))
            try disk.resize(kilobytes: 100_000)
            let again = try program.run("run", "bulky.lua", "--run-id", "r1")
            #expect(again.status == 0, "\(again.errors)")
            #expect(again.output == "100\n")
            #expect(!again.errors.contains("first runs"))
        }

        @Test func `a backup is made of a store that is whole, and of nothing else`() throws {
            let program = try Program(["bulky.lua": bulky, "empty.db": "", "other.db": "something else altogether"])
            defer { program.remove() }
            #expect(mkfifo(program.folder.appendingPathComponent("pipe.db").path, 0o600) == 0)
            let refusals = [
                ("none.db", "there is no store at none.db"), ("empty.db", "the file is empty"),
                ("other.db", "other.db"),
                ("pipe.db", "no regular file"), (".", "a directory"), ("/dev/zero", "no regular file"),
            ]
            for (store, reason) in refusals {
                let refused = try program.run("store", "backup", "saved.db", "--store", store)
                #expect(refused.status == 2, "\(store): \(refused.errors)")
                #expect(refused.errors.contains(reason) && !refused.errors.contains("partial"), "\(refused.errors)")
                #expect(!program.exists("saved.db"))
            }
            #expect(try program.run("store", "migrate", ".", "copy.db").errors.contains("a directory"))
            #expect(try program.run("run", "bulky.lua", "--run-id", "r1").status == 0)
            let file = program.folder.appendingPathComponent(".aikit/runs.db")
            var bytes = try Data(contentsOf: file)
            let middle = bytes.count / 2
            bytes.replaceSubrange(middle..<middle + 4096, with: Data(repeating: 0x5a, count: 4096))
            try bytes.write(to: file)
            let damaged = try program.run("store", "backup", "saved.db")
            #expect(
                damaged.status == 2 && damaged.errors.contains("is damaged, and nothing was saved"), "\(damaged.errors)"
            )
            #expect(damaged.errors.contains("aikit-lua runs check") && !damaged.errors.contains("partial"))
            #expect(!program.exists("saved.db"))
        }

        @Test(.enabled(if: Tmpfs.isPossible, "this machine lets nobody mount"))
        func `a backup is whole, or is not there`() throws {
            let program = try Program(["bulky.lua": bulky])
            defer { program.remove() }
            #expect(try program.run("run", "bulky.lua", "--run-id", "r1").status == 0)
            let small = program.folder.appendingPathComponent("small")
            try FileManager.default.createDirectory(at: small, withIntermediateDirectories: false)
            let disk = try Tmpfs(small.path, kilobytes: 1000)
            let store = program.folder.appendingPathComponent(".aikit/runs.db").path
            let full = try program.run("store", "backup", "small/saved.db", "--store", store)
            #expect(full.status == 2, "\(full.errors)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: small.path).isEmpty)
            // The store has room there, and the run that is copied has not.
            try disk.resize(kilobytes: 2500)
            let half = try program.run("store", "backup", "small/saved.db", "--store", store)
            #expect(half.status == 2, "\(half.errors)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: small.path).isEmpty)
            try disk.resize(kilobytes: 100_000)
            let saved = try program.run("store", "backup", "small/saved.db", "--store", store)
            #expect(saved.status == 0 && saved.errors.contains("saved.db"), "\(saved.errors)")
            #expect(!saved.errors.contains("partial"))
            #expect(try program.run("store", "backup", "small/saved.db", "--store", store).status == 2)
            #expect(try FileManager.default.contentsOfDirectory(atPath: small.path) == ["saved.db"])
            #expect(try program.run("runs", "show", "r1", "--store", "small/saved.db").output.contains("success"))
            disk.unmount()
        }

        @Test(.enabled(if: Tmpfs.isPossible, "this machine lets nobody mount"))
        func `in a directory that cannot be written nothing runs, and the way without a store is named`() throws {
            let program = try Program()
            defer { program.remove() }
            let disk = try Tmpfs(program.folder.path, kilobytes: 2500)
            defer { disk.unmount() }
            try program.write(bulky, to: "bulky.lua")
            try disk.makeReadOnly()
            let refused = try program.run("run", "bulky.lua")
            #expect(refused.status == 2)
            #expect(!refused.errors.contains("first runs"))
            #expect(refused.errors.contains("--store memory"))
        }

        @Test func `a run keeps to its code when its steps are renamed, reordered or gone`() throws {
            func script(_ steps: String) -> String {
                """
                local aikit = require "aikit"
                return aikit.workflow { id = "old" } \(steps) :commit()
                """
            }
            let one = #":step { id = "one", handler = function() print "one runs" return { 1 } end }"#
            let ask = #":human { id = "ask" }"#
            let two = #":step { id = "two", handler = function(answer) return { "two", answer } end }"#
            let program = try Program(["old.lua": script(one + ask + two)])
            defer { program.remove() }
            let changes = [
                script(one.replacing("one", with: "uno") + ask + two.replacing("two", with: "due")), script(two + one),
                script(":human { id = \"other\" }"), "not Lua at all",
            ]
            for (index, change) in changes.enumerated() {
                try program.write(script(one + ask + two), to: "old.lua")
                #expect(try program.run("run", "old.lua", "--run-id", "r\(index)").status == 3)
                try program.write(change, to: "old.lua")
                let end = try program.run("resume", "r\(index)", "--data", "5")
                #expect(end.status == 0, "\(end.errors)")
                #expect(end.output.filter { !$0.isWhitespace } == #"["two",5]"#)
                #expect(!end.errors.contains("one runs"))
            }
        }

        @Test func `a pcall does not swallow a cancel, and what was cancelled stays so`() throws {
            let program = try Program([
                "stubborn.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "stubborn" }
                  :step { id = "hold", handler = function()
                    for _ = 1, 100 do pcall(function() print "holds" aikit.sleep(30) end) end
                    return "never"
                  end }
                  :step { id = "after", handler = function() print "after runs" return 1 end }
                  :commit()
                """
            ])
            defer { program.remove() }
            let run = try RunningProgram(program, "run", "stubborn.lua", "--run-id", "r1")
            #expect(run.hear("holds"))
            run.send(SIGINT)
            #expect(run.hear("a second Ctrl-C cancels the run"))
            run.send(SIGINT)
            let outcome = run.finish()
            #expect(outcome.status == 130)
            #expect(outcome.errors.components(separatedBy: "holds").count == 2)
            let again = try program.run("run", "stubborn.lua", "--run-id", "r1")
            #expect(again.status == 1)
            #expect(again.errors.contains("was cancelled"))
            #expect(!again.errors.contains("after runs"))
        }
    }
}

/// A small file system over a folder, where the machine permits it.
struct Tmpfs {
    private let path: String

    static let isPossible: Bool = {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("tmpfs-\(UUID().uuidString)")
        try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        guard let disk = try? Tmpfs(folder.path, kilobytes: 64) else { return false }
        disk.unmount()
        return true
    }()

    init(_ path: String, kilobytes: Int) throws {
        self.path = path
        try Self.run(["mount", "-t", "tmpfs", "-o", "size=\(kilobytes)k", "tmpfs", path])
    }

    func resize(kilobytes: Int) throws { try Self.run(["mount", "-o", "remount,size=\(kilobytes)k", path]) }
    func makeReadOnly() throws { try Self.run(["mount", "-o", "remount,ro", path]) }
    func unmount() { try? Self.run(["umount", path]) }

    private static func run(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        struct Refused: Error {}
        if process.terminationStatus != 0 { throw Refused() }
    }
}
