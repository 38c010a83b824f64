package import FlatValue
internal import WorkflowCore

/// A run that stands still until a person or a signal comes, and for which another one waits.
package struct StandingRun: Sendable {
    package let record: RunRecord
    /// The run that waits for it.
    package let parent: String
    /// When the wait of its own that ends first does, in microseconds since 1970; 0 for never.
    package let wakeAt: Int64
}

/// Runs that go on only when somebody says something to the runs which they wait for.
extension WorkflowEngine {
    /// The runs that stand still and for which a run waits, itself or over those that it waits for.
    ///
    /// - Returns: empty if anything of the run, or of those that it waits for, goes on by itself. Something that has just begun, or
    ///   comes to an end, may be missed: who acts on it looks twice.
    package func standstill(of run: WorkflowRun) async -> [StandingRun] {
        let children = family.awaited(by: run.id)
        guard !children.isEmpty, await waitsForRunsAlone(run, children.count) else { return [] }
        var standing: [StandingRun] = []
        for child in Set(children).sorted() {
            let runs = await rests(of: child, for: run.id)
            if runs.isEmpty { return [] }
            standing += runs
        }
        return standing
    }

    /// Whether all that is under way of a run waits for runs that this engine does not drive.
    func waitsForOthersElsewhere(_ run: WorkflowRun) async -> Bool {
        let awaited = family.awaited(by: run.id)
        guard let live, !awaited.isEmpty, await waitsForRunsAlone(run, awaited.count) else { return false }
        return Set(live.all.map { RunChain.split($0.id).base }).isDisjoint(with: awaited)
    }

    /// Answers a step of a run that another one has started, and returns when the answer is taken.
    package func answer(_ id: String, step path: String, data: Value) async throws {
        guard journal == nil else {
            guard let runs = try knownRuns() else { throw RunFailure.engineStopped }
            return try await runs.answer(id, step: path, data: data)
        }
        guard let run = family.find(id) else { throw RunFailure.missing(id) }
        try await run.deliver(.reply(at: path, data: data, by: nil, key: nil))
    }

    /// A run for which another one waits, or those that it waits for; empty where it goes on by itself.
    private func rests(of id: String, for parent: String) async -> [StandingRun] {
        var id = id
        while true {
            if let run = journal == nil ? family.find(id) : live?.find(id) {
                guard let record = run.standing else { return await standstill(of: run) }
                guard let next = record.restartedAs else {
                    if record.status.isTerminal { return [] }
                    return [StandingRun(record: record, parent: parent, wakeAt: await run.earliestDeadline)]
                }
                id = next
                continue
            }
            guard let journal, let stored = try? await journal.load(id), let directory = try? knownRuns(),
                let plan = try? await directory.plan(of: stored.header),
                let record = try? RunRecord(stored, plan: plan)
            else { return [] }
            if let next = record.restartedAs {
                id = next
                continue
            }
            guard stored.header.waitsForSomebody else { return [] }
            return [StandingRun(record: record, parent: parent, wakeAt: stored.header.wakeAt)]
        }
    }

    /// Whether all that is under way of a run waits for other runs.
    ///
    /// - Parameter waits: for how many it waits.
    private func waitsForRunsAlone(_ run: WorkflowRun, _ waits: Int) async -> Bool {
        await run.asked(orElse: false) { worker, run in
            var running = 0
            for frame in run.machine.frames.elements {
                switch frame.phase {
                case .free, .body: continue
                case .waiting where run.plan.nodes[Int(frame.node)].kind != .delay: continue
                case .running: running += 1
                default: return false
                }
            }
            if run.mirror != nil { return running <= waits }
            return run.calls.all.allSatisfy { call in
                !call.operations.isEmpty && call.operations.values.allSatisfy { $0 is ChildOperation }
                    && !worker.timers.hasSleep(of: call.id, run)
            }
        }
    }
}

extension WorkflowRun {
    /// When its first wait ends, in microseconds since 1970; 0 for never.
    fileprivate var earliestDeadline: Int64 {
        get async { await asked(orElse: 0) { _, run in run.machine.earliestDeadline } }
    }

    /// What `body` gives on the worker's thread; `fallback` where nothing is driven there any more.
    fileprivate func asked<Result: Sendable>(
        orElse fallback: Result, _ body: @escaping @Sendable (Worker, Run) -> Result
    ) async -> Result {
        guard let run = attachedRun else { return fallback }
        return await withCheckedContinuation { continuation in
            let posted = worker.perform { worker in
                continuation.resume(returning: run.lost == nil ? body(worker, run) : fallback)
            }
            if !posted { continuation.resume(returning: fallback) }
        }
    }
}
