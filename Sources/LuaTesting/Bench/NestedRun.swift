internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// A run that a test began: it tells the test each time that it stands still.
///
/// It belongs to the worker's thread.
final class NestedRun: RunObserver {
    let number: Int64
    let run: Run
    /// The paths at which no code of the workflow runs; without indexes they mean every iteration.
    private let mocked: Set<String>
    /// Gets the state when the run is over, or waits for a person or a signal.
    var whenSettled: ((Value) -> Void)?
    /// Its signals are not there yet, so nothing is told.
    var isBeginning = false
    /// It has settled and nobody was told.
    private(set) var hasNews = false
    /// What the run told of and nobody recorded.
    private var deltas: [Value] = []
    /// The waits whose time may come, because the test answers none of them.
    private var passing: Set<Wait> = []

    private struct Wait: Hashable {
        let frame: Int
        let serial: UInt32
    }

    init(number: Int64, run: Run, mocked: [String]) {
        self.number = number
        self.mocked = Set(mocked)
        self.run = run
    }

    func runSettled(_ run: Run) { tell() }

    /// Tells the test where the run stands, if it waits for that.
    func tell() {
        guard !isBeginning, let tell = whenSettled else {
            hasNews = true
            return
        }
        whenSettled = nil
        hasNews = false
        tell(state)
    }

    /// Whether the test waits for the run, and could answer something whose time is over by then.
    func waitsForTest(until time: Int64) -> Bool {
        whenSettled != nil && waits(until: time).contains { !passing.contains($0) }
    }

    /// The test has been told of what waits now and lets the time of it come.
    func letWaitsPass() { passing.formUnion(waits(until: .max)) }

    /// The waits for a person or a signal that end by then.
    private func waits(until time: Int64) -> [Wait] {
        guard !run.machine.isOver else { return [] }
        return run.machine.frames.indices.compactMap { index in
            let frame = run.machine.frames[index]
            guard frame.phase == .waiting, frame.deadline != 0, frame.deadline <= time else { return nil }
            switch run.plan.nodes[Int(frame.node)].kind {
            case .human, .waitFor: return Wait(frame: index, serial: frame.serial)
            default: return nil
            }
        }
    }

    /// What was not told does not count any more: something is about to be done with the run.
    func forgetNews() { hasNews = false }

    func runAdvanced(_ run: Run, from first: Int) {}
    func runStreamed(_ event: TransientEvent) { deltas.append(event.value) }
    func runLost(_ run: Run, _ error: JournalError) {}

    /// The frames of the code that failed last.
    var lastTraceback: String? {
        var renderer = EventRenderer(plan: run.plan, runID: run.id)
        return renderer.render(from: 0, log: run.log).compactMap { event in
            (event.data?["traceback"] ?? event.data?["error"]?["traceback"])?.string
        }.last
    }

    /// The steps whose own code ran.
    var steps: [StepSnapshot] {
        let steps = RunReport.result(plan: run.plan, log: run.log).steps
        return mocked.isEmpty ? steps : steps.filter { !isMocked($0.path) }
    }

    private func isMocked(_ path: String) -> Bool {
        mocked.contains(path) || mocked.contains(path.replacing(#/\[\d+\]/#, with: ""))
    }

    /// `{ run, result, events, snapshots, waiting, deltas, usage }`.
    var state: Value {
        let result = RunReport.result(plan: run.plan, log: run.log)
        var renderer = EventRenderer(plan: run.plan, runID: run.id)
        let events = renderer.render(from: 0, log: run.log).map(\.value)
        return [
            "run": Value(number), "result": result.value, "events": Value(array: events),
            "snapshots": Value(array: result.steps.map(snapshot)), "waiting": Value(array: waiting(result)),
            "deltas": Value(array: deltas), "usage": run.log.usage.scriptValue,
        ]
    }

    private func snapshot(_ step: StepSnapshot) -> Value {
        let kind = run.plan.nodes[Int(step.node)].kind
        return Value(
            entries: [("stepId", Value(step.stepID)), ("kind", Value(kind == .waitFor ? "wait_for" : "\(kind)"))]
                + (step.value.entries ?? []).map { ($0.key, $0.value) })
    }

    /// What the run waits for, times too: `{ path, stepId, kind, hasTimeout, output?, form?, event? }`.
    private func waiting(_ result: RunResult) -> [Value] {
        guard !run.machine.isOver else { return [] }
        return run.machine.frames.indices.compactMap { index in
            let frame = run.machine.frames[index]
            guard frame.phase == .waiting else { return nil }
            let node = run.plan.nodes[Int(frame.node)]
            let details = run.plan.details[Int(frame.node)]
            let path = run.machine.path(of: Int32(index))
            var entries: [(String, Value)] = [
                ("path", Value(path)), ("stepId", Value(details.id)),
                ("kind", Value(node.kind.name)), ("hasTimeout", Value(frame.deadline != 0)),
            ]
            if let event = details.event { entries.append(("event", Value(event))) }
            if let pending = result.pending.first(where: { $0.path == path }) {
                if let output = pending.output { entries.append(("output", output)) }
                if let form = pending.form { entries.append(("form", form)) }
            }
            return Value(entries: entries)
        }
    }
}
