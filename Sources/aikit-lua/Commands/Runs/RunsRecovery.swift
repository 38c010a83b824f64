internal import FlatValue
internal import HostEffects
internal import LuaWorkflows
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowTelemetry

/// Goes on with unfinished runs of a store until each is over, waits, or is let go.
final class RunsRecovery: Sendable {
    /// What became of one run.
    struct Finding: Sendable {
        var run: String
        var workflow: String
        var status: String
        /// When the run goes on by itself, in microseconds since 1970; 0 for never.
        var wakeAt: Int64 = 0
        var error: String?
        /// The code of the error of a run that failed.
        var code: String?
        /// Where it waits in the queue.
        var place: QueuePlace?
        /// It was given back for want of permissions that nothing says it began with.
        var isLeftAlone = false
        /// The runs for which it waits, and which wait for somebody.
        var awaited: [String] = []

        var isGood: Bool { (error == nil || isLeftAlone) && status != "failed" }

        /// The error, or until when the run waits.
        var detail: String? {
            let error = error.map(ShownText.shortened)
            if code == "poisoned", let error { return "poisoned, \(error)" }
            if !awaited.isEmpty {
                return "it waits for run \(awaited.joined(separator: ", ")), which waits for somebody"
            }
            return error ?? place?.text ?? (wakeAt > 0 ? "until " + TimeText.text(microseconds: wakeAt) : nil)
        }

        var value: Value {
            var entries: [(String, Value)] = [
                ("runId", Value(run)), ("workflowId", Value(workflow)), ("status", Value(status)),
            ]
            if wakeAt > 0 { entries.append(("wakeAt", Value(wakeAt / 1000))) }
            if let place { entries.append(("queue", place.value)) }
            if let error { entries.append(("error", Value(error))) }
            if let code { entries.append(("code", Value(code))) }
            return Value(entries: entries)
        }
    }

    private let unrecorded = UnrecordedGrants()
    private let state = Mutex(State())

    private struct State {
        var runs: [WorkflowRun] = []
        /// Those for which each run waits that was given back because they wait for somebody.
        var awaited: [String: [String]] = [:]
        var taking: Task<[RecoveryFailure], any Error>?
        var isLettingGo = false
    }

    /// Whether runs were given back that could have gone on.
    var isLettingGo: Bool { state.withLock { $0.isLettingGo } }

    /// Takes nothing up any more, and gives back what is under way; may be called from any thread.
    func letGo() {
        let (runs, taking) = state.withLock { state in
            state.isLettingGo = true
            return (state.runs, state.taking)
        }
        taking?.cancel()
        for run in runs { release(run) }
    }

    private func release(_ run: WorkflowRun, within grace: Duration = RunDriver.grace) {
        Task.detached { _ = try? await run.release(within: grace) }
    }

    /// - Parameters:
    ///   - patience: how far away a time may be that a run is kept for, in microseconds.
    ///   - timeout: after how many microseconds all runs are let go; nil for never.
    ///   - host: what the runs may do besides what they began with, and where their code runs.
    ///   - export: where their spans are sent; nil for nowhere.
    func carryOut(
        _ scope: RecoveryScope, in runs: StoredRuns, patience: Int64, timeout: Int64?, host: HostSettings,
        export: ExportSettings?
    ) async throws -> [Finding] {
        let export = export.map { TraceExport($0, store: runs.journal) { TextStream.errors.writeLine($0) } }
        return try await carryOut(
            scope, in: runs, patience: patience, timeout: timeout, host: host, following: export)
    }

    private func carryOut(
        _ scope: RecoveryScope, in runs: StoredRuns, patience: Int64, timeout: Int64?, host: HostSettings,
        following export: TraceExport?
    ) async throws -> [Finding] {
        var host = host
        host.traces = export?.settings
        host.refused = { [self] run in
            guard let lacking = await unrecorded.refuse(run, in: runs.journal) else { return false }
            for known in state.withLock(\.runs) where known.id == lacking { release(known, within: .zero) }
            return true
        }
        let permissions = host.permissions
        let engine = host.engine(on: runs.journal)
        defer { engine.shutdown() }
        export?.follow(engine)
        await export?.begin()
        let limit = timeout.map { timeout in
            Task {
                try await StayRequest.sleep(timeout)
                letGo()
            }
        }
        defer { limit?.cancel() }
        let scripts = StoredScripts(runs.journal, on: engine, options: host.scripts)
        let catalog = ScriptCatalog(scripts: scripts)
        engine.adopt(catalog)
        await export?.sendUnsent(catalog)
        let taking = Task {
            try await engine.recover(
                scope,
                load: { run in
                    run.allowance = self.unrecorded.allowance(of: run, adding: permissions)
                    return try await scripts.workflow(of: run)
                },
                began: { run in
                    self.began(run, patience: patience)
                })
        }
        state.withLock { $0.taking = taking }
        let failures = try await taking.value
        let queue = scope.takesQueued ? Task { await watchQueue(of: runs.journal, patience: patience) } : nil
        let children = Task { await watchChildren(engine) }
        defer {
            queue?.cancel()
            children.cancel()
        }
        var findings: [Finding] = []
        for run in state.withLock({ $0.runs }) {
            findings.append(
                try await settle(run, in: runs) { next in
                    self.began(next, patience: patience)
                })
        }
        // What such a run has started waits for an answer that does not come.
        if unrecorded.hasRefused { await engine.releaseAll(within: .zero) }
        for failure in failures {
            let why = problems(of: failure.error).first?.message ?? "\(failure.error)"
            let header = try await runs.journal.header(of: failure.run)
            findings.append(
                Finding(
                    run: failure.run, workflow: header?.workflow ?? "", status: header?.status.rawValue ?? "",
                    error: "could not be taken up: " + why))
        }
        await export?.finish(engine, within: TraceExport.patience)
        return findings
    }

