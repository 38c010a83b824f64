public import FlatValue
internal import Platform
internal import Synchronization
package import WorkflowCore

/// One run of a workflow, as its caller holds it. May be used from any thread.
public final class WorkflowRun: Sendable {
    public let id: String
    package let definition: Workflow
    package let worker: Worker
    /// Where the run is known while it is recorded; nil where nothing is.
    let live: LiveRuns?
    /// What the run's host calls may do, as it is kept in its journal.
    let grant: Value
    /// What they may do while this process drives the run, where that is more.
    let allowance: Value?
    let state = Mutex(State())

    struct State {
        var run: Run?
        var phase = Phase.created
        var waiters: [Waiter] = []
        var nextWaiter: UInt64 = 0
        var latest: RunRecord?
        var failure: RunFailure?
        /// The path of the step that is being undone.
        var undoing: String?
        var cancelReason: String?
        /// Whether the run counts among those of its worker.
        var isCounted = false
        var watchers: [UInt64: any EventFeed] = [:]
        var nextWatcher: UInt64 = 0
        /// The run that followed on this one, for whoever follows this one.
        var successor: WorkflowRun?
        /// What its trace is to be, where it is not started with one.
        var trace: Value?
        /// Says whether its spans are sent, in place of what its engine says.
        var sampling: TraceSampling?
        /// Whoever followed the run before this one goes on with this one.
        var isFollowed = false
        /// The runs of the chain wait for whoever follows them.
        var isPaced = false
        /// Opened once whoever follows a chain that is paced has taken this run.
        var taken: Gate?
        /// The memory for what it begins with; nil where that is little.
        var memory: MemoryBudget.Holding?
    }

    enum Phase { case created, started }

    struct Waiter {
        let number: UInt64
        var untilOver: Bool
        /// How many events the record must have more than.
        var beyond: Int
        var resume: @Sendable (Result<RunRecord, any Error>) -> Void

        func takes(_ record: RunRecord) -> Bool { record.isAwaited(untilOver: untilOver, beyond: beyond) }
    }

    init(
        _ definition: Workflow, id: String, worker: Worker, live: LiveRuns?, grant: Value = .null,
        allowance: Value? = nil
    ) {
        self.grant = grant
        self.allowance = allowance
        self.definition = definition
        self.id = id
        self.worker = worker
        self.live = live
    }

    /// Says whether the run's spans are sent, in place of what its engine says; to be called before it is started.
    package func sample(_ sampling: @escaping TraceSampling) { state.withLock { $0.sampling = sampling } }

    // MARK: Starting

    /// Starts the run and waits until it is over or waits for somebody.
    ///
    /// Cancelling the task cancels a run that nothing keeps: this returns once its code has stopped, with a run that is
    /// ``RunStatus/cancelled``. A run that a store keeps goes on, here or wherever it is taken up, and this throws
    /// `CancellationError`.
    ///
    /// - Parameters:
    ///   - input: the workflow's input.
    ///   - metadata: replaces the workflow's metadata; an object.
    ///   - ctx: merged over the workflow's ctx; an object.
    /// - Throws: ``RunFailure`` when the run could not be started or recorded. A run that fails does not throw: its result says so.
    public func run(input: Value = .emptyObject, metadata: Value? = nil, ctx: Value? = nil) async throws -> RunRecord {
        try start(input: input, metadata: metadata, ctx: ctx)
        let ends = live == nil
        let record = try await wait(untilOver: false, ending: ends)
        guard ends, Task.isCancelled, !record.status.isTerminal else { return record }
        // It began to wait for somebody before the cancel arrived.
        return try await wait(untilOver: true, ending: true)
    }

    /// Starts the run and returns at once.
    ///
    /// - Parameters:
    ///   - timeout: how long the run may take from its beginning; it is cancelled then. Nil for any time.
    ///   - time: when it begins, in microseconds since 1970; until then it is `queued`. Now unless it lies ahead.
    public func start(
        input: Value = .emptyObject, metadata: Value? = nil, ctx: Value? = nil, timeout: Duration? = nil,
        at time: Int64 = 0
    ) throws {
        try start(input: input, metadata: metadata, ctx: ctx, timeout: timeout, at: time, trace: nil)
    }

