internal import FlatValue
internal import GRDB
internal import StoreConformance
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

@testable internal import SQLiteJournal

@Suite("The writer of a store")
struct WriterTests {
    @Test(arguments: [(SQLiteJournalOptions.Durability.full, 2), (.normal, 1)])
    func `commits wait for the disk as the mode says, also after one that did not have to`(
        _ durability: SQLiteJournalOptions.Durability, _ level: Int
    ) async throws {
        let journal = try SQLiteJournal(
            path: TemporaryDirectory().store, options: SQLiteJournalOptions(durability: durability))
        let run = TestRun("r1")
        await run.write(to: journal)
        try await journal.release([run.journaled])
        #expect(try await journal.number("PRAGMA synchronous") == level)
        await journal.close()
    }

    @Test func `several journals make a store at once`() async throws {
        let path = try TemporaryDirectory().store
        let written = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<8 {
                group.addTask {
                    let journal = try SQLiteJournal(path: path)
                    let isDurable = await TestRun("r\(number)").write(to: journal).isDurable
                    await journal.close()
                    return isDurable
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(written == 8)
    }

    @Test func `a payload that many runs carry is stored once, and goes with the last of them`() async throws {
        let journal = try SQLiteJournal(
            path: TemporaryDirectory().store, options: SQLiteJournalOptions(largePayload: 1000))
        let document = Value(String(repeating: "document ", count: 1000))
        for number in 0..<5 {
            await TestRun("r\(number)").write(document, to: journal, status: .success, time: Int64(number))
        }
        #expect(try await journal.statistics().contents == 1)
        #expect(try await journal.prune(PruneFilter(endedBefore: 4)).contents == 0)
        #expect(try await journal.load("r4") != nil)
        #expect(try await journal.prune(PruneFilter()).contents == 1)
        #expect(try await journal.statistics().contents == 0)
        await journal.close()
    }

    @Test func `rows that are behind are brought up to date`() async throws {
        let journal = try SQLiteJournal(path: TemporaryDirectory().store)
        let run = TestRun("r1")
        for _ in 0..<3 { await run.write(to: journal) }
        try await journal.release([run.journaled])
        #expect(try await journal.number("SELECT sequence FROM runs") == 3)
        #expect(try await journal.number("SELECT count(*) FROM owners WHERE behind_from IS NOT NULL") == 0)
        await journal.close()
    }

    @Test func `numbers of entries are not used again`() async throws {
        let journal = try SQLiteJournal(path: TemporaryDirectory().store)
        await TestRun("r1").write(to: journal, status: .success)
        let newest = try await journal.number("SELECT max(id) FROM entries")
        #expect(try await journal.delete("r1"))
        await TestRun("r2").write(to: journal)
        #expect(try await journal.number("SELECT max(id) FROM entries") > newest)
        await journal.close()
    }
}

extension SQLiteJournal {
    /// A number that the writer's connection reads.
    fileprivate func number(_ sql: String) async throws -> Int {
        try await onWriter { writer throws(JournalError) in
            do {
                return try Int.fetchOne(writer.database, sql: sql) ?? -1
            } catch {
                throw JournalError(code: .storeFailed, message: "\(error)")
            }
        }
    }
}
