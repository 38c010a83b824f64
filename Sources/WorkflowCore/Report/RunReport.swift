package import FlatValue

/// Folds a run's journal into what people ask of a run: its result, its steps, what it waits for.
///
/// It takes one entry after the other, so it can follow a run that lives, or be made from a whole log.
package struct RunReport: ~Copyable {
    package let plan: Plan
    private var machine: RunMachine
    private var tracker: FrameTracker
    private var snapshots: [StepSnapshot] = []
    /// The place in `snapshots` of what each frame runs.
    private var open: [Int32: Int] = [:]
    /// The places in `snapshots` of the steps that can be undone, in the order of their completion.
    private var completed: [Int] = []
    /// The place of the one that is undone now, or was last.
    private var undone: Int?
    private var pending: [Int32: PendingHuman] = [:]
    private var startedAt: Int64?
    private var finishedAt: Int64?
    private var taken = 0

    package init(plan: Plan) {
        self.plan = plan
        machine = RunMachine(plan: plan)
        tracker = FrameTracker(plan: plan)
    }

    /// The result of a run as its log has it.
    package static func result(plan: Plan, log: RunLog) -> RunResult {
        var report = RunReport(plan: plan)
        report.follow(log)
        return report.result(log)
    }

    /// Takes what the log has more than when it was last taken.
    package mutating func follow(_ log: RunLog) {
        while taken < log.count {
            follow(log[taken], log)
            taken += 1
        }
    }

    private mutating func follow(_ event: Event, _ log: RunLog) {
        tracker.follow(event)
        machine.apply(event, log: log)
        machine.commands.removeAll()
        let time = event.time.milliseconds
        // What comes before the start of a run that was deferred is no part of it.
        if startedAt == nil || event.kind == .workflowStart { startedAt = time }
        switch event.kind {
        case .stepStart where event.attempt > 1:
            change(event) {
                $0.status = .running
                $0.attempts = Int(event.attempt)
            }
        case .stepStart:
            open[event.frame] = snapshots.count
            snapshots.append(
                StepSnapshot(
                    status: .running, stepID: plan.details[Int(event.node)].id,
                    path: tracker.path(of: event.frame, node: event.node), node: event.node,
                    input: log.copy(event.payload) ?? .null, startedAt: time,
                    occurrence: tracker.occurrence(of: event.frame), attempts: 1))
        case .inputSettled: change(event) { $0.input = log.copy(event.payload) ?? $0.input }
        case .stepBranch:
            let branch = plan.branchID(of: event.node, choice: event.item)
            change(event) { $0.branchID = branch }
        case .stepSuccess: succeed(event, time, log)
        case .stepError: end(event, .failed, time) { $0.error = log.copy(event.payload) }
        case .stepCancelled: end(event, .cancelled, time) { _ in }
        case .stepRetry, .stepWaiting: change(event) { $0.status = .waiting }
        case .humanRequested:
            change(event) { $0.status = .waitingHuman }
            let request = log.copy(event.payload)
            pending[event.frame] = PendingHuman(
                stepID: plan.details[Int(event.node)].id, path: tracker.path(of: event.frame, node: event.node),
                frame: event.frame, output: request?["output"], form: request?["form"], requestedAt: time)
        case .closingStart where event.attempt == 1:
            undone = completed.indices.contains(Int(event.item)) ? completed[Int(event.item)] : nil
            undo { $0 = Compensation(status: .running, startedAt: time) }
        case .closingStart:
            undo {
                $0?.status = .running
                $0?.attempts = Int(event.attempt)
            }
        case .closingRetry: undo { $0?.status = .waiting }
        case .closingSuccess, .closingError:
            let isDone = event.kind == .closingSuccess
            let told = log.copy(event.payload)
            undo {
                $0?.status = isDone ? .success : .failed
                $0?.finishedAt = time
                if isDone { $0?.output = told } else { $0?.error = told }
            }
        case .workflowSuccess, .workflowError, .workflowCancelled:
            finishedAt = time
            pending = [:]
        case .workflowStart, .workflowResumed, .stepEvent, .humanCompleted, .bodyOpened, .itemsListed, .metadataSet,
            .ctxSet, .tagsSet, .storeSet, .cancelRequested, .signalReceived, .log, .limitsSet, .answerSigned, .traced,
            .queued,
            .onceRecorded, .modelCalled, .restartAsked, .endingDecided:
            break
        }
    }

    private mutating func change(_ event: Event, _ body: (inout StepSnapshot) -> Void) {
        guard let index = open[event.frame] else { return }
        body(&snapshots[index])
    }

    private mutating func undo(_ body: (inout Compensation?) -> Void) {
        guard let undone else { return }
        body(&snapshots[undone].compensation)
    }

    private mutating func end(_ event: Event, _ status: RunStatus, _ time: Int64, _ body: (inout StepSnapshot) -> Void)
    {
        change(event) {
            $0.status = status
            $0.finishedAt = time
            body(&$0)
        }
        open[event.frame] = nil
        pending[event.frame] = nil
    }

    private mutating func succeed(_ event: Event, _ time: Int64, _ log: RunLog) {
        let following: NodeIndex?
        if let index = open[event.frame], snapshots[index].branchID != nil, machine.frames[Int(event.frame)].total > 0 {
            following = plan.firstNode(of: event.node, body: machine.frames[Int(event.frame)].total - 1)
        } else {
            following = plan.following(event.node, next: event.item)
        }
        if plan.nodes[Int(event.node)].compensate != 0, let index = open[event.frame] { completed.append(index) }
        let output = log.copy(event.payload) ?? .null
        let name = following.map { plan.details[Int($0)].id }
        end(event, .success, time) {
            $0.output = output
            $0.nextStepID = name
        }
    }

    /// The error of a run: that of a cancelled one, which is recorded by its `reason`, has a code and a message like any other.
    private static func error(_ outcome: Value?, _ ending: EventKind?) -> Value? {
        guard ending == .workflowCancelled, let entries = outcome?.entries, outcome?["code"] == nil else {
            return outcome
        }
        let reason = outcome?["reason"]?.string ?? ""
        let message = "the run was cancelled" + (reason.isEmpty || reason == "cancelled" ? "" : ": " + reason)
        let head: [(String, Value)] = [("code", "cancelled"), ("message", Value(message))]
        return Value(entries: head + entries.filter { $0.key != "message" }.map { ($0.key, $0.value) })
    }

    /// How far the run has come.
    package func result(_ log: RunLog) -> RunResult {
        // Spelt out, as a bare nil could as well mean the value null.
        let absent = Value?.none
        let outcome = log.copy(machine.outcome)
        let hasSucceeded = machine.ending == .workflowSuccess
        return RunResult(
            status: machine.status, result: hasSucceeded ? outcome ?? Value.null : absent,
            restartedAs: machine.successor(in: log),
            error: machine.isOver && !hasSucceeded ? Self.error(outcome, machine.ending) : absent, steps: snapshots,
            metadata: log.copy(machine.metadata) ?? plan.metadata, ctx: log.copy(machine.ctx) ?? plan.ctx,
            tags: log.copy(machine.tags) ?? .emptyObject,
            startedAt: machine.isDeferred ? nil : startedAt, finishedAt: finishedAt,
            pending: pending.values.sorted { ($0.requestedAt, $0.path) < ($1.requestedAt, $1.path) })
    }
}

extension RunLog {
    /// A payload as a value of its own; nil where there is none.
    package func copy(_ slice: Slice) -> Value? {
        if slice.isNone { return Optional.none }
        return Value(value(slice))
    }
}
