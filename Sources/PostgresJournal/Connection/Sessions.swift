internal import Synchronization
internal import WorkflowEngine

/// A small pool of connections for everything but the writing of runs: looking, messages, upkeep. Each belongs to a
/// thread; threads and connections come about when they are first needed.
final class Sessions: Sendable {
    private let address: PostgresAddress
    private let options: PostgresJournalOptions
    private let threads: [Thread]

    private static let count = 3

    init(_ address: PostgresAddress, _ options: PostgresJournalOptions) {
        self.address = address
        self.options = options
        threads = (0..<Self.count).map { _ in Thread() }
    }

    private enum Message {
        case job(@Sendable (Session) -> Void)
        case close(@Sendable () -> Void)
    }

    private final class Thread: Sendable {
        let queue = Inbox<Message>()
        let load = Atomic<Int>(0)
        let hasStarted = Atomic<Bool>(false)
    }

    /// Runs `body` on a connection, off the caller's thread. If the connection breaks it is run again with another one.
    func run<Result: Sendable>(
        _ body: @escaping @Sendable (Connection) throws -> Result
    ) async throws(JournalError) -> Result {
        let thread = threads.min { $0.load.load(ordering: .relaxed) < $1.load.load(ordering: .relaxed) }
        let result: Swift.Result<Result, JournalError> = await withCheckedContinuation { continuation in
            guard let thread else { return continuation.resume(returning: .failure(.closed(address.name))) }
            thread.load.add(1, ordering: .relaxed)
            let isTaken = thread.queue.post(
                .job { session in
                    let result = session.run(body)
                    thread.load.subtract(1, ordering: .relaxed)
                    continuation.resume(returning: result)
                })
            guard isTaken else { return continuation.resume(returning: .failure(.closed(address.name))) }
            start(thread)
        }
        return try result.get()
    }

    private func start(_ thread: Thread) {
        guard
            thread.hasStarted.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing)
                .exchanged
        else { return }
        WorkerThread.start { [address, options] in
            let session = Session(address, options)
            var messages: [Message] = []
            while true {
                thread.queue.take(into: &messages, waiting: nil)
                for message in messages {
                    switch message {
                    case .job(let job): job(session)
                    case .close(let answer):
                        session.close()
                        return answer()
                    }
                }
                messages.removeAll()
            }
        }
    }

    deinit {
        // The threads that there are end with their connections; those of a journal that was closed are over.
        for thread in threads { thread.queue.post(.close {}, closing: true) }
    }

    /// Ends the threads when they have done what waits.
    func close() async {
        for thread in threads {
            await withCheckedContinuation { continuation in
                let isTaken = thread.queue.post(.close { continuation.resume() }, closing: true)
                // A thread that never was is started to find that it is over.
                if isTaken { start(thread) } else { continuation.resume() }
            }
        }
    }
}

/// A connection that is made again when it breaks. It belongs to one thread.
private final class Session {
    private let address: PostgresAddress
    private let options: PostgresJournalOptions
    private var connection: Connection?
    private var hasConnected = false

    init(_ address: PostgresAddress, _ options: PostgresJournalOptions) {
        self.address = address
        self.options = options
    }

    /// How long something waits for a store that worked before, in nanoseconds.
    private var patience: Int64 { min(options.retryTime, 30_000_000) * 1000 }

    func run<Result>(_ body: (Connection) throws -> Result) -> Swift.Result<Result, JournalError> {
        var stall = RetryPause()
        while true {
            let failure: PostgresFailure
            do {
                return .success(try body(connect()))
            } catch let damage as RunDamage {
                return .failure(damage.error(store: address.name))
            } catch {
                failure = PostgresFailure(error)
            }
            if failure.endsConnection || connection?.isOpen != true { connection = nil }
            let waits = hasConnected || failure.isServerStarting && stall.age < options.connectTimeout * 1000
            guard failure.mayPass, waits, stall.age < patience else { return .failure(failure.error(address)) }
            stall = stall.postponed()
            pauseThread(stall.remaining)
        }
    }

    private func connect() throws -> Connection {
        if let connection, connection.isOpen { return connection }
        connection = nil
        let made = try Connection(address, options, isWriter: false)
        if !hasConnected { try Migration(made, address, options).run() }
        connection = made
        hasConnected = true
        return made
    }

    func close() { connection = nil }
}
