public import FlatValue

/// What a run came to, or how far it has come.
///
/// ``value`` is the result as it leaves the engine: `{ status, result?, error?, restartedAs?, steps, metadata, ctx,
/// tags?, startedAt, finishedAt?, pendingHuman?, pending? }`.
public struct RunResult: Sendable, Equatable {
    public var status: RunStatus
    /// The output of a run that succeeded.
    public var result: Value?
    /// The run that goes on in place of this one, which ended in favour of it.
    public var restartedAs: String?
    /// Why it failed or was cancelled: an object with a `code` and a `message`, and a `reason` where it was cancelled.
    public var error: Value?
    /// Every start of a step, in the order of the starts.
    public var steps: [StepSnapshot]
    public var metadata: Value
    public var ctx: Value
    /// What the run is found by, an object.
    public var tags: Value
    /// Milliseconds since 1970; nil for a run that has not begun.
    public var startedAt: Int64?
    public var finishedAt: Int64?
    /// The steps that wait for a person, in the order of their requests.
    public var pending: [PendingHuman]

    /// The first step that waits for a person.
    public var pendingHuman: PendingHuman? { pending.first }

    public var value: Value {
        var entries: [(String, Value)] = [("status", Value(status))]
        if let result { entries.append(("result", result)) }
        if let error { entries.append(("error", error)) }
        if let restartedAs { entries.append(("restartedAs", Value(restartedAs))) }
        entries.append(("steps", steps(writing: { Value($0) })))
        entries.append(("metadata", metadata))
        entries.append(("ctx", ctx))
        if tags.count > 0 { entries.append(("tags", tags)) }
        if let startedAt { entries.append(("startedAt", Value(startedAt))) }
        if let finishedAt { entries.append(("finishedAt", Value(finishedAt))) }
        if let pendingHuman { entries.append(("pendingHuman", pendingHuman.value)) }
        if pending.count > 1 { entries.append(("pending", Value(array: pending.map(\.value)))) }
        return Value(entries: entries)
    }

    public var json: String { value.json }

    /// Why the run was cancelled, without the words that it was; nil where nobody said why, and for a run that was not.
    package var cancelReason: String? {
        guard status == .cancelled else { return nil }
        if let reason = error?["reason"]?.string { return reason.isEmpty || reason == "cancelled" ? nil : reason }
        return error?["code"] == "cancelled" ? nil : error?["message"]?.string
    }

    /// The result without what schemas call secret; ids, paths and times stay as they are.
    package func redacted(by redaction: Redaction) -> RunResult {
        if redaction.isEmpty { return self }
        var shown = self
        shown.result = result.map { redaction.redact($0) }
        shown.error = error.map { redaction.redact($0) }
        shown.metadata = redaction.redact(metadata)
        shown.ctx = redaction.redact(ctx)
        shown.tags = redaction.redact(tags)
        shown.steps = steps.map { step in
            var shown = step
            shown.input = redaction.redact(step.input)
            shown.branchID = step.branchID.map { redaction.redact($0) }
            shown.nextStepID = step.nextStepID.map { redaction.redact($0) }
            shown.output = step.output.map { redaction.redact($0) }
            shown.error = step.error.map { redaction.redact($0) }
            shown.compensation?.output = step.compensation?.output.map { redaction.redact($0) }
            shown.compensation?.error = step.compensation?.error.map { redaction.redact($0) }
            return shown
        }
        shown.pending = pending.map { pending in
            var shown = pending
            shown.output = pending.output.map { redaction.redact($0) }
            shown.form = pending.form.map { redaction.redact($0) }
            return shown
        }
        return shown
    }

    /// The snapshots of one step, wherever it stands.
    public func snapshots(of stepID: String) -> [StepSnapshot] { steps.filter { $0.stepID == stepID } }

