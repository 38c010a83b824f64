internal import FlatValue

/// Turns the entries of a run's journal into the events that watchers see, one after the other.
///
/// Every entry goes through it in order, the ones that watchers do not see included; it keeps what it needs to know of
/// the entries before. ``skip(_:log:)`` passes over what is not to be shown.
package struct EventRenderer {
    package let plan: Plan
    package let runID: String
    private var tracker: FrameTracker
    private var metadata: Value
    private var sequence = 0
    /// Who gives the answer that the next entry completes a step with.
    private var answerer: Value?

    package init(plan: Plan, runID: String) {
        self.plan = plan
        self.runID = runID
        tracker = FrameTracker(plan: plan)
        metadata = plan.metadata
    }

    /// Takes the next entry without telling of it.
    package mutating func skip(_ event: Event, log: RunLog) {
        sequence += 1
        tracker.follow(event)
        if event.kind == .metadataSet { metadata = Value(log.value(event.payload)) }
        if event.kind == .answerSigned {
            // With a key it is `{ by?, key }`.
            let signature = log.value(event.payload)
            answerer = signature.isObject ? signature["by"].map { Value($0) } : Value(signature)
        } else if event.kind != .humanCompleted {
            answerer = nil
        }
    }

    /// Takes the next entry and gives the event that watchers see, if they see one.
    package mutating func render(_ event: Event, log: RunLog) -> RunEvent? {
        skip(event, log: log)
        let isOfStep = isOfStep(event.kind) && event.node > 0
        guard let type = event.kind.type(ofStep: isOfStep) else { return nil }
        let time = event.time.milliseconds
        var result = RunEvent(
            type: type, kind: event.kind, workflowID: plan.id, runID: runID, sequence: sequence, timestamp: time,
            metadata: metadata)
        if isOfStep {
            result.stepID = plan.details[Int(event.node)].id
            result.path = tracker.path(of: event.frame, node: event.node)
            result.attempt = Int(event.attempt)
            result.occurrence = tracker.occurrence(of: event.frame)
            if let group = tracker.parallelGroup(of: event.frame) {
                result.parallelGroupID = group.id
                result.parallelBranchID = group.branch
            }
        }
        result.data = data(event, stepID: result.stepID ?? "", log)
        return result
    }

    /// Takes entries up to the end of the log and gives the events that watchers see.
    package mutating func render(from first: Int, log: RunLog) -> [RunEvent] {
        (first..<max(first, log.count)).compactMap { render(log[$0], log: log) }
    }

    private func isOfStep(_ kind: EventKind) -> Bool {
        switch kind {
        case .stepStart, .stepSuccess, .stepError, .stepEvent, .stepBranch, .humanRequested, .humanCompleted,
            .stepRetry,
            .stepCancelled, .stepWaiting, .log, .answerSigned, .onceRecorded, .modelCalled, .closingStart,
            .closingSuccess, .closingError, .closingRetry, .restartAsked:
            true
        case .workflowStart, .workflowSuccess, .workflowError, .workflowCancelled, .workflowResumed, .bodyOpened,
            .inputSettled, .itemsListed, .metadataSet, .ctxSet, .storeSet, .cancelRequested, .signalReceived,
            .limitsSet, .traced, .queued, .tagsSet, .endingDecided:
            false
        }
    }

    private func data(_ event: Event, stepID: String, _ log: RunLog) -> Value? {
        let payload = log.copy(event.payload)
        switch event.kind {
        case .stepBranch:
            let first = plan.firstNode(of: event.node, body: event.item)
            return [
                "branchId": plan.branchID(of: event.node, choice: event.item), "nextStepId": plan.idValue(first),
                "conditionStepId": Value(stepID),
            ]
        case .humanRequested:
            var entries: [(String, Value)] = [
                ("runId", Value(runID)), ("stepId", Value(stepID)), ("workflowId", Value(plan.id)),
            ]
            for key in ["output", "form"] {
                if let value = payload?[key] { entries.append((key, value)) }
            }
            entries.append(("requestedAt", Value(event.time.milliseconds)))
            return Value(entries: entries)
        case .humanCompleted:
            var entries: [(String, Value)] = [
                ("response", payload ?? .null),
                ("nextStepId", plan.idValue(plan.following(event.node, next: event.item))),
            ]
            if let answerer { entries.append(("answeredBy", answerer)) }
            return Value(entries: entries)
        case .stepRetry, .closingRetry:
            let error = payload?.entries?.map { ($0.key, $0.value) } ?? []
            return Value(
                entries: error + [
                    ("nextAttempt", Value(Int64(event.attempt) + 1)), ("delayMs", Value(Int64(event.item))),
                ])
        case .endingDecided:
            let (status, key) =
                switch EventKind(number: event.item) {
                case .workflowSuccess: ("success", "result")
                case .workflowCancelled: ("cancelled", "error")
                default: ("failed", "error")
                }
            return Value(entries: [("status", Value(status)), (key, payload ?? .null)])
        case .workflowStart, .workflowSuccess, .workflowError, .workflowCancelled, .workflowResumed, .stepStart,
            .stepSuccess, .stepError, .stepEvent, .stepCancelled, .stepWaiting, .bodyOpened, .inputSettled,
            .itemsListed,
            .metadataSet, .ctxSet, .storeSet, .cancelRequested, .signalReceived, .log, .limitsSet,
            .answerSigned, .traced, .queued,
            .onceRecorded, .tagsSet, .restartAsked, .closingStart, .closingSuccess, .closingError:
            return payload
        case .modelCalled:
            // What is secret in the answer is the concern of whoever redacts.
            guard !RunSecrets.recorded(in: payload).isEmpty else { return payload }
            let shown = (payload?.entries ?? []).filter { $0.key != "secrets" && $0.key != "secretsInOutput" }
            return Value(entries: shown.map { ($0.key, $0.value) })
        }
    }
}

extension Int64 {
    /// Microseconds as whole milliseconds.
    var milliseconds: Int64 { self / 1000 }
}
