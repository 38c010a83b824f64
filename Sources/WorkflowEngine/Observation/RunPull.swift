internal import FlatValue
internal import Synchronization
internal import WorkflowCore

/// What a follower has of one run that this process drives: the worker announces that there is something, and the follower
/// fetches it when it has time.
///
/// So the worker's thread pays one load for each event of a run that is followed, and a copy of bytes for each fetch.
final class RunPull: EventFeed {
    /// Events of one fetch, so that the worker's thread is not held for long.
    static let portion = 2048

    let run: String
    let plan: Plan
    private let queue: SubscriptionQueue
    private let allowance: PullAllowance
    /// Whether the follower knows that there is something.
    private let isAnnounced = Atomic<Bool>(false)
    private let state: Mutex<State>
    /// Whether the past is what the log says of resumptions, and not what it was when the run was taken up.
    private let readsPast: Bool
    /// Whether all that had ended when the run was taken up has been told of.
    private let isTold: Bool
    /// How much of the log has been looked through for resumptions; worker's thread.
    nonisolated(unsafe) private var searched = 0

    private struct State {
        /// The two would hold each other.
        weak var handle: WorkflowRun?
        /// The same where nothing more happens to the run here before its end: what it has recorded is still to be read.
        var left: WorkflowRun?
        /// The run when it was over.
        var record: RunRecord?
        var past = 0
        /// It has ended here and left no record.
        var isGone = false
        /// How much has been given to the follower, which is past when it begins anew.
        var given = 0
        /// The follower has had the end.
        var isRead = false
    }

    /// What came of a fetch.
    enum Answer: Sendable {
        case fetched(Fetched)
        /// The copy has all that there is.
        case nothing
        /// The run is not driven here any more, and has left nothing.
        case unreachable
    }

    /// What a fetch gives.
    struct Fetched: Sendable {
        var chunk: RunChunk
        /// There is more already.
        var isCut: Bool
        /// Nothing more comes until somebody outside says something.
        var rests: Bool
    }

    /// - Parameters:
    ///   - past: how many entries were made before by a process that sent their spans; nil to go by what the log says of
    ///     resumptions.
    ///   - isTold: whether that process has told of all that had ended with them.
    init(
        _ handle: WorkflowRun, past: Int?, isTold: Bool, _ queue: SubscriptionQueue, _ allowance: PullAllowance
    ) {
        run = handle.id
        plan = handle.definition.plan
        self.queue = queue
        self.allowance = allowance
        readsPast = past == nil
        self.isTold = isTold
        state = Mutex(State(handle: handle, past: past ?? 0))
    }

    deinit { dropRecord() }

    // MARK: The worker's side

    func take(_ run: Run) {
        if isAnnounced.load(ordering: .relaxed) { return }
        announce()
    }

    func finish() {
        let (handle, isRead) = state.withLock { ($0.handle, $0.isRead) }
        if isRead { return }
        let record = handle?.settledRecord
        // What ends faster than it is read is held no further than there is room.
        let isHeld = record.map { allowance.take($0.log.size) } ?? false
        state.withLock { state in
            if let record, isHeld { state.record = record } else { state.isGone = true }
            if record == nil { state.left = handle }
        }
        announce()
    }

    private func announce() {
        if !isAnnounced.exchange(true, ordering: .acquiringAndReleasing) { queue.post(.news(self)) }
    }

    // MARK: The follower's side

    /// What the run has more than a copy with so many entries and bytes. To be called by the follower's task alone.
    func fetch(after events: Int, arena: Int) async -> Answer {
        isAnnounced.store(false, ordering: .sequentiallyConsistent)
        let (record, handle, isRead) = state.withLock { ($0.record, $0.left ?? $0.handle, $0.isRead) }
        if isRead { return .nothing }
        if let record { return answer(fetch(record, after: events, arena: arena)) }
        guard let handle else { return .unreachable }
        let answer = await withCheckedContinuation { (continuation: CheckedContinuation<Answer, Never>) in
            let isPosted = handle.worker.perform { _ in
                guard let run = handle.attachedRun else { return continuation.resume(returning: .unreachable) }
                continuation.resume(returning: self.answer(self.fetch(run, after: events, arena: arena)))
            }
            if !isPosted { continuation.resume(returning: .unreachable) }
        }
        // Of a run that rests an engine that has stopped has left a record.
        if case .unreachable = answer, let record = handle.settledRecord {
            return self.answer(fetch(record, after: events, arena: arena))
        }
        return answer
    }

    private func answer(_ fetched: Fetched?) -> Answer { fetched.map { .fetched($0) } ?? .nothing }

    /// Whether nothing more happens to the run here.
    var isGone: Bool { state.withLock(\.isGone) }

    /// The follower has had the end of the run.
    func noteRead() {
        state.withLock { $0.isRead = true }
        dropRecord()
    }

    private func dropRecord() {
        if let record = state.withLock({ $0.record.take() }) { allowance.give(record.log.size) }
    }

    /// What is past for whoever begins with the run now.
    var past: RunPast {
        state.withLock { RunPast(count: max($0.past, $0.given), told: max(isTold ? $0.past : 0, $0.given)) }
    }

    /// The follower has let go of its copy, and all that it was given is past for it.
    func noteGiven(_ count: Int) { state.withLock { $0.given = max($0.given, count) } }

    private func fetch(_ run: Run, after first: Int, arena start: Int) -> Fetched? {
        let end = min(run.deliveredEvents, run.log.count)
        lookForResumptions(in: run, before: end)
        guard max(first, state.withLock(\.given)) < end else { return nil }
        let arena = run.journaled == nil ? run.log.arena.count : min(run.submittedArena, run.log.arena.count)
        let last = min(end, first + Self.portion)
        let rests =
            last == run.log.count && run.calls.isEmpty
            && (run.isParked || (!run.hasCommands && run.machine.waitsOutside))
        let chunk = RunChunk(
            run: self.run, plan: plan, first: first, arenaStart: start, run.log, events: first..<last, arenaEnd: arena)
        return Fetched(chunk: chunk, isCut: last < end, rests: rests)
    }

    private func fetch(_ record: RunRecord, after first: Int, arena start: Int) -> Fetched? {
        guard max(first, state.withLock(\.given)) < record.log.count else { return nil }
        let last = min(record.log.count, first + Self.portion)
        let chunk = RunChunk(
            run: run, plan: plan, first: first, arenaStart: start, record.log, events: first..<last,
            arenaEnd: record.log.arena.count)
        let isCut = last < record.log.count
        return Fetched(chunk: chunk, isCut: isCut, rests: !isCut && !record.status.isTerminal)
    }

    /// What comes before the newest resumption was sent by whoever drove the run then; only what a fork took over, or was written
    /// before the process took the run up, has one.
    private func lookForResumptions(in run: Run, before end: Int) {
        if !readsPast { return }
        var found: Int?
        while searched < end {
            let event = run.log[searched]
            if event.kind == .workflowResumed, event.item != ResumeCause.answered.rawValue { found = searched }
            searched += 1
        }
        if let found { state.withLock { $0.past = max($0.past, found) } }
    }
}

/// How many bytes of runs that are over may wait for a follower.
final class PullAllowance: Sendable {
    private let left: Mutex<Int>

    init(bytes: Int) { left = Mutex(bytes) }

    func take(_ bytes: Int) -> Bool {
        left.withLock { left in
            guard bytes <= left else { return false }
            left -= bytes
            return true
        }
    }

    func give(_ bytes: Int) { left.withLock { $0 += bytes } }
}
