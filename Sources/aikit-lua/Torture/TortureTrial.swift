internal import FlatValue
internal import HostEffects
internal import LuaWorkflows
internal import SQLiteJournal
internal import WorkflowCore
internal import WorkflowEngine

/// One run of the workflow under torture: with a death of its process at one write, or without.
///
/// Time is virtual, so that delays take none. What dies is the state of the process: engine, virtual machines and the
/// connection to the store; the store's file is all that is left.
struct TortureTrial: Sendable {
    /// What a trial came to.
    struct Outcome: Sendable {
        var result: RunResult
        /// How many writes the journal took when nothing died.
        var writes: Int
        /// Steps whose code was called again after their success had been recorded.
        var repeated: [String]
    }

    let bundle: ScriptBundle
    let workflow: String
    let input: Value
    let answers: [String: Value]
    let permissions: Permissions
    let secrets: Secrets

    static let runID = "torture"

    /// Runs the workflow with a death at write `death`; nil for none.
    func run(dyingAt death: Int?) async throws -> Outcome {
        let folder = try TortureFolder.make()
        defer { TortureFolder.remove(folder) }
        let clock = HeldClock()
        let path = folder + "/runs.db"
        if let death {
            try await die(at: death, path, clock)
            return try await recover(path, clock)
        }
        let journal = try open(path)
        let counting = DyingJournal(journal)
        let (engine, definition) = try await load(counting, clock, nil)
        defer { engine.shutdown() }
        let run = engine.createRun(definition, id: Self.runID)
        hold(clock, for: run)
        try run.start(input: input)
        let result = try await finish(run)
        engine.shutdown()
        await journal.close()
        return Outcome(result: result, writes: counting.writes, repeated: [])
    }

    /// Runs until the write that is refused, or to its end where it comes to fewer writes, and leaves nothing but the store.
    private func die(at death: Int, _ path: String, _ clock: HeldClock) async throws {
        let journal = try open(path)
        let dying = DyingJournal(journal, limit: death)
        let (engine, definition) = try await load(dying, clock, nil)
        let run = engine.createRun(definition, id: Self.runID)
        hold(clock, for: run)
        let (ending, end) = AsyncStream.makeStream(of: Void.self)
        dying.onDeath { end.finish() }
        try run.start(input: input)
        let answering = Task { [self] in
            _ = try? await finish(run)
            end.finish()
        }
        for await _ in ending {}
        answering.cancel()
        engine.shutdown()
        await journal.close()
    }

    /// Goes on in another engine with what the store has.
    private func recover(_ path: String, _ clock: HeldClock) async throws -> Outcome {
        let journal = try open(path)
        let recorder = CallRecorder()
        let (engine, definition) = try await load(journal, clock, recorder)
        let run: WorkflowRun
        var finished: Set<CallRecorder.Call> = []
        switch try await journal.claim(Self.runID) {
        case .missing:
            run = engine.createRun(definition, id: Self.runID)
            hold(clock, for: run)
            try run.start(input: input)
        case .claimed(let claimed):
            finished = Self.finishedCalls(try RunRecord(claimed.stored, plan: definition.plan))

            clock.holds = { true }
            run = try await engine.takeUp(claimed) { _ in definition }
            hold(clock, for: run)
        case .over(let header):
            guard let stored = try await journal.load(header.id) else { throw UsageError("the run is gone") }
            engine.shutdown()
            await journal.close()
            return Outcome(result: try RunRecord(stored, plan: definition.plan).result(), writes: 0, repeated: [])
        case .owned: throw UsageError("the store's lock is held by another process")
        }
        defer { engine.shutdown() }
        let result = try await finish(run)
        engine.shutdown()
        await journal.close()
        let repeated = Set(recorder.calls.filter(finished.contains).map(\.path))
        return Outcome(result: result, writes: 0, repeated: repeated.sorted())
    }

    /// Carries a run to its end, and answers what it waits for.
    private func finish(_ run: WorkflowRun) async throws -> RunResult {
        var record = try await run.settled()
        while !record.status.isTerminal, !Task.isCancelled {
            let steps = waiting(record)
            guard let step = steps.first(where: { answer(to: $0) != nil }), let answer = answer(to: step) else {
                let plan = run.definition.plan
                if steps.contains(where: { plan.nodes[Int($0.node)].duration > 0 }) {
                    // Nobody is to answer, so its time passes.
                    record = try await run.settled(beyond: record.log.count)
                    continue
                }
                let path = steps.first?.path ?? "?"
                throw UsageError("the run waits at '\(path)'; give it an answer: --answer \(shellQuoted(path))='…'")
            }
            if step.status == .waitingHuman {
                record = try await run.resume(step: step.path, data: answer)
            } else {
                let event = run.definition.plan.details[Int(step.node)].event ?? ""
                try await run.signal(event, payload: answer)
                record = try await run.settled()
            }
        }
        return record.result()
    }

    /// Keeps time from passing while the run waits for one of the answers.
    private func hold(_ clock: HeldClock, for run: WorkflowRun) {
        clock.holds = { [weak run] in
            guard let record = run?.standing else { return false }
            return self.waiting(record).contains { self.answer(to: $0) != nil }
        }
    }

    /// The steps that wait for a person, an event or a time.
    private func waiting(_ record: RunRecord) -> [StepSnapshot] {
        record.result().steps.filter { $0.status == .waiting || $0.status == .waitingHuman }
    }

    private func answer(to step: StepSnapshot) -> Value? {
        answers[step.path] ?? answers[step.path.replacing(#/\[\d+\]/#, with: "")] ?? answers[step.stepID]
    }

    /// The calls that nothing may make again: those of every step whose success is in the journal.
    private static func finishedCalls(_ record: RunRecord) -> Set<CallRecorder.Call> {
        var calls: Set<CallRecorder.Call> = []
        var machine = RunMachine(plan: record.plan)
        for index in 0..<record.log.count {
            let event = record.log[index]
            if event.kind == .stepSuccess {
                let node = record.plan.nodes[Int(event.node)]
                for slot in [node.callback, node.conclude, node.extra] where slot != 0 {
                    calls.insert(
                        CallRecorder.Call(
                            path: machine.path(of: event.frame),
                            occurrence: machine.frames[Int(event.frame)].occurrence, slot: slot))
                }
            }
            if event.kind == .closingSuccess {
                let slot =
                    event.node > 0
                    ? record.plan.nodes[Int(event.node)].compensate
                    : record.plan.completion.slot(of: machine.closing?.ending ?? .workflowError)
                calls.insert(
                    CallRecorder.Call(
                        path: machine.path(of: event.frame),
                        occurrence: machine.frames[Int(event.frame)].occurrence, slot: slot))
            }
            machine.apply(event, log: record.log)
            machine.commands.removeAll()
        }
        return calls
    }

    // MARK: Parts

    private func open(_ path: String) throws -> SQLiteJournal {
        try SQLiteJournal(path: path, options: SQLiteJournalOptions(durability: .normal))
    }

    private func load(
        _ journal: any RunStore, _ clock: HeldClock, _ recorder: CallRecorder?
    ) async throws -> (WorkflowEngine, Workflow) {
        let engine = WorkflowEngine(
            workers: 1, clock: clock, host: HostEffectsService(permissions: permissions, secrets: secrets),
            journal: journal)
        let script = try await LuaScript.load(bundle: bundle, on: engine, options: StoredRuns.quietOptions)
        let definition = try choose(workflow, in: script.workflows)
        return (engine, recorder?.watching(definition) ?? definition)
    }
}
