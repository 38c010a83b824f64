internal import SQLiteJournal
internal import WorkflowEngine

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

    /// Lets time pass.
    func wait(_ microseconds: Int64) { _ = clock.skip(to: clock.now() + microseconds) }
}
