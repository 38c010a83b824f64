internal import FlatValue
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// The runs of this process, which end with it; what several ``MemoryJournal``s share.
package final class MemoryStore: Sendable {
    let contents = Mutex(Contents())

    package init() {}

    struct Contents {
        var runs: [String: StoredRow] = [:]
        /// Ids in the order in which the runs began.
        var order: [String] = []
        var generations: [String: ScriptGeneration] = [:]
        /// The owners that live, by number, with the generations that each holds.
        var owners: [Int64: (owner: RunOwner, held: Set<String>)] = [:]
        var messages: [(message: InboxMessage, answer: InboxAnswer?)] = []
        var watchers: [Int64: @Sendable ([InboxMessage]) -> Void] = [:]
        var schedules: [ScheduleMark] = []
        var queue = MemoryQueue()
        /// The waits that were noted, by the chain that waits and then by the one that it waits for.
        var waits: [String: [String: NotedWait]] = [:]
        var cache: [String: (value: Value, until: Int64)] = [:]
        var lastOwner: Int64 = 0
        var lastMessage: Int64 = 0
        var changes: Int64 = 0
    }

    /// A run and its events, touched under the lock of its store alone.
    final class StoredRow: @unchecked Sendable {
        var header: RunHeader
        var events: [UInt8] = []
        var arena: [UInt8] = []
        var entries: [StoredEntry] = []
        /// Who writes the run; nil for nobody, also once it has been removed.
        var owner: Int64?

        init(header: RunHeader, owner: Int64) {
            self.header = header
            self.owner = owner
        }
    }
}

extension MemoryStore.Contents {
    /// The run of an id; as in the other stores no run of one that only looks the same.
    func row(_ id: String) -> MemoryStore.StoredRow? {
        guard let row = runs[id], row.header.id.hasSameBytes(as: id) else { return nil }
        return row
    }

    /// The header as a journal sees it: with the owner, if that one lives and the run is not over.
    func header(of row: MemoryStore.StoredRow, for number: Int64, at now: Int64) -> RunHeader {
        var header = row.header
        header.owner = nil
        header.isHeld = queue.isHeld(row.header.id)
        header.isReleased = row.owner == nil && !header.status.isTerminal && !header.isHeld
        guard !header.status.isTerminal, let owner = row.owner.flatMap({ owners[$0]?.owner }) else { return header }
        if owner.leaseUntil > now || owner.number == number {
            header.owner = owner
            header.owner?.isSelf = owner.number == number
        }
        return header
    }

    /// Writes an entry, or finds that the run is somebody else's.
    mutating func write(
        _ entry: JournalEntry, _ bytes: UnsafeRawBufferPointer, as owner: Int64, at now: Int64
    ) -> JournalOutcome {
        let run = entry.run
        if entry.sequence == 0 {
            guard runs[run.id] == nil else { return .conflict }
            if let ticket = run.ticket {
                if let rival = queue.enter(run.id, run.workflow, ticket, at: now) {
                    run.rival = rival
                    return .failed(.singleton(run.workflow, rival))
                }
                run.isQueued = true
            } else if let predecessor = run.predecessor, queue.transfer(from: predecessor.id, to: run.id) {
                run.isQueued = true
            }
            let header = RunHeader(
                id: run.id, workflow: run.workflow, generation: run.generation, lineage: run.lineage,
                origin: run.origin,
                status: entry.status, createdAt: entry.time, updatedAt: entry.time, wakeAt: 0, sequence: 0, arena: 0,
                owner: nil)
            let row = MemoryStore.StoredRow(header: header, owner: owner)
            runs[run.id] = row
            order.append(run.id)
            run.lease = MemoryLease(on: row, owner: owner)
        }
        guard let row = run.memoryRow(of: owner), row.header.sequence == entry.sequence else { return .conflict }
        row.append(entry, bytes)
        if run.isQueued {
            if entry.sequence == 0, run.ticket?.isLeft == true { run.letGoInMemory() }
            if entry.status.isTerminal { leaveQueue(run.id, at: now) }
        }
        return .durable
    }
}

extension MemoryStore.StoredRow {
    func append(_ entry: JournalEntry, _ bytes: UnsafeRawBufferPointer) {
        events.append(contentsOf: bytes[entry.events])
        arena.append(contentsOf: bytes[entry.arena])
        header.sequence = events.count / MemoryLayout<Event>.stride
        header.arena = arena.count
        header.status = entry.status
        header.wakeAt = entry.wakeAt
        header.updatedAt = entry.time
        if let tags = entry.tags { header.tags = tags }
        entries.append(StoredEntry(sequence: header.sequence, arena: header.arena, link: entry.link))
    }

    /// The events after `sequence`, or after the end of an entry before it.
    func stored(_ header: RunHeader, after sequence: Int) -> StoredRun {
        let index = entries.lastIndex { $0.sequence <= sequence }
        let first = index.map { entries[$0] } ?? StoredEntry(sequence: 0, arena: 0, link: nil)
        var run = StoredRun(
            header: header, after: first.sequence,
            events: Array(events[(first.sequence * MemoryLayout<Event>.stride)...]), arena: Array(arena[first.arena...])
        )
        run.entries = Array(entries[(index.map { $0 + 1 } ?? 0)...])
        return run
    }
}

/// What a run in memory was given to its owner with, as its ``JournaledRun/lease``.
final class MemoryLease {
    let row: MemoryStore.StoredRow
    /// nil once it was let go.
    var owner: Int64?

    init(on row: MemoryStore.StoredRow, owner: Int64) {
        self.row = row
        self.owner = owner
    }
}

extension JournaledRun {
    /// The run as an owner may write it; nil where it is not that owner's, by its lease or in the store.
    func memoryRow(of owner: Int64) -> MemoryStore.StoredRow? {
        guard let lease = lease as? MemoryLease, lease.owner == owner, lease.row.owner == owner else { return nil }
        return lease.row
    }

    /// Takes the run from its owner.
    func letGoInMemory() {
        guard let lease = lease as? MemoryLease else { return }
        lease.row.owner = nil
        lease.owner = nil
    }
}
