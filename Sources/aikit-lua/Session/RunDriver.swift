internal import FlatValue
internal import LuaWorkflows
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowTelemetry

/// Does what the session asks of the engine, off the main thread, and reports to the mailbox.
///
/// One thing is under way at a time: loading and starting the run, or an answer to it.
final class RunDriver: Sendable {
    /// How long steps that are under way may go on when the run is let go.
    static let grace = Duration.seconds(2)

    private let mailbox: Mailbox
    private let state = Mutex(State())

    private struct State {
        var run: Driven?
        var cancelReason: String?
        /// The run is not begun any more, or is being given back.
        var isLettingGo = false
        var recovery: RunRecovery?
        var loader: RunLoader?
    }

    /// A run and who drives it.
    private enum Driven: Sendable {
        case own(WorkflowRun)
        case foreign(ForeignRun)
    }

    /// The run was let go before it began here.
    private struct LetGo: Error {}

    init(mailbox: Mailbox) { self.mailbox = mailbox }

    /// Makes a run, starts it or moves it on, and waits until it is over or waits for somebody.
    func start(_ loader: RunLoader) {
        state.withLock { $0.loader = loader }
        perform { [self] in try await drive(loader.load(), push: loader.plan.continuation?.push, loader) }
        Task.detached { [weak self] in await self?.watchChildren(loader.engine) }
    }

    /// Between two looks at the runs for which the run waits.
    private static let interval = Duration.milliseconds(200)

    /// Tells of runs that wait for somebody, and for which alone the run waits, once each of them stands still.
    private func watchChildren(_ engine: WorkflowEngine) async {
        var (seen, told): ([String], [String]) = ([], [])
        while (try? await Task.sleep(for: Self.interval)) != nil {
            guard case .own(let run)? = state.withLock(\.run) else { continue }
            let runs = await engine.standstill(of: run)
            let places = runs.map { "\($0.record.id) \($0.record.log.count)" }
            if places == seen, places != told {
                told = places
                mailbox.post(.standstill(runs))
            }
            seen = places
        }
    }

    private func drive(_ loaded: RunLoader.Loaded, push: RunPlan.Continuation.Push?, _ loader: RunLoader) async throws {
        switch loaded {
        case .new(let run): try await begin(run, loader)
        case .own(let run, let past):
            run.followSuccessors(paced: true)
            let code = await loader.code(of: run.id)
            let reason = try announce(
                .own(run), id: run.id, plan: run.definition.plan, adding: loader.addedPermissions, code: code)
            follow(run, past: past, loader.plan)
            do {
                switch push {
                case nil: break
                case .answer(let step, let data): _ = try await run.resume(step: step, data: data)
                case .signal(let event, let data): try await run.signal(event, payload: data)
                }
            } catch let refusal as RunFailure where !Self.isLetGo(refusal) {
                // Somebody else's answer may have been first, and what follows from it is under way here.
                _ = try? await run.settled()
                throw refusal
            }
            if let reason { run.cancel(reason: reason) }
            try await tell(try await run.settled())
        case .foreign(let run, let past): try await follow(run, past: past, push: push, loader)
        case .over(let record):
            let code = await loader.code(of: record.id)
            mailbox.post(.started(RunHandle(id: record.id, plan: record.plan, code: code)))
            mailbox.post(.text("run \(record.id) was there before; this is what it came to"))
            mailbox.post(.settled(record))
        }
    }

    private func begin(_ run: WorkflowRun, _ loader: RunLoader) async throws {
        let plan = loader.plan
        let reason = try announce(
            .own(run), id: run.id, plan: run.definition.plan, adding: loader.addedPermissions)
        follow(run, past: 0, plan)
        run.followSuccessors(paced: true)
        try run.start(
            input: plan.input, metadata: plan.metadata, ctx: plan.ctx,
            trace: plan.telemetry.map { ["telemetry": $0] }, tags: StartTags(given: plan.tags),
            queueing: Queueing(priority: plan.priority))
        if let reason { run.cancel(reason: reason) }
        if plan.recovers {
            let recovery = RunRecovery(loader, of: run.definition.id, mailbox: mailbox)
            state.withLock { $0.recovery = recovery }
            recovery.start()
        }
        let queue = Task { [mailbox] in
            guard run.definition.plan.flow?.mayHold == true, let journal = loader.journal else { return }
            try await QueueWatch(store: journal, run: run.id).follow { mailbox.post(.text($0)) }
        }
        defer { queue.cancel() }
        do {
            try await tell(try await run.settled())
        } catch let failure as RunFailure where failure.code == RunFailure.Code.conflict && plan.runID != nil {
            // Another process began a run of this id at the same moment.
            try await drive(loader.takeUp(run.id), push: nil, loader)
        }
    }

