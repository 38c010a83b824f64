package import FlatValue
package import WorkflowCore

/// Who a run is, as the journal knows it.
///
/// Made once by the worker that starts or loads the run, and shared with the journal's writer.
package final class JournaledRun: @unchecked Sendable {
    package let id: String
    package let workflow: String
    /// The hash of the script and all of its modules; empty for workflows written in Swift.
    package let generation: String
    /// The run that this one was forked or retried from.
    package let lineage: String?
    /// What the run is besides its events: with what it was started, and on what.
    package let origin: RunOrigin
    /// What the run may do while this process drives it; nil where nothing is recorded. Written before the run is handed out.
    package var allowance: Value?
    /// How the owner ended that the run was taken over from. Written before the run is handed out.
    package var ownerEnd = OwnerEnd.released
    /// Of which signal the process died that drove the run inside this owner, such as `SIGSEGV`; nil where it was another end.
    /// Written before the run is handed out.
    package var deathSignal: String?
    /// What the run waits by before it begins; nil where it begins at once. Written before the run is handed to the journal.
    package var ticket: QueueTicket?
    /// The run that this one follows on: what that one holds in the queue becomes this one's in the transaction of its first
    /// entry. Nil for none, and once that entry is in the journal.
    package var predecessor: JournaledRun?
    /// Where the input does not fit the workflow's schema, the run is given up in place of being recorded as one that failed.
    /// Written before the run is handed out.
    package var refusesInput = false
    /// The error object of a run that was given up so. Belongs to the worker until the run is lost.
    package var refusal: Value?
    /// The run that a singleton has in place of this one. Written by the journal before it answers.
    package var rival: String?
    /// The run has a place in the queue, from its start to its end. Written by the journal before it answers.
    package var isQueued = false
    /// The link of the newest entry that was put into a batch; nil before the first one. Belongs to whoever writes the run.
    package var link: EntryLink?
    /// What the store's adapter keeps with a run that it knows: an object of the adapter's own, nil until the run is in the
    /// store. Only the adapter touches it, on one thread at a time.
    package var lease: AnyObject?

    package init(
        id: String, workflow: String, generation: String, lineage: String? = nil, origin: RunOrigin = RunOrigin()
    ) {
        self.id = id
        self.workflow = workflow
        self.generation = generation
        self.lineage = lineage
        self.origin = origin
        allowance = origin.grant.isNull ? Value?.none : origin.grant
    }
}

extension JournaledRun {
    /// What the journal says of why code of the run was interrupted: `{ reason, signal? }`.
    package var interruption: Value {
        let reason =
            switch ownerEnd {
            case .diedAlone, .diedInCompany: "its process died"
            case .diedOfAnother: "another run ended its process"
            case .released, .none: "its process let it go"
            }
        let entries: [(String, Value)] = [("reason", Value(reason))]
        return Value(entries: entries + (deathSignal.map { [("signal", Value($0))] } ?? []))
    }

    /// A run as a store gives it, to be gone on with.
    package convenience init(_ stored: StoredRun) {
        let header = stored.header
        self.init(
            id: header.id, workflow: header.workflow, generation: header.generation, lineage: header.lineage,
            origin: header.origin)
        link = stored.entries.last?.link
    }
}

/// How the owner of a run ended.
package enum OwnerEnd: Sendable, Equatable {
    /// It goes on: the run only moved between processes of its owner, which has recorded why.
    case none
    /// It let the run go, or lives and only lost its lease: nothing speaks against the run.
    case released
    /// Its process died of the code of another run.
    case diedOfAnother
    /// Its process died while code of this run was under way, and of no other one.
    case diedAlone
    /// Its process died while code of several runs was under way: none of them is known to be the cause.
    case diedInCompany
}

/// One write of one run: the events and the arena bytes that follow on what the journal has.
package struct JournalEntry {
    package let run: JournaledRun
    /// How many events of the run the journal has before this entry; 0 begins the run.
    package let sequence: Int
    /// Where the entry's events (32 bytes each) and its arena bytes lie in the batch.
    package let events: Range<Int>
    package let arena: Range<Int>
    /// Where the run stands after the entry.
    package let status: RunMachine.Status
    /// When the earliest of its timers is due, in microseconds since 1970; 0 for none.
    package let wakeAt: Int64
    /// The time of the last event, in microseconds since 1970.
    package let time: Int64
    package let link: EntryLink
    /// What the run is found by from here on; nil where the entry does not change it.
    package let tags: RunTags?

    fileprivate init(
        run: JournaledRun, sequence: Int, events: Range<Int>, arena: Range<Int>, status: RunMachine.Status,
        wakeAt: Int64, time: Int64, link: EntryLink, tags: RunTags?
    ) {
        self.run = run
        self.sequence = sequence
        self.events = events
        self.arena = arena
        self.status = status
        self.wakeAt = wakeAt
        self.time = time
        self.link = link
        self.tags = tags
    }
}

