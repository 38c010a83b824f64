import FlatValue
import GRDB
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
        for (text, steps) in plans {
            for step in steps where step.hasPrefix("SCAN queue") {
                // These indexes hold the few runs that it asks for, and no others.
                let isShort = ["queue_replaced", "queue_early"].contains { step.hasSuffix(" USING INDEX \($0)") }
                #expect(isShort, "\(step) in: \(text)")
            }
        }
    }

    /// Has the queue do all that it can: every kind of limit meets a run that comes, begins, ends, is replaced and gives way.
    private func work(_ journal: SQLiteJournal, _ clock: VirtualClock) async throws {
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
            let run = TestRun("r\(number)")
            run.journaled.ticket = ticket
            _ = await run.write(to: journal, status: .queued)
            running += try await journal.admit(.all, limit: 64).claims.compactMap { try $0.claim.get().run?.0 }
            if number % 3 == 0, !running.isEmpty {
                #expect(await running.removeFirst().write(to: journal, status: .success).isDurable)
            }
            if number % 10 == 0 { clock.set(clock.now() + 700_000) }
            _ = try await journal.admit(.runs(["r\(number)"]), limit: 64)
            _ = try await journal.places(of: ["r\(number)"])
        }
        clock.set(clock.now() + 10_000_000)
        for run in running { #expect(await run.write(to: journal, status: .success).isDurable) }
        _ = try await journal.admit(.all, limit: 64)
        #expect(try await journal.queueFigures().waiting > 0)
    }
}
