internal import GRDB
internal import Synchronization
internal import WorkflowEngine

/// The connection for looking, opened when it is first needed; it never waits for the writer.
final class Reader: Sendable {
    private let path: String
    private let options: SQLiteJournalOptions
    private let connection = Mutex<DatabaseQueue?>(nil)
    private let isClosed = Mutex(false)

    init(path: String, options: SQLiteJournalOptions) {
        self.path = path
        self.options = options
    }

    /// Runs `body` on one state of the store, off the caller's thread.
    func read<Result: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Result
    ) async throws(JournalError) -> Result {
        do {
            return try await open().read(body)
        } catch {
            throw JournalError(error, store: path)
        }
    }

    private func open() throws -> DatabaseQueue {
        try connection.withLock { connection in
            if isClosed.withLock({ $0 }) { throw JournalError.closed(path) }
            if let connection { return connection }
            let opened = try StoreDatabase.reader(path, options)
            connection = opened
            return opened
        }
    }

    func close() async {
        let open = connection.withLock { connection in
            isClosed.withLock { $0 = true }
            return connection.take()
        }
        try? open?.close()
    }
}