    /// - Parameters:
    ///   - trace: what the run's trace is to be, as its journal keeps it: `{ telemetry?, traceparent? }`.
    ///   - predecessor: the run that this one follows on, whose place in the queue it takes.
    ///   - lineage: the id of that run.
    ///   - refusesInput: whether nothing of the run is recorded where the input does not fit the workflow's schema: it ends with
    ///     `invalid_input`. What no store keeps fails in any case.
    package func start(
        input: Value, metadata: Value?, ctx: Value?, timeout: Duration? = nil, at time: Int64 = 0, trace: Value?,
        tags: StartTags = StartTags(), after predecessor: JournaledRun? = nil, lineage: String? = nil,
        queueing: Queueing = Queueing(), refusesInput: Bool = false
    ) throws {
        try RunIdentifier.check(id)
        // Whole milliseconds, of which a timeout has at least one.
        let timeout = timeout.map { max(1000, $0.clampedMicroseconds) } ?? 0
        let (fresh, given) = state.withLock { state in
            defer { state.phase = .started }
            return (state.phase == .created, state.trace)
        }
        let trace = trace ?? given
        guard fresh else {
            throw RunFailure.alreadyStarted(id)
        }
        let plan = definition.plan
        let inputDigest = live.map { _ in
            Self.inputDigest(of: definition, input: input, metadata: metadata, ctx: ctx)
        }
        let (givenMetadata, givenCtx) = (metadata, ctx)
        let (metadata, ctx) = Self.origins(metadata, ctx, of: plan)
        let size = input.byteCount + metadata.byteCount + ctx.byteCount + (trace?.byteCount ?? 0)
        try requireRoom(size)
        // One that goes on in place of another takes over what that one had.
        if lineage == nil { try takeMemory(size) }
        let journaled = live.map { _ in
            JournaledRun(
                id: id, workflow: plan.id, generation: definition.generation.id, lineage: lineage,
                origin: RunOrigin(
                    grant: grant, fingerprint: plan.fingerprint, inputDigest: inputDigest))
        }
        journaled?.predecessor = predecessor
        journaled?.refusesInput = refusesInput
        var queueing = queueing
        if predecessor != nil { queueing.isExempt = true }
        if let allowance { journaled?.allowance = allowance }
        if live?.add(self) == false {
            return refuse(
                RunFailure(code: RunFailure.Code.conflict, message: "run \(id) is under way in this engine already"))
        }
        let beginning =
            definition.generation.driver == nil
            ? nil
            : RunBeginning(
                input: input, metadata: givenMetadata, ctx: givenCtx, trace: trace, tags: tags, timeout: timeout,
                time: time, queueing: queueing)
        let begins = worker.begin { worker in
            do {
                let run = try worker.makeRun(self.definition, id: self.id)
                self.attach(run)
                if let beginning {
                    return worker.begin(run, beginning, observer: self, journaled: journaled)
                }
                worker.begin(
                    run, observer: self, journaled: journaled, timeout: timeout, at: time, trace: trace,
                    tags: tags, queueing: queueing
                ) { arena in
                    (
                        arena.writing { $0.write(input) },
                        metadata.count == 0 ? .none : arena.writing { $0.write(metadata) },
                        ctx.count == 0 ? .none : arena.writing { $0.write(ctx) }
                    )
                }
            } catch {
                self.refuse(.loadFailed(error))
            }
        }
        if !begins { refuse(.engineStopped) }
    }

    /// The digest of what a run of a workflow begins with, as its header keeps it.
    package static func inputDigest(of definition: Workflow, input: Value, metadata: Value?, ctx: Value?) -> String {
        RunOrigin.digest(
            input: input, metadata: metadata ?? definition.plan.metadata, ctx: merge(ctx, over: definition.plan.ctx))
    }