    /// Follows a run that another process drives, after it has been given what it is to be given.
    private func follow(
        _ run: ForeignRun, past: Int, push: RunPlan.Continuation.Push?, _ loader: RunLoader
    ) async throws {
        let progress = ProgressFeed(plan: run.plan, past: past, mailbox: mailbox)
        let events =
            loader.plan.printsEvents ? JSONFeed(plan: run.plan, runID: run.id, past: past, mailbox: mailbox) : nil
        _ = try announce(.foreign(run), id: run.id, plan: run.plan)
        try await run.follow { log in
            progress.take(log)
            events?.take(log)
        }
        let delivery: ForeignRun.Delivery
        switch push {
        case nil: delivery = .taken
        case .answer(let step, let data): delivery = try await run.resume(step: step, data: data)
        case .signal(let event, let data): delivery = try await run.signal(event, payload: data)
        }
        switch delivery {
        case .ownerGone: try await drive(loader.takeUp(run.id), push: push, loader)
        case .taken:
            let rests = Task { [mailbox] in
                try await loader.watchRests(of: run.id) { mailbox.post(.resting(Rest(until: $0))) }
            }
            defer { rests.cancel() }
            if let record = try await run.settled() {
                mailbox.post(.settled(record))
            } else {
                try await drive(loader.takeUp(run.id), push: nil, loader)
            }
        }
    }

    private func follow(_ run: WorkflowRun, past: Int, _ plan: RunPlan) {
        run.follow(ProgressFeed(plan: run.definition.plan, past: past, mailbox: mailbox))
        if plan.printsEvents {
            run.follow(JSONFeed(plan: run.definition.plan, runID: run.id, past: past, mailbox: mailbox))
        }
        // After the feeds that show what the run did, so that this is known when it rests.
        run.follow(RestFeed { [mailbox] in mailbox.post(.resting($0)) })
    }

    /// Tells the session which run it is; gives the reason if it was asked to stop meanwhile.
    ///
    /// - Throws: ``LetGo`` when the run is not wanted here any more; one that was taken up is given back with the store.
    private func announce(
        _ run: Driven, id: String, plan: Plan, adding permissions: String = "", code: ScriptBundle? = nil
    ) throws -> String? {
        let reason = try state.withLock { state in
            if state.isLettingGo { throw LetGo() }
            state.run = run
            return state.cancelReason
        }
        mailbox.post(.started(RunHandle(id: id, plan: plan, permissions: permissions, code: code)))
        return reason
    }

    /// Answers a step that waits for a person.
    ///
    /// - Parameter child: the run that asks, where that is one for which the run waits: `answered` follows.
    func answer(_ path: String, of child: String?, with data: Value) {
        if let child {
            guard let engine = state.withLock({ $0.loader })?.engine else { return }
            return perform { [mailbox] in
                do {
                    try await engine.answer(child, step: path, data: data)
                    mailbox.post(.answered)
                } catch let refusal as RunFailure where Self.refusals.contains(refusal.code) {
                    mailbox.post(.refused(refusal))
                }
            }
        }
        steer { run in
            switch run {
            case .own(let run): return try await run.resume(step: path, data: data)
            case .foreign(let run):
                if case .taken = try await run.resume(step: path, data: data), let record = try await run.settled() {
                    return record
                }
                throw RunFailure(code: "owner_gone", message: "the process that drove run \(run.id) is gone")
            }
        }
    }

