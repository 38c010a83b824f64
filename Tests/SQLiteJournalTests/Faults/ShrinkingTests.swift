internal import FlatValue
internal import Foundation
internal import GRDB
internal import StoreConformance
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

@testable internal import SQLiteJournal

@Suite("A store shrinks when runs are pruned")
struct ShrinkingTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func size(_ path: String? = nil) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path ?? directory.store)
        return try #require(attributes[.size] as? Int)
    }

    private func fill(_ journal: SQLiteJournal, runs: Int) async {
        for number in 0..<runs {
            let run = TestRun("r\(number)")
            for _ in 0..<5 { await run.write(Value(String(repeating: "\(number)x", count: 30_000)), to: journal) }
            await run.write("end", to: journal, status: .success)
        }
    }

    @Test(arguments: [false, true]) func `the file gives back what the runs took`(whole: Bool) async throws {
        let journal = try SQLiteJournal(path: directory.store, options: SQLiteJournalOptions(durability: .normal))
        await fill(journal, runs: 20)
        let report = try await journal.prune(PruneFilter(keep: 1, vacuum: whole))
        #expect(report.runs == 19)
        #expect(report.contents > 0)
        #expect(report.freed > 19 * 100_000)
        #expect(try size() < 1_000_000)
        #expect(try await journal.check() == [])
        #expect(try await journal.statistics().freeBytes < 100_000)
        await journal.close()
    }

    @Test func `values that nothing refers to are removed, also those of damaged runs`() async throws {
        let journal = try SQLiteJournal(path: directory.store, options: SQLiteJournalOptions(largePayload: 4096))
        await fill(journal, runs: 2)
        try await journal.onWriter { writer throws(JournalError) in
            try writer.transaction { try writer.database.execute(sql: "DELETE FROM runs WHERE id = 'r0'") }
        }
        _ = try await journal.prune(PruneFilter())
        let left = try await journal.onWriter { writer throws(JournalError) in
            try writer.look { database in
                try ["entries", "contents", "content_uses"].map { table in
                    try Int.fetchOne(database, sql: "SELECT count(*) FROM \(table)") ?? -1
                }
            }
        }
        #expect(left == [0, 0, 0])
        await journal.close()
    }

    @Test(.enabled(if: SmallDisk.isPossible, "this machine lets nobody mount"), arguments: [false, true])
    func `runs can be pruned on a disk without any room`(whole: Bool) async throws {
        let disk = try SmallDisk(kilobytes: 3000)
        defer { disk.unmount() }
        let path = disk.path + "/runs.db"
        let journal = try SQLiteJournal(path: path, options: SQLiteJournalOptions(retryTime: 0))
        for number in 0..<10 {
            let run = TestRun("r\(number)")
            await run.write(Value(String(repeating: "x", count: 50_000)), to: journal)
            await run.write("end", to: journal, status: .success)
        }
        await journal.close()
        // Somebody else takes all that is left.
        _ = FileManager.default.createFile(atPath: disk.path + "/other", contents: nil)
        let other = try #require(FileHandle(forWritingAtPath: disk.path + "/other"))
        while (try? other.write(contentsOf: Data(count: 4096))) != nil {}
        var options = SQLiteJournalOptions(creates: false, retryTime: 0)
        options.usesReserve = true
        let pruning = try SQLiteJournal(path: path, options: options)
        #expect(try await pruning.prune(PruneFilter(vacuum: whole)).runs == 10)
        #expect(try await pruning.check() == [])
        await pruning.close()
        #expect(try size(path) < 300_000)
        // With the room that came back the next one can prune on a full disk again.
        #expect(try size(path + "-owners") > 100_000)
    }
}
