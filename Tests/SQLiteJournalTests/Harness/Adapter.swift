internal import WorkflowEngine

@testable internal import SQLiteJournal

/// The stores that have to behave alike.
enum Adapter: CaseIterable {
    case memory, sqlite

    func makeBackend() throws -> Backend {
        switch self {
        case .memory: Backend(clock: VirtualClock(), directory: nil, store: MemoryStore())
        case .sqlite: Backend(clock: VirtualClock(), directory: try TemporaryDirectory(), store: nil)
        }
    }
}

/// One store, which journals open as so many processes would.
struct Backend {
    let clock: VirtualClock
    let directory: TemporaryDirectory?
    let store: MemoryStore?

    static let lease: Int64 = 15_000_000

    func open() throws -> any RunStore {
        if let store { return MemoryJournal(store, lease: Self.lease, clock: clock) }
        return try SQLiteJournal(
            path: directory?.store ?? "", options: SQLiteJournalOptions(lease: Self.lease, largePayload: 4096),
            clock: clock)
    }

    /// Ends a journal as the death of its process does: its lock is gone, and nothing was let go.
    func loseOwner(of journal: any RunStore) async throws { try await (journal as? SQLiteJournal)?.loseLock() }

    /// Lets time pass.
    func wait(_ microseconds: Int64) { _ = clock.skip(to: clock.now() + microseconds) }
}

extension SQLiteJournal {
    /// Lets go of the lock that tells that the process lives, and of nothing else.
    fileprivate func loseLock() async throws {
        try await onWriter { writer throws(JournalError) in writer.locks.unlock(writer.owner.number) }
    }
}
