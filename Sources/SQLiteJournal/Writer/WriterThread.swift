internal import GRDB
internal import Platform
internal import Synchronization
internal import WorkflowEngine

/// The thread of a store's ``Writer``, from the opening of the store to its end.
final class WriterThread: Sendable {
    let queue = Inbox<Writer.Message>()
    /// The writer's number among the owners of runs, for other threads; 0 while it owns nothing.
    let ownNumber = OwnNumber()
    private let name: StoreName
    private let options: SQLiteJournalOptions
    private let clock: any EngineClock
    private let hasOpened = Atomic<Bool>(false)

    init(name: StoreName, options: SQLiteJournalOptions, clock: any EngineClock) {
        self.name = name
        self.options = options
        self.clock = clock
    }

    var isOpen: Bool { hasOpened.load(ordering: .acquiring) }

    /// Opens the store on the caller's thread and leaves it to a thread of its own.
    func open() throws(JournalError) {
        let store = try openStore()
        WorkerThread.start { [self] in work(store, first: []) }
    }

    /// Opens the store on a thread of its own, as soon as there is one or there has to be one.
    func openLater() {
        WorkerThread.start { [self] in
            var messages: [Writer.Message] = []
            if options.creates, access(name.text, F_OK) != 0 {
                queue.take(into: &messages, waiting: nil)
                // Nothing was ever written.
                if messages.count == 1, case .close(let answer) = messages[0] { return answer() }
            }
            do throws(JournalError) {
                work(try openStore(), first: messages)
            } catch {
                refuse(with: error, first: messages)
            }
        }
    }

    private typealias OpenStore = (connection: DatabaseQueue, writer: Writer)

    private func openStore() throws(JournalError) -> OpenStore {
        let path = try name.resolved()
        let connection = try StoreDatabase.writer(path, options)
        do {
            let writer = try connection.inDatabase {
                try Writer($0, queue, ownNumber, path: path, options: options, clock: clock)
            }
            hasOpened.store(true, ordering: .releasing)
            return (connection, writer)
        } catch {
            throw JournalError(error, store: path.name)
        }
    }

    private func work(_ store: OpenStore, first messages: [Writer.Message]) {
        store.connection.inDatabase { _ in store.writer.work(first: messages) }
        try? store.connection.close()
        store.writer.finish()
    }

    /// Answers everything with the reason why there is no store.
    private func refuse(with error: JournalError, first: [Writer.Message]) {
        var messages = first
        while true {
            for message in messages {
                switch message {
                case .batch(let batch, let answer):
                    answer(batch, Array(repeating: .failed(error), count: batch.entries.count))
                case .job(let job): job(.failure(error))
                case .close(let answer): return answer()
                }
            }
            messages.removeAll()
            queue.take(into: &messages, waiting: nil)
        }
    }
}

/// A number that one thread changes and others read.
final class OwnNumber: Sendable {
    private let number = Atomic<Int64>(0)

    var value: Int64 {
        get { number.load(ordering: .relaxed) }
        set { number.store(newValue, ordering: .relaxed) }
    }
}