    /// The snapshots by the ids of their steps.
    ///
    /// - Parameter time: how the times of the snapshots are written, which are milliseconds since 1970.
    package func steps(writing time: (Int64) -> Value) -> Value {
        var groups: [(id: String, snapshots: [Value])] = []
        var places: [String: Int] = [:]
        for step in steps {
            let snapshot = step.value(writing: time)
            if let place = places[step.stepID] {
                groups[place].snapshots.append(snapshot)
            } else {
                places[step.stepID] = groups.count
                groups.append((step.stepID, [snapshot]))
            }
        }
        return Value(entries: groups.map { ($0.id, Value(array: $0.snapshots)) })
    }
}

/// One start of one step: what it got, what it gave, how it ended.
public struct StepSnapshot: Sendable, Equatable {
    public var status: RunStatus
    public var stepID: String
    /// The place in the run, such as `enrich[3]/translate`.
    public var path: String
    package var node: NodeIndex
    /// After its schema, where the value passed it.
    public var input: Value
    public var output: Value?
    public var error: Value?
    /// Milliseconds since 1970.
    public var startedAt: Int64
    public var finishedAt: Int64?
    /// Which start of this step in the run it is, from 1.
    public var occurrence: Int
    public var attempts: Int
    /// Of a branch: the case that it chose.
    public var branchID: Value?
    /// The step that followed.
    public var nextStepID: String?
    /// What undid it, once that has begun.
    public var compensation: Compensation?

    public var value: Value { value(writing: { Value($0) }) }

    /// - Parameter time: how ``startedAt`` and ``finishedAt`` are written.
    func value(writing time: (Int64) -> Value) -> Value {
        var entries: [(String, Value)] = [("status", Value(status)), ("path", Value(path)), ("input", input)]
        if let output { entries.append(("output", output)) }
        if let error { entries.append(("error", error)) }
        entries.append(("startedAt", time(startedAt)))
        if let finishedAt { entries.append(("finishedAt", time(finishedAt))) }
        entries.append(("occurrence", Value(Int64(occurrence))))
        if attempts > 1 { entries.append(("attempts", Value(Int64(attempts)))) }
        if let branchID { entries.append(("branchId", branchID)) }
        if let nextStepID { entries.append(("nextStepId", Value(nextStepID))) }
        if let compensation { entries.append(("compensation", compensation.value)) }
        return Value(entries: entries)
    }
}

/// How a step was undone after its run had failed, or was cancelled.
public struct Compensation: Sendable, Equatable {
    /// ``RunStatus/running``, ``RunStatus/waiting`` for its next attempt, ``RunStatus/success`` or ``RunStatus/failed``.
    public var status: RunStatus
    /// What `compensate` returned.
    public var output: Value?
    public var error: Value?
    /// Milliseconds since 1970.
    public var startedAt: Int64
    public var finishedAt: Int64?
    public var attempts = 1

    public var value: Value {
        var entries: [(String, Value)] = [("status", Value(status))]
        if let output, !output.isNull { entries.append(("output", output)) }
        if let error { entries.append(("error", error)) }
        entries.append(("startedAt", Value(startedAt)))
        if let finishedAt { entries.append(("finishedAt", Value(finishedAt))) }
        if attempts > 1 { entries.append(("attempts", Value(Int64(attempts)))) }
        return Value(entries: entries)
    }
}

/// A step that waits for a person.
public struct PendingHuman: Sendable, Equatable {
    public var stepID: String
    public var path: String
    /// The machine's frame that waits.
    package var frame: Int32
    /// What the person is shown.
    public var output: Value?
    /// What the person is asked.
    public var form: Value?
    /// Milliseconds since 1970.
    public var requestedAt: Int64

    public var value: Value {
        var entries: [(String, Value)] = [("stepId", Value(stepID)), ("path", Value(path))]
        if let output { entries.append(("output", output)) }
        if let form { entries.append(("form", form)) }
        entries.append(("requestedAt", Value(requestedAt)))
        return Value(entries: entries)
    }
}
