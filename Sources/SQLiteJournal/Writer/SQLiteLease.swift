internal import WorkflowCore
internal import WorkflowEngine

/// What the writer keeps with a run that is in the store, as its ``JournaledRun/lease``.
final class SQLiteLease {
    /// The store's number for the run; 0 while it has none.
    var row: Int64 = 0
    /// The owner that may write the run; a write under another one is refused. 0 for none, -1 once it was let go.
    var fence: Int64 = 0
    var head = JournalHead()
}

extension JournaledRun {
    /// The run's lease; nil if no SQLite store knows the run.
    @inline(__always)
    var sqliteLease: SQLiteLease? {
        // An exact comparison costs a fraction of a conditional cast, and this is asked for with every entry.
        guard let lease, type(of: lease) == SQLiteLease.self else { return nil }
        return unsafeDowncast(lease, to: SQLiteLease.self)
    }

    /// The run's lease, which a run that is new to the store gets now.
    @inline(__always)
    func makeSQLiteLease() -> SQLiteLease {
        if let lease = sqliteLease { return lease }
        let made = SQLiteLease()
        lease = made
        return made
    }
}

/// The end of a run's journal, which the writer keeps at hand so that it need not be read before each entry.
struct JournalHead: Equatable {
    /// How many events and how many arena bytes the journal has.
    var sequence = 0
    var arena = 0
    /// The newest entry, as the store numbers entries; 0 for none.
    var entry: Int64 = 0
    var status = RunMachine.Status.queued
    var wakeAt: Int64 = 0
    var time: Int64 = 0
    /// The row in `runs` is behind the entries.
    var isBehind = false

    /// The head after an entry, which the store numbered.
    func advanced(by entry: JournalEntry, numbered number: Int64) -> JournalHead {
        var head = self
        head.sequence += entry.events.count / MemoryLayout<Event>.stride
        head.arena += entry.arena.count
        head.entry = number
        head.status = entry.status
        head.wakeAt = entry.wakeAt
        head.time = entry.time
        return head
    }
}
