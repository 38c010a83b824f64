internal import GRDB
internal import Synchronization
internal import WorkflowEngine

/// The connection for looking, opened when it is first needed; it never waits for the writer.
final class Reader: Sendable {
    private let name: StoreName
    private let options: SQLiteJournalOptions
    private let isView: Bool
    private let state = Mutex(State())

    private struct State {
        var phase = Phase.unopened
        /// How many reads are under way on the connection, which is not closed before there are none.
        var readers = 0
        /// Called once there are none.
        var closing: (@Sendable () -> Void)?
    }

    private enum Phase {
        /// Goes to `open` or `closed`.
        case unopened
        case open(DatabaseQueue, StoreView?)
        /// Terminal.
        case closed
    }

    /// - Parameter isView: the store's files may not be written, and no writer has opened them.
    init(name: StoreName, options: SQLiteJournalOptions, isView: Bool = false) {
        self.name = name
        self.options = options
        self.isView = isView
    }

    /// Runs `body` on one state of the store, off the caller's thread.
    func read<Result: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Result
    ) async throws(JournalError) -> Result {
        do {
            let connection = try begin()
            defer { end() }
            let path = name.text
            return try await connection.read { database in
                do { return try body(database) } catch { throw JournalError(error, store: path, database) }
            }
        } catch {
            throw JournalError(error, store: name.text)
        }
    }

    /// The connection, which stays open until ``end()``.
    private func begin() throws -> DatabaseQueue {
        try state.withLock { state in
            let connection = try open(&state.phase)
            state.readers += 1
            return connection
        }
    }

    private func end() {
        let closing = state.withLock { state in
            state.readers -= 1
            return state.readers == 0 ? state.closing : nil
        }
        closing?()
    }

    private func open(_ phase: inout Phase) throws -> DatabaseQueue {
        switch phase {
        case .closed: throw JournalError.closed(name.text)
        case .open(let connection, _): return connection
        case .unopened:
            let path = try name.resolved()
            if isView { try StoreFile.checkKind(path) }
            let view = isView ? try StoreView(path, options) : nil
            let connection = try view?.connection ?? StoreDatabase.reader(path, options)
            phase = .open(connection, view)
            return connection
        }
    }

    /// Ends with the reads that are under way; later ones are refused. GRDB takes no access to a connection that is closed.
    func close() async {
        let before = state.withLock { state in
            defer { state.phase = .closed }
            return state.phase
        }
        guard case .open(let connection, let view) = before else { return }
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                if state.readers > 0 { state.closing = { continuation.resume() } }
                return state.readers == 0
            }
            if isIdle { continuation.resume() }
        }
        if let view { view.close() } else { try? connection.close() }
    }
}
