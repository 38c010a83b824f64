internal import Synchronization
public import WorkflowEngine

/// Runs in a PostgreSQL database, which any number of machines may share.
///
/// An entry that was acknowledged is committed. What is written while the database cannot be reached waits and is
/// written when it can, also by another server after a failover. The library libpq is loaded when the store is
/// opened. The caller ends with ``close()``.
///
/// ```swift
/// let journal = try PostgresJournal("postgresql://app@db.example/runs")
/// ```
public final class PostgresJournal: RunJournal, Sendable {
    let address: PostgresAddress
    let options: PostgresJournalOptions
    let clock: any EngineClock
    let writer: Writer
    let sessions: Sessions
    let listener: InboxListener
    private let hasStarted = Atomic<Bool>(false)

    /// Whether a text is the address of a database: a URI that begins with `postgres://` or `postgresql://`.
    public static func isAddress(_ text: String) -> Bool { PostgresAddress.isAddress(text) }

    /// An address that may be shown to people: without its password.
    public static func printable(_ address: String) -> String { PostgresAddress.printable(address) }

    /// Makes a store of an address; what cannot be reached fails at its first use.
    ///
    /// - Parameters:
    ///   - address: a connection URI as libpq has them, also with several hosts. What it does not set comes from the
    ///     environment (`PGPASSWORD`, `PGSSLMODE`…) and from `~/.pgpass`.
    ///   - clock: the time that events and messages have; leases go by the database's.
    /// - Throws: ``JournalError`` with the code `store_unavailable` if the address cannot be read, or libpq is not
    ///   there.
    public init(
        _ address: String, options: PostgresJournalOptions = PostgresJournalOptions(),
        clock: any EngineClock = SystemClock()
    ) throws(JournalError) {
        let address = try PostgresAddress(address)
        self.address = address
        self.options = options
        self.clock = clock
        let writer = Writer(address, options, clock: clock, ownerName: processName())
        self.writer = writer
        sessions = Sessions(address, options)
        listener = InboxListener(
            address, options, heard: { writer.queue.post(.look) },
            changed: { isListening in
                writer.queue.post(
                    .job(
                        Writer.Job(
                            attempt: { writer in
                                writer.inbox.isListening = isListening
                                return {}
                            }, fail: { _ in })))
            })
    }

    deinit {
        listener.stop()
        if hasStarted.load(ordering: .acquiring) { _ = writer.queue.post(.close({}), closing: true) }
    }

    package func submit(
        _ batch: JournalBatch, answer: @escaping @Sendable (JournalBatch, [JournalOutcome]) -> Void
    ) {
        if writer.queue.post(.batch(batch, answer)) {
            startWriter()
        } else {
            answer(batch, Array(repeating: .failed(.closed(name)), count: batch.entries.count))
        }
    }

    package func close() async {
        listener.stop()
        await withCheckedContinuation { continuation in
            guard writer.queue.post(.close({ continuation.resume() }), closing: true) else {
                return continuation.resume()
            }
            startWriter()
        }
        await sessions.close()
    }

    private func startWriter() {
        if hasStarted.load(ordering: .relaxed) { return }
        guard hasStarted.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged
        else { return }
        WorkerThread.start { [writer] in writer.work() }
    }

    /// Runs `body` on the writer's thread; again as long as the store cannot be reached.
    func onWriter<Result: Sendable>(
        _ body: @escaping @Sendable (Writer) throws -> Result
    ) async throws(JournalError) -> Result {
        let result: Swift.Result<Result, JournalError> = await withCheckedContinuation { continuation in
            let isOpen = writer.queue.post(
                .job(
                    Writer.Job(
                        attempt: { writer in
                            let result = try body(writer)
                            return { continuation.resume(returning: .success(result)) }
                        }, fail: { continuation.resume(returning: .failure($0)) })))
            if isOpen { startWriter() } else { continuation.resume(returning: .failure(.closed(name))) }
        }
        return try result.get()
    }

    /// This journal's number among the owners; 0 for none.
    var owner: Int64 { writer.ownNumber.load(ordering: .relaxed) }
}

extension JournalError {
    static func closed(_ name: String) -> JournalError {
        JournalError(code: .storeClosed, message: "the store \(name) has been closed")
    }
}