/// What a worker hands to the journal in one go. It belongs to the worker, then to the journal, then to the worker again.
package final class JournalBatch: @unchecked Sendable {
    package var bytes = ByteArena()
    package var entries: [JournalEntry] = []
    /// What the worker needs to know its runs again, one for each entry; the journal does not look at them.
    package var runs: [AnyObject] = []
    /// Messages that entries take out of the inbox: a message is answered exactly if its entry is in the journal.
    package private(set) var settlements: [Settlement] = []
    /// Answers to messages to which no entry belongs.
    package private(set) var answers: [(message: Int64, answer: InboxAnswer)] = []

    /// The answer to a message, which becomes durable together with an entry.
    package struct Settlement: Sendable {
        /// The entry's place in the batch.
        package let entry: Int
        package let message: Int64
    }

    package init() {}

    /// Makes the batch ready for other entries, and keeps its memory unless that is much.
    package func empty() {
        bytes.removeAll()
        entries.removeAll(keepingCapacity: true)
        runs.removeAll(keepingCapacity: true)
        if !settlements.isEmpty { settlements.removeAll() }
        if !answers.isEmpty { answers.removeAll() }
    }

    deinit { bytes.deallocate() }

    /// Adds what a log holds beyond the first `events` events and the first `arena` bytes.
    package func add(
        _ log: RunLog, of run: JournaledRun, from events: Int, arena: Int, status: RunMachine.Status, wakeAt: Int64
    ) {
        let start = bytes.count
        bytes.append(log.eventBytes(from: events))
        let middle = bytes.count
        bytes.append(UnsafeRawBufferPointer(rebasing: log.arena.bytes[arena...]))
        append(
            run, sequence: events, events: start..<middle, arena: middle..<bytes.count, status: status, wakeAt: wakeAt,
            time: log.count > 0 ? log[log.count - 1].time : 0,
            tags: log.newest(.tagsSet, from: events).flatMap { try? RunTags(log.value($0.payload)) })
    }

    /// Adds an entry whose bytes are in the batch, and chains it to the run's entry before it.
    ///
    /// - Parameter tags: what the run is found by after the entry; nil where it does not change that.
    package func append(
        _ run: JournaledRun, sequence: Int, events: Range<Int>, arena: Range<Int>, status: RunMachine.Status,
        wakeAt: Int64, time: Int64, tags: RunTags? = nil
    ) {
        let link = (run.link ?? .start(of: run.id)).next(
            events: UnsafeRawBufferPointer(rebasing: bytes.bytes[events]),
            arena: UnsafeRawBufferPointer(rebasing: bytes.bytes[arena]))
        run.link = link
        entries.append(
            JournalEntry(
                run: run, sequence: sequence, events: events, arena: arena, status: status, wakeAt: wakeAt, time: time,
                link: link, tags: tags))
    }
}

extension JournalBatch {
    /// Lets the entry that was added last answer a message with "taken".
    package func settle(_ message: Int64) { settlements.append(Settlement(entry: entries.count - 1, message: message)) }

    /// Answers a message that led to no entry.
    package func answer(_ message: Int64, with answer: InboxAnswer) { answers.append((message, answer)) }
}

/// What became of one entry of a batch.
package enum JournalOutcome: Sendable {
    /// It is in the journal, as safe as the journal's mode makes it.
    case durable
    /// The journal has other events at that place: another worker owns the run, which has to be dropped here.
    case conflict
    /// It could not be written; nothing of it is in the journal.
    case failed(JournalError)
}

/// Where the events of runs are kept: the hot path of the store.
package protocol RunJournal: AnyObject, Sendable {
    /// Takes a batch and answers once, from any thread, when all of it is decided; one outcome for each entry, in order.
    ///
    /// Entries of one run arrive in order. Batches of several workers may be written together. An entry at sequence 0 makes
    /// the run, and this journal its owner; it is a conflict if the store has a run of that id, which
    /// ``RunReading/header(of:)`` then shows. Any other entry must follow on the run's newest event, and the run must still be
    /// owned by this journal.
    func submit(_ batch: JournalBatch, answer: @escaping @Sendable (JournalBatch, [JournalOutcome]) -> Void)
}
