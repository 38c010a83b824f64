import Foundation
import Testing

/// Waits in its second step.
private let waiting = """
    local aikit = require "aikit"
    return aikit.workflow { id = "waiting" }
      :step { id = "first", handler = function() print "first runs" return 0 end }
      :step { id = "pause", handler = function() print "pauses" aikit.sleep(20) return 1 end }
      :commit()
    """

private let quick = """
    local aikit = require "aikit"
    return aikit.workflow { id = "quick" }:step { id = "one", handler = function() return 1 end }:commit()
    """

extension CommandLine {
    struct StoreLinkTests {
        private func link(_ name: String, to target: String, in program: Program) throws {
            try FileManager.default.createSymbolicLink(
                atPath: program.folder.appendingPathComponent(name).path, withDestinationPath: target)
        }

        private func permissions(_ name: String, in program: Program) throws -> Int? {
            let path = program.folder.appendingPathComponent(name).path
            return try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        }

        @Test func `a run that is driven through a link is nobody else's, whichever name its store is given`() throws {
            let program = try Program(["waiting.lua": waiting, "quick.lua": quick])
            defer { program.remove() }
            #expect(try program.run("run", "quick.lua", "--store", "real.db").status == 0)
            try link("link.db", to: "real.db", in: program)
            let run = try RunningProgram(program, "run", "waiting.lua", "--store", "link.db", "--run-id", "w1")
            #expect(run.hear("pauses"))
            for name in ["real.db", "link.db"] {
                let list = try program.run("runs", "list", "--store", name)
                #expect(!list.output.contains("process gone"), "\(list.output)")
                let recovery = try program.run("runs", "recover", "--store", name)
                #expect(
                    !recovery.output.contains("w1") && !recovery.errors.contains("first runs"), "\(recovery.errors)")
            }
            run.send(SIGTERM)
            _ = run.finish()
            #expect(!program.exists("link.db-owners") && program.exists("real.db-owners"))
        }

        @Test func `the usual store may be a link to a file that is not there yet`() throws {
            let program = try Program(["quick.lua": quick])
            defer { program.remove() }
            for folder in [".aikit", "big"] {
                try FileManager.default.createDirectory(
                    at: program.folder.appendingPathComponent(folder), withIntermediateDirectories: false)
            }
            try link(".aikit/runs.db", to: "../big/runs.db", in: program)
            #expect(try program.run("run", "quick.lua", "--run-id", "q1").status == 0)
            #expect(try permissions("big/runs.db", in: program) == 0o600)
            #expect(try permissions("big/runs.db-owners", in: program) == 0o600)
            #expect(!program.exists(".aikit/runs.db-owners") && !program.exists("big/.gitignore"))
            #expect(try program.run("runs", "list").output.contains("q1"))
            #expect(try program.run("runs", "prune", "--older-than", "0s", "--vacuum").status == 0)
            #expect(!(try program.run("runs", "list").output.contains("q1")))
        }

        @Test func `a store with two hard links is refused, and shown`() throws {
            let program = try Program(["quick.lua": quick])
            defer { program.remove() }
            #expect(try program.run("run", "quick.lua", "--store", "one.db", "--run-id", "q1").status == 0)
            try FileManager.default.linkItem(
                at: program.folder.appendingPathComponent("one.db"), to: program.folder.appendingPathComponent("two.db")
            )
            for name in ["one.db", "two.db"] {
                for arguments in [
                    ["run", "quick.lua"], ["resume", "q1", "--data", "1"], ["runs", "recover"],
                    ["runs", "prune", "--older-than", "1d"],
                    ["runs", "cancel", "q1"],
                ] {
                    let refused = try program.run(arguments + ["--store", name])
                    #expect(refused.status == 2, "\(arguments)")
                    #expect(refused.errors.contains("2 names (hard links)"), "\(arguments): \(refused.errors)")
                }
                let list = try program.run("runs", "list", "--store", name)
                #expect(list.status == 0 && list.output.contains("q1"), "\(list.errors)")
                #expect(list.errors.contains("2 names (hard links)"), "\(list.errors)")
                #expect(try program.run("runs", "check", "--store", name).status == 0)
            }
            #expect(try program.run("store", "migrate", "one.db", "three.db").status == 0)
            #expect(try program.run("runs", "list", "--store", "three.db").output.contains("q1"))
        }

        @Test func `a store is not copied into itself by another of its names, and a link is not replaced by a backup`()
            throws
        {
            let program = try Program(["quick.lua": quick])
            defer { program.remove() }
            #expect(try program.run("run", "quick.lua", "--store", "real.db").status == 0)
            try link("link.db", to: "real.db", in: program)
            let copy = try program.run("store", "migrate", "real.db", "link.db")
            #expect(copy.status == 2 && copy.errors.contains("copied into itself"), "\(copy.errors)")
            try link("saved.db", to: "elsewhere.db", in: program)
            let backup = try program.run("store", "backup", "saved.db", "--store", "link.db")
            #expect(backup.status == 2 && backup.errors.contains("replaces nothing"), "\(backup.errors)")
            #expect(!program.exists("elsewhere.db"))
        }

        @Test func `a backup is made while others drive runs of the store, and goes on without them`() throws {
            let program = try Program([
                "w.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "w" }
                  :step { id = "one", handler = function() return 1 end }
                  :step { id = "two", handler = function(n) print "two" aikit.sleep(3) return n + 1 end }
                  :commit()
                """
            ])
            defer { program.remove() }
            let running = try RunningProgram(program, "run", "w.lua", "--run-id", "r")
            #expect(running.hear("two"))
            let backup = try program.run("store", "backup", "saved.db")
            #expect(backup.status == 0 && backup.errors.contains("copied 1 run with"), "\(backup.errors)")
            #expect(try program.run("runs", "show", "r", "--store", "saved.db").output.contains("one"))
            #expect(running.finish().status == 0)
            // Who drove it is taken to be alive for as long as the lease says.
            var recovered = try program.run("runs", "recover", "r", "--store", "saved.db")
            for _ in 0..<40 where recovered.status != 0 {
                Thread.sleep(forTimeInterval: 0.5)
                recovered = try program.run("runs", "recover", "r", "--store", "saved.db")
            }
            #expect(recovered.status == 0, "\(recovered.errors)")
            #expect(try program.run("runs", "show", "r", "--store", "saved.db").output.contains("success"))
        }

        @Test func `of backups that are made of one name at once one is made, and whole`() throws {
            let program = try Program([
                "w.lua": """
                return require "aikit".workflow { id = "w" }:step { id = "s", handler = function() return 1 end }:commit()
                """
            ])
            defer { program.remove() }
            for number in 0..<3 { #expect(try program.run("run", "w.lua", "--run-id", "r\(number)").status == 0) }
            let leftover = program.folder.appendingPathComponent("saved.db.partial-4194304")
            try Data().write(to: leftover)
            let backups = try (0..<4).map { _ in try RunningProgram(program, "store", "backup", "saved.db") }
            #expect(backups.map { $0.finish().status }.sorted() == [0, 2, 2, 2])
            let list = try program.run("runs", "list", "--store", "saved.db")
            #expect((0..<3).allSatisfy { list.output.contains("r\($0)") }, "\(list.output)")
            let files = try FileManager.default.contentsOfDirectory(atPath: program.folder.path)
            #expect(!files.contains { $0.contains(".partial") }, "\(files)")
        }
    }
}
