internal import FlatValue
internal import Foundation
internal import StoreConformance
internal import Synchronization
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

@testable internal import PostgresJournal

/// The address of a database for tests, which `scripts/postgres.sh start` prints; without it these tests are left out.
let database = ProcessInfo.processInfo.environment["AIKIT_LUA_TEST_POSTGRES"]

@Suite("A store in PostgreSQL keeps the contract of stores", .enabled(if: database != nil))
struct PostgresContractTests {
    @Test(.timeLimit(.minutes(1)), arguments: StoreContract.all)
    func `it does what every store does`(_ check: StoreCheck) async throws {
        let backend = PostgresBackend(try #require(database))
        do { try await check.run(backend) } catch {
            await backend.remove()
            throw error
        }
        await backend.remove()
    }
}

@Suite("A store in PostgreSQL outlives its connections", .enabled(if: database != nil))
struct PostgresConnectionTests {
    @Test(.timeLimit(.minutes(1)))
    func `a connection that is cut in the middle of writing loses and repeats nothing`() async throws {
        let backend = PostgresBackend(try #require(database))
        let journal = try backend.open()
        let runs = (0..<20).map { TestRun("r\($0)") }
        for run in runs { #expect(await run.write("begins", to: journal).isDurable) }
        let cutting = Task {
            while !Task.isCancelled {
                try await backend.cut()
                try await Task.sleep(for: .milliseconds(50))
            }
        }
        for round in 0..<25 {
            let batch = JournalBatch()
            for run in runs {
                run.add(.stepEvent, Value(Int64(round)))
                run.submit(in: batch)
            }
            #expect(await journal.write(batch).filter(\.isDurable).count == runs.count)
        }
        cutting.cancel()
        _ = await cutting.result
        for run in runs { #expect(run.matches(try await journal.load(run.journaled.id))) }
        #expect(try await journal.check().isEmpty)
        await journal.close()
        await backend.remove()
    }

    @Test(.timeLimit(.minutes(1)))
    func `runs begin once each, although connections are cut as they are let begin`() async throws {
        let backend = PostgresBackend(try #require(database))
        let journals = [try backend.open(), try backend.open()]
        let count = 40
        var ticket = QueueTicket()
        ticket.shares = [QueueTicket.Share(.concurrency, key: "k", limit: 3)]
        ticket.isLeft = true
        for number in 0..<count {
            let run = TestRun("r\(number)")
            run.journaled.ticket = ticket
            #expect(await run.write(to: journals[0], status: .queued).isDurable)
        }
        let begun = Starts()
        let cutting = Task {
            while !Task.isCancelled {
                // Long enough for a new connection to come to something, on a machine that is busy with others as well.
                try await Task.sleep(for: .milliseconds(.random(in: 50...200)))
                try await backend.cut()
            }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for journal in journals {
                group.addTask {
                    while begun.runs < count {
                        // A look that fails is made again, as the queue's service does it.
                        guard let pass = try? await journal.admit(.all, limit: 2) else { continue }
                        for (id, claim) in pass.claims {
                            guard let run = try claim.get().run?.0 else { continue }
                            begun.add(id)
                            #expect(await run.write(to: journal, status: .success).isDurable)
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        cutting.cancel()
        _ = await cutting.result
        #expect(begun.most == 1)
        #expect(try await journals[0].check().isEmpty)
        for journal in journals { await journal.close() }
        await backend.remove()
    }

    @Test(.timeLimit(.minutes(1)))
    func `a newer store is refused by an older program`() async throws {
        let backend = PostgresBackend(try #require(database))
        let first = try backend.open()
        _ = try await first.changeCount()
        await first.close()
        try await backend.administrate("UPDATE \"\(backend.schema)\".store SET version = 99")
        let second = try backend.open()
        await #expect(throws: JournalError.self) { try await second.changeCount() }
        #expect(await TestRun("r1").write(to: second).error?.code == "store_newer")
        await second.close()
        await backend.remove()
    }

    @Test(.timeLimit(.minutes(1)))
    func `many journals make a store at once`() async throws {
        let backend = PostgresBackend(try #require(database))
        let journals = try (0..<12).map { _ in try backend.open() }
        let outcomes = await withTaskGroup(of: Bool.self) { group in
            for (number, journal) in journals.enumerated() {
                group.addTask { await TestRun("r\(number)").write(to: journal).isDurable }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes == Array(repeating: true, count: 12))
        for journal in journals { await journal.close() }
        await backend.remove()
    }
}

/// How often each run has begun.
private final class Starts: Sendable {
    private let counts = Mutex<[String: Int]>([:])

    var runs: Int { counts.withLock { $0.count } }
    var most: Int { counts.withLock { $0.values.max() ?? 0 } }

    func add(_ run: String) { counts.withLock { $0[run, default: 0] += 1 } }
}

@Suite("The address of a database", .enabled(if: (try? PostgresLibrary.load()) != nil))
struct PostgresAddressTests {
    @Test(arguments: [
        "postgres://app:se%20cret@127.0.0.1:1/runs", "postgresql://app@127.0.0.1:1/runs?password=se%20cret",
    ])
    func `a password is never shown`(_ uri: String) async throws {
        #expect(!PostgresJournal.printable(uri).contains("cret"))
        let journal = try PostgresJournal(uri)
        let outcome = await TestRun("r1").write(to: journal)
        let message = try #require(outcome.error?.message)
        #expect(message.contains("postgresql://app@127.0.0.1:1/runs"))
        #expect(message.contains("refused"))
        #expect(!message.contains("cret"))
        await journal.close()
    }

    @Test(arguments: [
        "postgres://app:se@cret@host/runs", "postgres://h/runs?sslmoode=require",
        "postgres://%zz/", "postgres://[::1/runs",
    ])
    func `an address that cannot be read is refused at once`(_ uri: String) {
        do throws(JournalError) {
            _ = try PostgresJournal(uri)
            Issue.record("\(uri) was taken")
        } catch {
            #expect(error.code == "store_unavailable")
            #expect(!error.message.contains("cret"))
        }
    }
}

/// A schema of the database for each test.
struct PostgresBackend: StoreBackend {
    let schema = "test_\(UInt32.random(in: 0 ... .max))"
    private let uri: String
    private let clock = VirtualClock()

    init(_ uri: String) { self.uri = uri }

    func open() throws -> any RunStore { try open(at: uri) }

    /// Opens the store at another address of its server.
    func open(at uri: String, retryTime: Int64 = 20_000_000) throws -> any RunStore {
        var options = PostgresJournalOptions(
            schema: schema, retryTime: retryTime, lease: StoreContract.lease,
            largePayload: StoreContract.largePayload)
        options.queueTime = { [clock] in clock.now() }
        return try PostgresJournal(
            uri + (uri.contains("?") ? "&" : "?") + "application_name=\(schema)", options: options, clock: clock)
    }

    var now: Int64 { clock.now() }

    func skip(_ microseconds: Int64) async throws {
        clock.set(clock.now() + microseconds)
        try await administrate("UPDATE \"\(schema)\".owners SET lease_until = lease_until - \(microseconds)")
    }

    func loseOwner(of journal: any RunStore) async throws {
        guard let journal = journal as? PostgresJournal else { return }
        try await journal.onWriter { try $0.unlockOwner() }
    }

    func damage(_ run: String) async throws -> Bool {
        try await administrate(
            """
            UPDATE "\(schema)".entries SET arena = decode(repeat('00', length(arena)), 'hex')
            WHERE run = (SELECT row FROM "\(schema)".runs WHERE id = '\(run)')
            """)
        return true
    }

    func interrupt() async throws -> (@Sendable () async throws -> Void)? {
        let lock = try Held(Connection(PostgresAddress(uri), PostgresJournalOptions(), isWriter: false))
        try lock.connection.script("BEGIN; LOCK TABLE \"\(schema)\".entries IN EXCLUSIVE MODE")
        try await cut()
        return {
            try lock.connection.script("ROLLBACK")
        }
    }

    /// Ends all connections that use the schema.
    func cut() async throws {
        try await administrate(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE application_name = '\(schema)'
            """)
    }

    func administrate(_ sql: String) async throws {
        try await connection().script(sql)
    }

    /// A connection, also where tests beside this one end all that are being made.
    private func connection() async throws -> Connection {
        for _ in 0..<50 {
            if let connection = try? Connection(PostgresAddress(uri), PostgresJournalOptions(), isWriter: false) {
                return connection
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        return try Connection(PostgresAddress(uri), PostgresJournalOptions(), isWriter: false)
    }

    func remove() async { try? await administrate("DROP SCHEMA IF EXISTS \"\(schema)\" CASCADE") }
}

/// A connection that a closure keeps open.
private final class Held: @unchecked Sendable {
    let connection: Connection

    init(_ connection: Connection) { self.connection = connection }
}
