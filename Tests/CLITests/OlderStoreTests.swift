import Foundation
import LuaWorkflows
import SQLiteJournal
import Synchronization
import Testing
import WorkflowCore
import WorkflowEngine

extension CommandLine {
    /// The store of an older version, in which runs stand in different places.
    struct OlderStoreTests {
        private func open(_ name: String = "v1.db") throws -> Program {
            let program = try Program()
            let fixture = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .appendingPathComponent("Fixtures/stores/\(name)")
            let folder = program.folder.appendingPathComponent(".aikit")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try FileManager.default.copyItem(at: fixture, to: folder.appendingPathComponent("runs.db"))
            return program
        }

        @Test func `all of its runs are whole and can be looked at`() throws {
            let program = try open()
            defer { program.remove() }
            let check = try program.run("runs", "check")
            #expect(check.errors == "✓ 5 runs, nothing damaged\n")
            let list = try JSONSerialization.jsonObject(with: Data(program.run("runs", "list", "--json").output.utf8))
            let runs = try #require(list as? [[String: Any]])
            let statuses = Dictionary(
                uniqueKeysWithValues: runs.compactMap { run in
                    (run["runId"] as? String).map { ($0, run["status"] as? String ?? "") }
                })
            #expect(
                statuses == [
                    "finished": "success", "asks": "waiting_human", "naps": "waiting", "refused": "failed",
                    "died": "running",
                ])
            for id in statuses.keys {
                let shown = try program.run("runs", "show", id, "--json")
                #expect(shown.status == 0, "\(id): \(shown.errors)")
                #expect(shown.output.contains("\"runId\": \"\(id)\""))
            }
        }

        @Test(arguments: [["runs", "list"], ["runs", "show", "finished"], ["runs", "check"]])
        func `a look at it does not upgrade it while somebody has it open`(_ look: [String]) throws {
            let program = try open("v2.db")
            defer { program.remove() }
            func schema(_ connection: OtherConnection) throws -> Int { try connection.number("PRAGMA user_version") }
            let other = try OtherConnection(program.folder.appendingPathComponent(".aikit/runs.db").path)
            try other.execute("PRAGMA journal_mode = WAL; BEGIN IMMEDIATE; COMMIT")
            let before = try schema(other)
            let looked = try program.run(look)
            #expect(looked.status == 0, "\(looked.errors)")
            #expect(look == ["runs", "check"] || looked.output.contains("finished"))
            #expect(try schema(other) == before)
            other.close()
            #expect(try program.run(look).status == 0)
            let after = try OtherConnection(program.folder.appendingPathComponent(".aikit/runs.db").path)
            #expect(try schema(after) > before)
        }

        @Test(arguments: [
            ["resume", "asks", "--data", #"{"ok":true}"#], ["runs", "recover"], ["runs", "cancel", "asks"],
            ["runs", "prune", "--older-than", "1d"], ["run", "other.lua", "--run-id", "other"],
        ])
        func `what writes leaves it to an older version while that has it open`(_ command: [String]) throws {
            let program = try open("v2.db")
            defer { program.remove() }
            try program.write(
                "return require('aikit').workflow { id = 'o' }:step { id = 's', handler = function() return 1 end }:commit()",
                to: "other.lua")
            let path = program.folder.appendingPathComponent(".aikit/runs.db").path
            let other = try OtherConnection(path)
            try other.execute("PRAGMA journal_mode = WAL; BEGIN IMMEDIATE; COMMIT")
            let before = try other.number("PRAGMA user_version")
            let refused = try program.run(command)
            #expect(refused.status == 2, "\(refused.errors)")
            let process = ProcessInfo.processInfo.processIdentifier
            #expect(refused.errors.contains("open in process \(process)"), "\(refused.errors)")
            #expect(refused.errors.contains("end process \(process) first"), "\(refused.errors)")
            #expect(try other.number("PRAGMA user_version") == before)
            let saved = try program.run("store", "backup", "saved.db")
            #expect(saved.status == 0, "\(saved.errors)")
            #expect(try other.number("PRAGMA user_version") == before)
            other.close()
            #expect(try program.run(command).status == 0)
            let after = try OtherConnection(path)
            #expect(try after.number("PRAGMA user_version") > before)
        }

        @Test func `processes of one version upgrade it at once`() throws {
            for _ in 0..<4 {
                let program = try open("v2.db")
                defer { program.remove() }
                try program.write(
                    "return require('aikit').workflow { id = 'o' }:step { id = 's', handler = function() return 1 end }:commit()",
                    to: "other.lua")
                let runs = try (0..<6).map { try RunningProgram(program, "run", "other.lua", "--run-id", "o\($0)") }
                for run in runs {
                    let outcome = run.finish()
                    #expect(outcome.status == 0, "\(outcome.errors)")
                }
            }
        }

        @Test func `a store without a queue has one, and its runs go on`() throws {
            let program = try open("v2.db")
            defer { program.remove() }
            #expect(try program.run("runs", "check").errors == "✓ 2 runs, nothing damaged\n")
            let answered = try program.run("resume", "asks", "--data", #"{"ok":true}"#)
            #expect(answered.status == 0, "\(answered.errors)")
            #expect(try program.run("runs", "list", "--json").output.contains(#""runId": "finished""#))
        }

        @Test func `its runs go on to their ends`() throws {
            let program = try open()
            defer { program.remove() }
            let answered = try program.run("resume", "asks", "--data", #"{"ok":true}"#)
            #expect(answered.status == 0, "\(answered.errors)")
            #expect(answered.output.filter { !$0.isWhitespace } == #"{"ok":true}"#)
            let died = try program.run("runs", "recover", "died")
            #expect(died.status == 0, "\(died.errors)")
            #expect(try program.run("runs", "show", "died", "--json").output.contains(#""n": 2"#))
            let naps = try program.run("runs", "recover", "naps")
            #expect(naps.status == 3, "\(naps.errors)")
            #expect(try program.run("runs", "show", "naps").output.contains("waiting"))
            #expect(try program.run("runs", "prune").errors.contains("removed 4 runs"))
            #expect(try program.run("runs", "check").errors == "✓ 1 run, nothing damaged\n")
        }

        @Test func `a time that has come by now is over when the run is recovered`() async throws {
            let program = try open()
            defer { program.remove() }
            let clock = VirtualClock(startingAt: 1_882_239_700_976_001)
            let path = program.folder.appendingPathComponent(".aikit/runs.db").path
            let journal = try SQLiteJournal(path: path, clock: clock)
            let engine = WorkflowEngine(workers: 1, clock: clock, host: NoHostOperations(), journal: journal)
            let scripts = StoredScripts(journal, on: engine)
            let runs = Mutex<[WorkflowRun]>([])
            let failures = try await engine.recover(
                load: { try await scripts.workflow(of: $0) }, began: { run in runs.withLock { $0.append(run) } })
            #expect(failures.isEmpty)
            let naps = try #require(runs.withLock { $0.first { $0.id == "naps" } })
            #expect(try await naps.settled().status == .success)
            engine.shutdown()
            await journal.close()
        }
    }
}
