internal import GRDB
internal import StoreConformance
internal import Testing
internal import WorkflowEngine

@testable internal import SQLiteJournal

@Suite("A store that a newer version upgrades while it is open")
struct NewerSchemaTests {
    private static let told = ["upgraded by a newer aikit-lua", "restart this process with that version"]

    private func upgrade(_ path: String, _ change: String) async throws {
        let other = try DatabaseQueue(path: path)
        try await other.write { try $0.execute(sql: "\(change); PRAGMA user_version = 99") }
        try other.close()
    }

    private func expectRefused(_ error: JournalError?) {
        #expect(error?.code == "store_newer")
        for text in Self.told { #expect(error?.message.contains(text) == true, "\(error?.message ?? "")") }
        #expect(error?.message.contains("aside") != true)
    }

    @Test(arguments: ["SELECT 1", "ALTER TABLE entries RENAME COLUMN link TO links"])
    func `it is neither written nor called damaged`(_ change: String) async throws {
        let directory = try TemporaryDirectory()
        let journal = try SQLiteJournal(path: directory.store)
        await TestRun("r1").write(to: journal)
        #expect(try await journal.load("r1") != nil)
        try await journal.checkWritable()
        try await upgrade(directory.store, change)
        expectRefused(await TestRun("r2").write(to: journal).error)
        do throws(JournalError) {
            try await journal.checkWritable()
            Issue.record("it is taken for ready")
        } catch {
            expectRefused(error)
        }
        if change != "SELECT 1" {
            do throws(JournalError) {
                _ = try await journal.load("r1")
                Issue.record("it was read")
            } catch {
                expectRefused(error)
            }
        }
        await journal.close()
    }
}