    /// Waits until a run that stood still, and goes on by itself, stands still again.
    func awaitRun() {
        steer { run in
            switch run {
            case .own(let run): return try await run.settled()
            case .foreign(let run):
                if let record = try await run.settled() { return record }
                throw RunFailure(code: "owner_gone", message: "the process that drove run \(run.id) is gone")
            }
        }
    }

    private func steer(_ body: @escaping @Sendable (Driven) async throws -> RunRecord) {
        guard let run = state.withLock({ $0.run }) else { return }
        perform { [self] in
            do {
                try await tell(try await body(run))
            } catch let refusal as RunFailure where Self.refusals.contains(refusal.code) {
                mailbox.post(.refused(refusal))
            }
        }
    }

    /// Tells where the run stands; one that has ended in favour of another one is gone on with there.
    private func tell(_ record: RunRecord) async throws {
        var record = record
        while case (.own(let run)?, let loader) = state.withLock({ ($0.run, $0.loader) }), run.id == record.id {
            // Whoever asks a run that is over is answered before its feeds, which are told in their turn.
            await run.toldFollowers()
            guard let next = record.restartedAs, let loader, let successor = run.takeSuccessor() else { break }
            mailbox.post(.text("run \(record.id) goes on as \(next)"))
            let reason = try announce(.own(successor), id: successor.id, plan: successor.definition.plan)
            follow(successor, past: 0, loader.plan)
            if let reason { successor.cancel(reason: reason) }
            record = try await successor.settled()
        }
        mailbox.post(.settled(record))
    }

    private static let refusals = ["invalid_response", "not_waiting", "ambiguous_step", "over"]

    /// Does something off the main thread; what keeps it from being done is told, unless the run has been let go.
    private func perform(_ body: @escaping @Sendable () async throws -> Void) {
        Task.detached { [mailbox] in
            do {
                try await body()
            } catch let failure where Self.isLetGo(failure) {
            } catch {
                mailbox.post(.failed(error))
            }
        }
    }

    private static func isLetGo(_ error: any Error) -> Bool {
        error is LetGo || (error as? RunFailure)?.code == RunFailure.Code.released
    }

    // MARK: Stopping

    /// Asks the run to stop; may be called from any thread, and before there is a run.
    ///
    /// - Returns: whether there is a run that will tell of its end.
    @discardableResult
    func cancel(reason: String) -> Bool {
        let run = state.withLock { state in
            if state.cancelReason == nil { state.cancelReason = reason }
            return state.run
        }
        switch run {
        case .own(let run): run.cancel(reason: reason)
        case .foreign, nil: return false
        }
        return true
    }

    /// Begins nothing more of the run, gives steps that are under way a moment to end, and gives the run back to the store;
    /// `released` follows. May be called from any thread, and before there is a run, which then is not begun.
    ///
    /// - Parameter grace: how long steps that are under way have.
    func letGo(within grace: Duration = grace) {
        let run = state.withLock { state -> Driven? in
            defer { state.isLettingGo = true }
            return state.isLettingGo ? nil : state.run
        }
        let release: @Sendable () async throws -> Bool
        switch run {
        case .own(let run): release = { try await run.release(within: grace) }
        case .foreign, nil: return
        }
        Task.detached { [mailbox] in
            do {
                if try await release() { mailbox.post(.released) }
            } catch {
                mailbox.post(.failed(error))
            }
        }
    }

    /// Gives a run back that is gone on with beside the session's own, and that needs permissions which nothing says it began with.
    func giveBack(_ run: String) { state.withLock { $0.recovery }?.giveBack(run) }

    /// Whether the run has been asked to end, and not only to be let go.
    var isCancelled: Bool { state.withLock { $0.cancelReason != nil } }

    /// Whether the run is driven by this process.
    var drivesRun: Bool {
        if case .foreign = state.withLock({ $0.run }) { false } else { true }
    }

    /// Gives the runs back that were gone on with beside the session's own.
    ///
    /// - Parameter deadline: in nanoseconds of the monotonic clock, after which they stay with a store that does not answer; nil waits.
    func endRecovery(by deadline: UInt64?) {
        if let recovery = state.withLock({ $0.recovery }) { waitFor(until: deadline) { await recovery.end() } }
    }
}
