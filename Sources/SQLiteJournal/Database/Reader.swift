internal import GRDB
internal import Synchronization
internal import WorkflowEngine

/// The connection for looking, opened when it is first needed; it never waits for the writer.
final class Reader: Sendable {
    private let path: String
    private let options: SQLiteJournalOptions
    private let isView: Bool
    private let state = Mutex(State.unopened)

    private enum State {
        /// Goes to `open` or `closed`.
        case unopened
        case open(DatabaseQueue, StoreView?)
        /// Terminal.
        case closed
    }

    /// - Parameter isView: the store's files may not be written, and no writer has opened them.
    init(path: String, options: SQLiteJournalOptions, isView: Bool = false) {
        self.path = path
        self.options = options
        self.isView = isView
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
        try state.withLock { state in
            switch state {
            case .closed: throw JournalError.closed(path)
            case .open(let connection, _): return connection
            case .unopened:
                if isView { try StoreFile.checkKind(path) }
                let view = isView ? try StoreView(path, options) : nil
                let connection = try view?.connection ?? StoreDatabase.reader(path, options)
                state = .open(connection, view)
                return connection
            }
        }
    }

    func close() async {
        let before = state.withLock { state in
            defer { state = .closed }
            return state
        }
        guard case .open(let connection, let view) = before else { return }
        if let view { view.close() } else { try? connection.close() }
    }
}