    /// Refuses what would not fit into the run at all.
    ///
    /// - Parameter size: that of all values together, in bytes.
    private func requireRoom(_ size: Int) throws(RunFailure) {
        guard size > worker.limits.runSize / 2 else { return }
        let error = ErrorObject.runTooLarge(worker.limits.runSize)
        throw RunFailure(code: error.code, message: error.message)
    }

    /// The metadata and the ctx that a run begins with.
    static func origins(_ metadata: Value?, _ ctx: Value?, of plan: Plan) -> (metadata: Value, ctx: Value) {
        (metadata ?? plan.metadata, merge(ctx, over: plan.ctx))
    }

    private static func merge(_ over: Value?, over base: Value) -> Value {
        guard let over, over.count > 0 else { return base }
        return Value(
            entries: (base.entries ?? []).map { ($0.key, $0.value) } + (over.entries ?? []).map { ($0.key, $0.value) })
    }

    /// Takes the worker's run; a cancel that came before is passed on.
    package func attach(_ run: Run) {
        let feeds = worker.family?.followers.feeds(of: self, run) ?? []
        let (reason, sampling) = state.withLock { state in
            state.run = run
            for feed in feeds {
                state.nextWatcher += 1
                state.watchers[state.nextWatcher] = feed
            }
            state.phase = .started
            run.isWatched = !state.watchers.isEmpty
            state.isCounted = true
            return (state.cancelReason, state.sampling)
        }
        // Of a run that is recorded its journal says it.
        if live == nil { run.grant = allowance ?? (grant.isNull ? nil : grant) }
        run.sampling = sampling ?? worker.family?.sampling
        worker.load.wrappingAdd(1, ordering: .relaxed)
        if let reason { run.askToCancel(reason) }
    }

    /// The worker has nothing more to do for the run.
    func leaveWorker() {
        let wasCounted = state.withLock { state in
            defer { state.isCounted = false }
            return state.isCounted
        }
        if wasCounted { worker.load.wrappingSubtract(1, ordering: .relaxed) }
    }

    /// What the run was when it came to its end or to a rest; nil while it goes on.
    var settledRecord: RunRecord? { state.withLock(\.latest) }

    /// The worker's run, once there is one.
    var attachedRun: Run? { state.withLock { $0.run } }

    /// Ends everything that waits for the run or follows it: nothing more happens to it here.
    func refuse(_ failure: RunFailure) {
        leaveWorker()
        live?.remove(self)
        let (waiters, feeds) = state.withLock { state in
            if state.failure == nil { state.failure = failure }
            defer {
                state.waiters = []
                state.watchers = [:]
            }
            return (state.waiters, state.watchers.values)
        }
        for waiter in waiters { waiter.resume(.failure(failure)) }
        for feed in feeds { feed.finish() }
    }

    /// Tells a feed of everything that the run records; from the first event on, also when the run has started before.
    @discardableResult
    package func follow(_ feed: any EventFeed) -> UInt64 {
        let (token, run, isGone) = state.withLock { state in
            state.nextWatcher += 1
            let isGone = state.failure != nil
            if !isGone { state.watchers[state.nextWatcher] = feed }
            return (state.nextWatcher, state.run, isGone)
        }
        let follows =
            run.map { run in
                worker.perform { _ in
                    if !isGone { run.isWatched = true }
                    feed.take(run)
                    if isGone { feed.finish() }
                }
            } ?? !isGone
        if !follows { feed.finish() }
        return token
    }

    /// Returns when those who follow the run have been told what it had recorded by now.
    package func toldFollowers() async {
        await withCheckedContinuation { continuation in
            if !worker.perform({ _ in continuation.resume() }) { continuation.resume() }
        }
    }

    package func unfollow(_ token: UInt64) { state.withLock { $0.watchers[token] = nil } }
}

extension Duration {
    /// In whole microseconds, at most about thirty thousand years.
    var clampedMicroseconds: Int64 {
        let (seconds, attoseconds) = components
        guard seconds < 1 << 40 else { return (1 << 40) * 1_000_000 }
        return max(0, seconds) * 1_000_000 + attoseconds / 1_000_000_000_000
    }
}
