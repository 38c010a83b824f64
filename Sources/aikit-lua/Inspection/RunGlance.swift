internal import FlatValue
internal import LuaWorkflows
internal import WorkflowCore
internal import WorkflowEngine

/// A run as a list shows it: its header, and what of its events says why it stands where it stands.
struct RunGlance: Sendable {
    let header: RunHeader
    /// What it waits for.
    var waits: [RunWait] = []
    /// The path of the step that it undoes.
    var undoing: String?
    /// Why it failed or was cancelled, as its last event says.
    var error: Value?
    /// Why its events cannot be told.
    var trouble: String?
    /// Where it stands in the queue.
    var place: QueuePlace?

    init(_ header: RunHeader) { self.header = header }

    /// What it undoes or waits for and when it wakes, or why it ended, in a line; empty where there is nothing to say.
    var what: String {
        if let trouble { return trouble }
        if let error { return (error["message"] ?? error["reason"])?.string ?? error.json }
        if let place { return place.text + place.untilText }
        var parts = undoing.map { ["undoing \($0)"] } ?? []
        parts += waits.compactMap { wait -> String? in
            switch wait.kind {
            case .human: "an answer at \(wait.path)"
            case .event: "event '\(wait.event ?? "")' at \(wait.path)"
            case .time: nil
            }
        }
        if header.isResting { parts.append("until " + TimeText.text(microseconds: header.wakeAt)) }
        return parts.joined(separator: ", ")
    }

    /// The glance as programs read it.
    var value: Value {
        var entries = (header.value.entries ?? []).map { ($0.key, $0.value) }
        if let undoing { entries.append(("undoing", Value(undoing))) }
        if !waits.isEmpty { entries.append(("waits", Value(array: waits.map(\.value)))) }
        if let error { entries.append(("error", error)) }
        if let place { entries.append(("queue", place.value)) }
        if let trouble { entries.append(("trouble", Value(trouble))) }
        return Value(entries: entries)
    }
}

extension StoredRuns {
    /// Looks into the events of those runs of which the header does not say all.
    func glances(at headers: [RunHeader]) async -> [RunGlance] {
        let engine = WorkflowEngine(workers: 1)
        defer { engine.shutdown() }
        let scripts = StoredScripts(journal, on: engine, options: Self.quietOptions)
        var glances: [RunGlance] = []
        for header in headers {
            var glance = RunGlance(header)
            do {
                try await look(at: &glance, scripts)
            } catch {
                glance.trouble = problems(of: error).first?.message ?? "\(error)"
            }
            glances.append(glance)
        }
        return glances
    }

    private func look(at glance: inout RunGlance, _ scripts: StoredScripts) async throws {
        let header = glance.header
        switch header.status {
        case .queued: glance.place = try await journal.place(of: header)
        case .success: return
        case .running:
            // That its code is gone is nothing that a list says of a run that goes on.
            guard let plan = try? await scripts.workflow(of: header).plan,
                plan.hasCompensation,
                let stored = try await journal.load(header.id)
            else { return }
            glance.undoing = try stored.decoded(on: plan).machine.undoing?.path
        case .failed, .cancelled:
            guard let stored = try await journal.load(header.id) else { return }
            let error = stored.payloads(of: [.workflowError, .workflowCancelled]).last
            // Without the code of a run nothing says what is secret in it, so what it says is kept back as well.
            let plan = try await scripts.workflow(of: header).plan
            guard let error, plan.hasSecrets || !stored.payloads(of: [.modelCalled, .traced]).isEmpty else {
                return glance.error = error
            }
            glance.error = try RunRecord(stored, plan: plan).redaction.redact(error)
        case .waiting, .waitingHuman:
            let plan = try await scripts.workflow(of: header).plan
            guard let stored = try await journal.load(header.id) else { return }
            var decoder = try stored.decoded(on: plan)
            glance.undoing = decoder.machine.undoing?.path
            let trace = decoder.machine.trace
            let record = RunRecord(
                id: header.id, plan: plan, log: decoder.takeLog(), trace: trace, status: stored.header.status)
            let result = record.result().redacted(by: record.redaction)
            glance.waits = RunWait.waits(of: result, plan: plan, runID: header.id, store: path)
        }
    }
}
