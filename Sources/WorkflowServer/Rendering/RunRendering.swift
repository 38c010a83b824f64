internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// Runs as the routes answer with them.
enum RunRendering {
    /// A run with its result and its steps; times are ISO 8601 texts.
    ///
    /// - Parameter redacts: without what schemas call secret.
    static func run(_ record: RunRecord, _ place: QueuePlace? = nil, redacts: Bool) -> Value {
        let told = run(record, place)
        return redacts ? record.redaction.redact(contentsOf: told) : told
    }

    private static func run(_ record: RunRecord, _ place: QueuePlace?) -> Value {
        let (result, id, workflow) = (record.result(), record.id, record.plan.id)
        var entries: [(String, Value)] = [
            ("runId", Value(id)), ("workflowId", Value(workflow)), ("status", Value(result.status)),
        ]
        if let place { entries.append(("queue", queue(place))) }
        if let value = result.result { entries.append(("result", value)) }
        if let error = result.error { entries.append(("error", error)) }
        if let next = result.restartedAs { entries.append(("restartedAs", Value(next))) }
        entries.append(("steps", result.steps(writing: { Value(Timestamp.text(milliseconds: $0)) })))
        entries.append(("metadata", result.metadata))
        entries.append(("ctx", result.ctx))
        if result.tags.count > 0 { entries.append(("tags", result.tags)) }
        if let time = result.startedAt { entries.append(("startedAt", Value(Timestamp.text(milliseconds: time)))) }
        if let time = result.finishedAt ?? pause(result) {
            entries.append(("finishedAt", Value(Timestamp.text(milliseconds: time))))
        }
        if let pending = result.pendingHuman {
            entries.append(("pendingHuman", self.pending(pending, of: record, hasForm: true)))
        }
        if result.pending.count > 1 {
            entries.append(
                ("pending", Value(array: result.pending.map { self.pending($0, of: record, hasForm: true) })))
        }
        return Value(entries: entries)
    }

    /// When a run came to stand still that waits; nil for one that runs.
    private static func pause(_ result: RunResult) -> Int64? {
        guard result.status == .waitingHuman || result.status == .waiting else { return nil }
        let times = result.steps.map { $0.finishedAt ?? $0.startedAt } + result.pending.map(\.requestedAt)
        return times.max() ?? result.startedAt
    }

    /// A step that waits for a person.
    ///
    /// - Parameter hasForm: whether a step without a form gets one also where none can be made of its answer's schema: one
    ///   without fields.
    static func pending(_ pending: PendingHuman, of record: RunRecord, hasForm: Bool = false) -> Value {
        var entries: [(String, Value)] = [
            ("runId", Value(record.id)), ("stepId", Value(pending.stepID)), ("workflowId", Value(record.plan.id)),
            ("path", Value(pending.path)),
        ]
        if let output = pending.output { entries.append(("output", output)) }
        let schema = record.plan.details.indices.first { record.plan.details[$0].id == pending.stepID }
            .flatMap { WorkflowRendering.schema(record.plan.nodes[$0].outputSchema, record.plan) }
        let made = schema.flatMap { SchemaForm.form(of: $0, title: pending.stepID) }
        let none: Value = ["title": Value(pending.stepID), "fields": [], "generated": true]
        if let form = pending.form ?? made ?? (hasForm ? none : Value?.none) { entries.append(("form", form)) }
        entries.append(("requestedAt", Value(Timestamp.text(milliseconds: pending.requestedAt))))
        return Value(entries: entries)
    }

    /// Where a run stands in the queue; times are ISO 8601 texts.
    static func queue(_ place: QueuePlace) -> Value {
        Value(
            entries: (place.value.entries ?? []).map { entry in
                guard entry.key == "until", let time = entry.value.int else { return (entry.key, entry.value) }
                return (entry.key, Value(Timestamp.text(milliseconds: time)))
            })
    }

    /// A run as a list shows it.
    ///
    /// - Parameter undoing: the path of the step that it undoes.
    static func header(_ run: RunHeader, _ place: QueuePlace? = nil, undoing: String? = nil) -> Value {
        var entries: [(String, Value)] = [
            ("runId", Value(run.id)), ("workflowId", Value(run.workflow)), ("status", Value(run.status.rawValue)),
            ("createdAt", Value(Timestamp.text(milliseconds: run.createdAt / 1000))),
            ("updatedAt", Value(Timestamp.text(milliseconds: run.updatedAt / 1000))),
            ("events", Value(Int64(run.sequence))),
        ]
        if !run.generation.isEmpty { entries.append(("generation", Value(run.generation))) }
        if let lineage = run.lineage { entries.append(("lineage", Value(lineage))) }
        if !run.tags.isEmpty { entries.append(("tags", run.tags.value)) }
        if run.wakeAt != 0, !run.status.isTerminal {
            entries.append(("wakeAt", Value(Timestamp.text(milliseconds: run.wakeAt / 1000))))
        }
        if let place { entries.append(("queue", queue(place))) }
        if let undoing, !run.status.isTerminal { entries.append(("undoing", Value(undoing))) }
        if let owner = run.owner { entries.append(("owner", Value(owner.name))) }
        return Value(entries: entries)
    }
}
