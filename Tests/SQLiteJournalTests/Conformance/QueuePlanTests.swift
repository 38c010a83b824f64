import FlatValue
import GRDB
import GRDBSQLite
internal import StoreConformance
import Synchronization
internal import Testing
import WorkflowCore
import WorkflowEngine

@testable import SQLiteJournal

/// What a connection was asked.
private final class Statements: Sendable {
    private let texts = Mutex<Set<String>>([])

    var all: Set<String> { texts.withLock { $0 } }

    func note(_ text: String) { texts.withLock { _ = $0.insert(text) } }
}

/// A clock on which each look is a microsecond later than the one before.
private final class CountingClock: EngineClock {
    private let time = Atomic<Int64>(1_000_000_000)

    var latest: Int64 { time.load(ordering: .sequentiallyConsistent) }

    func now() -> Int64 { time.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue }
    func skip(to deadline: Int64) -> Bool { false }
}

@Suite("What a look at the queue reads")
struct QueuePlanTests {
    @Test func `no statement reads the whole queue, so that its length costs nothing`() async throws {
        let folder = try TemporaryDirectory()
        let path = folder.store
        let clock = VirtualClock(startingAt: 1_000_000_000)
        let journal = try SQLiteJournal(path: path, options: SQLiteJournalOptions(), clock: clock)
        let statements = Statements()
        try await journal.onWriter { writer throws(JournalError) in
            writer.database.trace { (event: Database.TraceEvent) in
                if case .statement(let statement) = event { statements.note(statement.sql) }
            }
        }
        try await work(journal, clock)
        await journal.close()
        let database = try DatabaseQueue(path: path)
        let plans = try await database.read { database in
            try statements.all.filter { $0.contains("queue") }.sorted().map { text in
                let statement = try database.makeStatement(sql: "EXPLAIN QUERY PLAN " + text)
                statement.setUncheckedArguments(StatementArguments())
                return (text, try Row.fetchAll(statement).map { $0["detail"] as String })
            }
        }
        #expect(plans.count >= 15)
        // The first look of a process reads the starts of rates, which may lie ahead of its clock.
        for (text, steps) in plans where !text.hasPrefix("UPDATE queue_starts SET time") {
            for step in steps where step.hasPrefix("SCAN queue") {
                // These indexes hold the few runs that it asks for, and no others.
                let isShort = ["queue_replaced", "queue_rivals", "queue_early"].contains {
                    step.hasSuffix(" USING INDEX \($0)")
                }
                #expect(isShort, "\(step) in: \(text)")
            }
        }
    }

    @Test func `no statement is prepared anew for other values`() async throws {
        let folder = try TemporaryDirectory()
        let clock = VirtualClock(startingAt: 1_000_000_000)
        let journal = try SQLiteJournal(path: folder.store, options: SQLiteJournalOptions(), clock: clock)
        try await work(journal, clock)
        _ = try await preparedAnew(journal)
        try await work(journal, clock, named: "s")
        #expect(try await preparedAnew(journal) == [])
        await journal.close()
    }

    /// The statements that the writer has had SQLite prepare more than once since this was asked before.
    private func preparedAnew(_ journal: SQLiteJournal) async throws -> [String] {
        try await journal.onWriter { writer throws(JournalError) in
            var texts: [String] = []
            var statement = sqlite3_next_stmt(writer.database.sqliteConnection, nil)
            while let found = statement {
                if sqlite3_stmt_status(found, SQLITE_STMTSTATUS_REPREPARE, 1) > 0, let text = sqlite3_sql(found) {
                    texts.append(String(cString: text))
                }
                statement = sqlite3_next_stmt(writer.database.sqliteConnection, found)
            }
            return texts
        }
    }

    @Test func `a run begins at a time that is read while nobody else writes`() async throws {
        let folder = try TemporaryDirectory()
        let clock = CountingClock()
        let journal = try SQLiteJournal(path: folder.store, options: SQLiteJournalOptions(), clock: clock)
        let begun = Mutex<Int64>(0)
        try await journal.onWriter { writer throws(JournalError) in
            writer.database.trace { (event: Database.TraceEvent) in
                if case .statement(let statement) = event, statement.sql.hasPrefix("BEGIN") {
                    begun.withLock { $0 = clock.latest }
                }
            }
        }
        var ticket = QueueTicket()
        ticket.isLeft = true
        ticket.shares = [QueueTicket.Share(.concurrency, key: "k", limit: 1)]
        let run = TestRun("r")
        run.journaled.ticket = ticket
        #expect(await run.write(to: journal, status: .queued).isDurable)
        let pass = try await journal.admit(.all, limit: 1)
        let message = try #require(try pass.claims.first?.claim.get().run?.1.first)
        #expect(begun.withLock { $0 } > 0)
        #expect(message.postedAt > begun.withLock { $0 })
        await journal.close()
    }

    /// Has the queue do all that it can: every kind of limit meets a run that comes, begins, ends, is replaced and gives way.
    private func work(_ journal: SQLiteJournal, _ clock: VirtualClock, named prefix: String = "r") async throws {
        var running: [TestRun] = []
        for number in 0..<60 {
            var ticket = QueueTicket()
            ticket.isLeft = true
            ticket.priority = Int64(number % 3)
            let key = "k\(number % 2)"
            ticket.shares = [
                QueueTicket.Share(.concurrency, key: key, limit: 2),
                QueueTicket.Share(.rate, key: key, limit: 3, period: 1_000_000),
            ]
            if number % 4 == 0 {
                ticket.shares.append(QueueTicket.Share(.singleton, key: "s\(number % 3)", limit: 1))
                ticket.onConflict = [.skip, .queue, .cancelRunning][number / 4 % 3]
            }
            if number % 5 == 0 {
                ticket.debounce = "d"
                ticket.readyAt = clock.now() + 500_000
            }
            let run = TestRun("\(prefix)\(number)")
            run.journaled.ticket = ticket
            _ = await run.write(to: journal, status: .queued)
            running += try await journal.admit(.all, limit: 64).claims.compactMap { try $0.claim.get().run?.0 }
            if number % 3 == 0, !running.isEmpty {
                #expect(await running.removeFirst().write(to: journal, status: .success).isDurable)
            }
            if number % 10 == 0 { clock.set(clock.now() + 700_000) }
            _ = try await journal.admit(.runs(["\(prefix)\(number)"]), limit: 64)
            _ = try await journal.places(of: ["\(prefix)\(number)"])
        }
        clock.set(clock.now() + 10_000_000)
        for run in running { #expect(await run.write(to: journal, status: .success).isDurable) }
        _ = try await journal.admit(.all, limit: 64)
        #expect(try await journal.queueFigures().waiting > 0)
    }
}