    /// Between two looks at the queue.
    private static let interval = Duration.milliseconds(250)

    /// Gives the runs back that wait in the queue once nothing that is under way here may let them begin.
    private func watchQueue(of journal: any RunStore, patience: Int64) async {
        var stuck = 0
        while stuck < 2 {
            do { try await Task.sleep(for: Self.interval) } catch { return }
            guard let isStuck = try? await isQueueStuck(journal, patience) else { continue }
            stuck = isStuck ? stuck + 1 : 0
        }
        guard let held = try? await own(journal).filter(\.isHeld) else { return }
        let ids = Set(held.map(\.id))
        for run in state.withLock(\.runs) where ids.contains(run.id) { release(run) }
    }

    /// Gives the runs back that wait for others alone, which wait for somebody.
    private func watchChildren(_ engine: WorkflowEngine) async {
        var seen: [String: [String]] = [:]
        while (try? await Task.sleep(for: Self.interval)) != nil {
            for run in state.withLock(\.runs) {
                let runs = await engine.standstill(of: run).map(\.record.id)
                if !runs.isEmpty, seen[run.id] == runs {
                    state.withLock { $0.awaited[run.id] = runs }
                    release(run, within: .zero)
                }
                seen[run.id] = runs
            }
        }
    }

    private func own(_ journal: any RunStore) async throws -> [RunHeader] {
        let open = Set(RunMachine.Status.allCases.filter { !$0.isTerminal })
        return try await journal.list(RunFilter(statuses: open)).filter { $0.owner?.isSelf == true }
    }

    /// Whether runs of this process wait in the queue for what others hold alone, or for times that are far away.
    private func isQueueStuck(_ journal: any RunStore, _ patience: Int64) async throws -> Bool {
        let own = try await own(journal)
        let held = own.filter(\.isHeld)
        let isUnderWay = own.contains { run in
            !run.isHeld && (run.status == .running || run.status == .queued || run.wakeAt > 0)
        }
        if held.isEmpty || isUnderWay { return false }
        let until = SystemClock().now() + patience
        return try await journal.places(of: held.map(\.id)).values.allSatisfy { place in
            switch place.reason {
            case .time(let time): time > until
            case .rate(_, _, _, let time): time > until
            case .concurrency, .singleton, .replaced: true
            case .turn: false
            }
        }
    }

    private func began(_ run: WorkflowRun, patience: Int64) {
        run.follow(
            RestFeed { [weak run] rest in
                if !rest.waitsOutside, rest.left > patience, let run { self.release(run) }
            })
        let isLate = state.withLock { state in
            state.runs.append(run)
            return state.isLettingGo
        }
        if isLate || unrecorded.isRefused(run.id) { release(run) }
    }

    /// - Parameter began: hears of each run that goes on in place of the one before it.
    private func settle(
        _ run: WorkflowRun, in runs: StoredRuns, began: (WorkflowRun) -> Void
    ) async throws -> Finding {
        var run = run
        do {
            var record = try await run.settled()
            while record.restartedAs != nil, let next = run.takeSuccessor() {
                began(next)
                run = next
                record = try await run.settled()
            }
            let error = record.result().error.map { record.redaction.redact($0) }
            return Finding(
                run: run.id, workflow: run.definition.id, status: record.statusName, error: error?["message"]?.string,
                code: error?["code"]?.string)
        } catch let failure as RunFailure where failure.code == RunFailure.Code.released {
            let header = try await runs.journal.header(of: run.id)
            if unrecorded.isRefused(run.id) {
                return Finding(
                    run: run.id, workflow: run.definition.id, status: header?.status.rawValue ?? "gone",
                    error: UnrecordedGrants.reason + "; give it those that it may have with --allow-…",
                    code: RunFailure.Code.permissionDenied, isLeftAlone: true)
            }
            if let awaited = state.withLock({ $0.awaited[run.id] }) {
                return Finding(
                    run: run.id, workflow: run.definition.id, status: header?.status.rawValue ?? "gone",
                    awaited: awaited)
            }
            let place = header?.isHeld == true ? try await runs.journal.places(of: [run.id])[run.id] : nil
            return Finding(
                run: run.id, workflow: run.definition.id, status: header?.status.rawValue ?? "gone",
                wakeAt: place == nil ? header?.wakeAt ?? 0 : 0, place: place)
        }
    }
}

extension RunsRecovery.Finding {
    /// A run that there was nothing to do for.
    init(_ header: RunHeader) {
        self.init(
            run: header.id, workflow: header.workflow, status: header.status.rawValue,
            wakeAt: header.isResting ? header.wakeAt : 0)
    }
}
