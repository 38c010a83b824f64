internal import GRDB
internal import StoreConformance
internal import Testing
internal import WorkflowEngine

@testable internal import SQLiteJournal

@Suite("A store in SQLite keeps the contract of stores")
struct StoreContractTests {
    @Test(.timeLimit(.minutes(1)), arguments: StoreContract.all)
    func `it does what every store does`(_ check: StoreCheck) async throws {
        try await check.run(try SQLiteBackend())
    }
}

/// One file, which journals open as so many processes would.
struct SQLiteBackend: StoreBackend {
    private let clock = VirtualClock()
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    func open() throws -> any RunStore {
        let options = SQLiteJournalOptions(lease: StoreContract.lease, largePayload: StoreContract.largePayload)
        return try SQLiteJournal(path: directory.store, options: options, clock: clock)
    }

    var now: Int64 { clock.now() }

    func skip(_ microseconds: Int64) { clock.set(clock.now() + microseconds) }

    func loseOwner(of journal: any RunStore) async throws {
        guard let journal = journal as? SQLiteJournal else { return }
        try await journal.onWriter { writer throws(JournalError) in writer.locks.unlock(writer.owner.number) }
    }

    func damage(_ run: String) async throws -> Bool {
        try await DatabaseQueue(path: directory.store).write { database in
            try database.execute(
                sql: """
                    UPDATE entries SET arena = zeroblob(length(arena))
                    WHERE id = (SELECT max(entries.id) FROM entries JOIN runs ON runs.row = entries.run WHERE runs.id = ?)
                    """, arguments: [run])
            return database.changesCount == 1
        }
    }

    func interrupt() async throws -> (@Sendable () async throws -> Void)? {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let other = try DatabaseQueue(path: directory.store, configuration: configuration)
        try await other.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
        return { try await other.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") } }
    }
}
