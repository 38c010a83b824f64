internal import StoredEntries
internal import WorkflowCore
internal import WorkflowEngine

/// What the writer keeps with a run that it knows, as its ``JournaledRun/lease``. It changes only when a transaction
/// is in the store.
final class PostgresLease {
    /// The store's number for the run.
    let row: Int64
    /// The owner that may write the run; a write under another one is refused. -1 once it was let go.
    var fence: Int64
    /// How many events and how many arena bytes the journal has; -1 while the run is not known to be in the store.
    var sequence: Int
    var arena: Int
    /// The status that the row in `runs` shows.
    var shown: RunMachine.Status

    /// Where the run stands after the entries that are being put together, if they are those of the round of this
    /// number.
    var draft: (round: Int, sequence: Int, arena: Int, entry: Int) = (0, 0, 0, 0)

    init(row: Int64, fence: Int64, sequence: Int = -1, arena: Int = 0, shown: RunMachine.Status = .running) {
        self.row = row
        self.fence = fence
        self.sequence = sequence
        self.arena = arena
        self.shown = shown
    }
}

extension JournaledRun {
    /// The run's lease; nil if no store in PostgreSQL knows the run.
    @inline(__always)
    var postgresLease: PostgresLease? {
        // An exact comparison costs a fraction of a conditional cast, and this is asked for with every entry.
        guard let lease, type(of: lease) == PostgresLease.self else { return nil }
        return unsafeDowncast(lease, to: PostgresLease.self)
    }
}
