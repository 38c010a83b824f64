public import FlatValue
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
    private let state = Mutex(State())

    private struct State {
        var run: Run?
        var phase = Phase.created
        var waiters: [UInt64: Waiter] = [:]
        var nextWaiter: UInt64 = 0
        var latest: RunRecord?
        var failure: RunFailure?
        var cancelReason: String?
        /// Whether the run counts among those of its worker.
        var isCounted = false
        var watchers: [UInt64: any EventFeed] = [:]
        var nextWatcher: UInt64 = 0
        /// How many bytes of the run's arena the hub has had.
        var publishedArena = 0
        /// The run that followed on this one, for whoever follows this one.
        var successor: WorkflowRun?
        /// Whoever followed the run before this one goes on with this one.
        var isFollowed = false
    }

    private enum Phase { case created, started }

    private struct Waiter {
        var untilOver: Bool
        /// How many events the record must have more than.
        var beyond: Int
        var resume: @Sendable (Result<RunRecord, any Error>) -> Void

        func takes(_ record: RunRecord) -> Bool {
            (!untilOver || record.status.isTerminal) && record.log.count > beyond
        }
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

    // MARK: Starting

    /// Starts the run and waits until it is over or waits for somebody.
    ///
    /// - Parameters:
    ///   - input: the workflow's input.
    ///   - metadata: replaces the workflow's metadata; an object.
    ///   - ctx: merged over the workflow's ctx; an object.
    /// Cancelling the task cancels a run that nothing keeps: this returns once its code has stopped, with a run that is
    /// ``RunStatus/cancelled``. A run that a store keeps goes on, here or wherever it is taken up, and this throws
    /// `CancellationError`.
    ///
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
    package func start(
        input: Value, metadata: Value?, ctx: Value?, timeout: Duration? = nil, at time: Int64 = 0, trace: Value?,
        tags: StartTags = StartTags(), after predecessor: JournaledRun? = nil, lineage: String? = nil,
        queueing: Queueing = Queueing()
    ) throws {
        try RunIdentifier.check(id)
        // Whole milliseconds, of which a timeout has at least one.
        let timeout = timeout.map { max(1000, $0.clampedMicroseconds) } ?? 0
        let fresh = state.withLock { state in
            defer { state.phase = .started }
            return state.phase == .created
        }
        guard fresh else { throw RunFailure(code: "already_started", message: "run \(id) has been started already") }
        let plan = definition.plan
        let inputDigest = Self.inputDigest(of: definition, input: input, metadata: metadata, ctx: ctx)
        let (givenMetadata, givenCtx) = (metadata, ctx)
        let (metadata, ctx) = Self.origins(metadata, ctx, of: plan)
        try requireRoom(input, metadata, ctx, trace ?? .null)
        let journaled = live.map { _ in
            JournaledRun(
                id: id, workflow: plan.id, generation: definition.generation.id, lineage: lineage,
                origin: RunOrigin(
                    grant: grant, fingerprint: plan.fingerprint, inputDigest: inputDigest))
        }
        journaled?.predecessor = predecessor
        if let allowance { journaled?.allowance = allowance }
        if live?.add(self) == false {
            return refuse(RunFailure(code: "conflict", message: "run \(id) is under way in this engine already"))
        }
        let beginning =
            definition.generation.driver == nil
            ? nil
            : RunBeginning(
                input: input, metadata: givenMetadata, ctx: givenCtx, trace: trace, tags: tags.given, timeout: timeout,
                time: time, queueing: queueing)
        let begins = worker.perform { worker in
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
    private func requireRoom(_ values: Value...) throws(RunFailure) {
        var size = 0
        for value in values { size = size.addingReportingOverflow(value.withBytes(\.count)).partialValue }
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
        let reason = state.withLock { state in
            state.run = run
            for feed in feeds {
                state.nextWatcher += 1
                state.watchers[state.nextWatcher] = feed
            }
            state.phase = .started
            run.isWatched = !state.watchers.isEmpty
            state.isCounted = true
            return state.cancelReason
        }
        run.grant = allowance ?? (grant.isNull ? nil : grant)
        worker.load.wrappingAdd(1, ordering: .relaxed)
        if let reason { run.askToCancel(reason) }
    }

    /// The worker has nothing more to do for the run.
    private func leaveWorker() {
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
    private func refuse(_ failure: RunFailure) {
        leaveWorker()
        live?.remove(self)
        let (waiters, feeds) = state.withLock { state in
            if state.failure == nil { state.failure = failure }
            defer {
                state.waiters = [:]
                state.watchers = [:]
            }
            return (state.waiters.values, state.watchers.values)
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

    package func unfollow(_ token: UInt64) { state.withLock { $0.watchers[token] = nil } }

    // MARK: Waiting

    /// Waits until the run is over, or waits for a person or a signal.
    ///
    /// - Throws: ``RunFailure`` when nothing more happens to the run here: it was refused, its store has failed, another process has
    ///   taken it over, or the engine has stopped; `CancellationError` when the task is cancelled, which leaves the run as it is.
    public func settled() async throws -> RunRecord { try await wait(untilOver: false) }

    /// Waits until the run is over; throws as ``settled()`` does.
    public func finished() async throws -> RunRecord { try await wait(untilOver: true) }

    /// Waits until the run is over, or waits for a person or a signal with more than `count` events recorded.
    package func settled(beyond count: Int) async throws -> RunRecord {
        try await wait(untilOver: false, beyond: count)
    }

    /// How the run stands; nil while it moves.
    package var standing: RunRecord? { state.withLock(\.latest) }

    /// - Parameter ends: whether cancelling the task cancels the run, which is then waited for, in place of the wait.
    private func wait(untilOver: Bool, beyond count: Int = -1, ending ends: Bool = false) async throws -> RunRecord {
        let number = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let answer: Result<RunRecord, any Error>? = state.withLock { state in
                    let waiter = Waiter(untilOver: untilOver, beyond: count) { continuation.resume(with: $0) }
                    if let latest = state.latest, waiter.takes(latest) { return .success(latest) }
                    if let failure = state.failure { return .failure(failure) }
                    // A cancel that comes later finds the waiter.
                    if !ends, Task.isCancelled { return .failure(CancellationError()) }
                    state.waiters[number] = waiter
                    return nil
                }
                if let answer { continuation.resume(with: answer) }
            }
        } onCancel: {
            if ends { return cancelWithTask() }
            let waiter = state.withLock { $0.waiters.removeValue(forKey: number) }
            waiter?.resume(.failure(CancellationError()))
        }
    }

    /// Calls `body` once, from any thread, when the run is over or waits for a person or a signal, or when nothing more happens to it.
    ///
    /// - Returns: what came of the run, where that is known already; `body` is not called then.
    func whenSettled(
        _ body: @escaping @Sendable (Result<RunRecord, any Error>) -> Void
    ) -> Result<RunRecord, any Error>? {
        state.withLock { state in
            if let latest = state.latest { return .success(latest) }
            if let failure = state.failure { return .failure(failure) }
            state.nextWaiter += 1
            state.waiters[state.nextWaiter] = Waiter(untilOver: false, beyond: -1, resume: body)
            return nil
        }
    }

    // MARK: Steering

    /// Cancels a run that nothing keeps because nobody waits for it any more.
    func cancelWithTask() { cancel(reason: "the task that waited for the run was cancelled") }

    /// Asks the run to stop, whatever it does; it is `cancelled` when its code has left, which is at once.
    public func cancel(reason: String = "cancelled") {
        let run = state.withLock { state in
            if state.cancelReason == nil { state.cancelReason = reason }
            // Where the run stood before is not where it settles next.
            if state.latest?.status.isTerminal == false { state.latest = nil }
            return state.run
        }
        guard let run else { return }
        run.askToCancel(reason)
        worker.perform { worker in
            worker.cancel(run)
            worker.enqueue(run)
        }
        if !run.isEndDecided { run.executor.interrupter.interrupt(run.token) }
    }

    /// Answers a human step and waits until the run is over or waits again.
    ///
    /// - Parameters:
    ///   - path: the path or the id of the step; nil when only one step waits.
    /// - Throws: ``RunFailure`` when no step waits there or the answer does not fit its schema; the run then still
    ///   waits.
    public func resume(step path: String? = nil, data: Value) async throws -> RunRecord {
        try await deliver(InboxMessage.Content(kind: .reply, target: path ?? "", payload: data))
        return try await settled()
    }

    /// Gives the run a signal; a step that waits for it, now or later, takes it.
    ///
    /// - Throws: ``RunFailure`` when the run is over, has no step that waits for such an event, or the payload does
    ///   not fit the step's schema.
    public func signal(_ event: String, payload: Value = .null) async throws {
        try await signal(event, payload: payload, key: nil)
    }

    /// - Parameter key: by which a signal that is sent again is known.
    package func signal(_ event: String, payload: Value, key: RequestKey?) async throws {
        try await deliver(.signal(event, payload, key: key))
    }

    /// Takes a message that another process left for the run; the store is told what became of it.
    func take(_ message: InboxMessage) {
        guard let run = state.withLock({ $0.run }) else { return }
        let cancels = message.content.kind == .cancel || message.content.kind == .cancelChain
        if cancels { run.askToCancel(message.cancelReason) }
        if message.content.kind == .begin { live?.bell.forget(id) }
        worker.perform { worker in
            worker.take(message, for: run)
            if run.mirror == nil { self.state.withLock { $0.latest = nil } }
            worker.enqueue(run)
        }
        if cancels, !run.isEndDecided { run.executor.interrupter.interrupt(run.token) }
    }

    /// Gives the run a message, wherever it is driven, and returns when what came of it is durable.
    ///
    /// - Parameter check: looks at the run as it is when the message is about to be taken, and throws if it is not to be.
    /// - Throws: what `check` throws; ``RunFailure`` when the message is refused, or the run is lost before it is known whether
    ///   the store has it.
    func deliver(_ content: InboxMessage.Content, expecting check: AnswerCheck? = nil) async throws {
        guard definition.generation.driver != nil else {
            return try await onWorker { worker, run in
                if let check { try check(RunRecord(copying: run)) }
                try worker.carryOut(content, postedAt: worker.now, for: run)
            }
        }
        guard let run = attachedRun else {
            throw RunFailure(code: "not_started", message: "run \(id) has not been started")
        }
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            let posted = worker.perform { worker in
                do {
                    guard let mirror = run.mirror else { throw RunFailure.engineStopped }
                    if let check { try check(RunRecord(copying: run)) }
                    var content = content
                    if content.kind == .reply || content.kind == .signedReply {
                        // The step is settled on here: by the time the message is taken another one may be the only one.
                        let path = content.target.isEmpty ? nil : content.target
                        content.target = run.machine.path(of: try worker.waitingFrame(of: run, at: path))
                    }
                    worker.deliver(content, to: run, mirror) { answer in
                        switch answer {
                        case .taken:
                            self.state.withLock { $0.latest = nil }
                            continuation.resume()
                        case .refused(let code, let message):
                            continuation.resume(throwing: RunFailure(code: code, message: message))
                        }
                    }
                } catch {
                    continuation.resume(throwing: error)
                }
            }
            if !posted { continuation.resume(throwing: RunFailure.engineStopped) }
        }
    }

    /// Does something with the run on its worker, drives it afterwards, and returns when what it recorded is durable. What is
    /// known of the run's state is stale from here on.
    ///
    /// - Throws: what `body` throws; ``RunFailure`` when the run is lost before it is known whether the store has it.
    func onWorker(_ body: @escaping @Sendable (Worker, Run) throws -> Void) async throws {
        guard let run = state.withLock({ $0.run }) else {
            throw RunFailure(code: "not_started", message: "run \(id) has not been started")
        }
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            let posted = worker.perform { worker in
                do {
                    if let lost = run.lost { throw RunFailure(code: lost.code, message: lost.message) }
                    try body(worker, run)
                    self.state.withLock { $0.latest = nil }
                    worker.whenDurable(run) { error in
                        continuation.resume(
                            with: error.map { .failure(RunFailure(code: $0.code, message: $0.message)) } ?? .success(())
                        )
                    }
                    worker.enqueue(run)
                } catch {
                    continuation.resume(throwing: error)
                }
            }
            if !posted { continuation.resume(throwing: RunFailure.engineStopped) }
        }
    }
}

extension WorkflowRun: RunObserver {
    package func runSettled(_ run: Run) {
        let record = RunRecord(copying: run)
        if record.status.isTerminal { leaveWorker() }
        let (waiters, feeds) = state.withLock { state in
            state.latest = record
            let resumed = state.waiters.filter { $0.value.takes(record) }
            for number in resumed.keys { state.waiters[number] = nil }
            return (resumed.values, record.status.isTerminal ? Array(state.watchers.values) : [])
        }
        if record.status.isTerminal {
            worker.family?.ended(record)
            live?.remove(self)
            if run.isOfQueue { live?.bell.ring() }
        }
        live?.hub.publishSettled(run, record)
        for waiter in waiters { waiter.resume(.success(record)) }
        for feed in feeds { feed.finish() }
    }

    package func runAdvanced(_ run: Run, from first: Int) {
        let durableArena = run.submittedArena
        let (feeds, arena) = state.withLock { state in
            // What stood still moves again; whoever waits now waits for the next time.
            state.latest = nil
            defer { state.publishedArena = durableArena }
            return (Array(state.watchers.values), state.publishedArena)
        }
        live?.hub.publish(run, from: first, arenaStart: arena, arenaEnd: durableArena)
        for feed in feeds { feed.take(run) }
    }

    package func runQueued(_ run: Run) {
        live?.queued(id, isLeft: run.journaled?.ticket?.isLeft == true)
    }

    package func runSucceeded(_ run: Run, by successor: WorkflowRun) {
        state.withLock { if $0.isFollowed { $0.successor = successor } }
    }

    /// Has the runs that follow on this one kept for ``takeSuccessor()``. Before the run is started.
    package func followSuccessors() { state.withLock { $0.isFollowed = true } }

    package var followsSuccessors: Bool { state.withLock(\.isFollowed) }

    /// The run that followed on this one, if this engine began it and ``followSuccessors()`` was called; given once.
    package func takeSuccessor() -> WorkflowRun? { state.withLock { $0.successor.take() } }

    package func runStreamed(_ event: TransientEvent) {
        let feeds = state.withLock { Array($0.watchers.values) }
        live?.hub.publish(event)
        for feed in feeds { feed.take(event) }
    }

    package func runLost(_ run: Run, _ error: JournalError) {
        let rival = run.journaled?.rival
        refuse(
            RunFailure(code: error.code, message: error.message, details: rival.map { ["runId": Value($0)] }))
        live?.hub.publishLost(id, plan: definition.plan)
    }
}

extension Duration {
    /// In whole microseconds, at most about thirty thousand years.
    var clampedMicroseconds: Int64 {
        let (seconds, attoseconds) = components
        guard seconds < 1 << 40 else { return (1 << 40) * 1_000_000 }
        return max(0, seconds) * 1_000_000 + attoseconds / 1_000_000_000_000
    }
}
