internal import FlatValue
internal import JSONSchema
internal import Platform
internal import WorkflowCore
internal import WorkflowEngine

/// One line for each thing that happens, for logs and for people who read them later.
///
/// The steps of a foreach and of a loop are summed up, as there may be thousands: what is told of each is its failure.
final class PlainDisplay: Display {
    private var model: ProgressModel?
    private var began: [Int32: Int64] = [:]
    private let logs: LogLines
    private var nextReport: UInt64 = 0

    /// How often the progress of long lists is told.
    private static let reportInterval: UInt64 = 5_000_000_000

    init(logs: LogLines) { self.logs = logs }

    func begin(_ handle: RunHandle, again: Bool) {
        guard !again else { return }
        model = ProgressModel(plan: handle.plan)
        let note = handle.note.map { " " + $0 } ?? ""
        TextStream.errors.writeLine(
            "run \(ShownText.line(handle.id)) of workflow \(ShownText.line(handle.plan.id))\(note)")
        nextReport = monotonicNanoseconds() + Self.reportInterval
    }

    func take(_ events: [ProgressEvent]) {
        var text = ""
        for event in events {
            if event.kind == .stepStart || event.kind == .closingStart, event.attempt <= 1,
                let frame = ProgressModel.frame(of: event)
            {
                began[frame] = event.time
            }
            model?.take(event)
            if let line = line(event) { text += "  " + line + "\n" }
        }
        if !text.isEmpty { TextStream.errors.write(text) }
    }

    func takePast(_ events: [ProgressEvent]) {
        for event in events { model?.take(event) }
    }

    /// What is told of an event that the model has taken.
    private func line(_ event: ProgressEvent) -> String? {
        guard let model, let node = model.node(of: event) else { return nil }
        switch event.kind {
        case .stepSuccess:
            if model.isRepeated(event) { return nil }
            var line = "done       \(path(event, model))"
            let row = model.rows[node]
            switch model.plan.nodes[node].kind {
            case .branch: if let choice = row.note { line += " -> \(ShownText.line(choice))" }
            case .foreach: line += " (\(counted(row.total, "item")))"
            case .loop: line += " (\(counted(row.total, "iteration")))"
            case .workflow, .step, .parallel, .human, .delay, .waitFor: break
            }
            return line + elapsed(event)
        case .stepError: return "failed     \(path(event, model))\(elapsed(event)): \(event.text ?? "no message")"
        case .stepCancelled:
            return model.isRepeated(event) ? nil : "cancelled  \(path(event, model))\(elapsed(event))"
        case .stepRetry:
            let wait = elapsedText(microseconds: Int64(event.item) * 1000)
            let reason = event.text ?? "no message"
            return "retry      \(path(event, model)) in \(wait), attempt \(event.attempt) failed: \(reason)"
        case .closingSuccess: return "undone     \(path(event, model))\(elapsed(event))"
        case .closingError: return "not undone \(path(event, model))\(elapsed(event)): \(event.text ?? "no message")"
        case .closingRetry:
            let wait = elapsedText(microseconds: Int64(event.item) * 1000)
            let reason = event.text ?? "no message"
            return "retry      undoing \(path(event, model)) in \(wait), attempt \(event.attempt) failed: \(reason)"
        case .humanRequested: return "asks       \(path(event, model))"
        case .stepWaiting:
            return "waits      \(path(event, model))" + (event.text.map { " for '\(ShownText.line($0))'" } ?? "")
        case .workflowStart, .workflowSuccess, .workflowError, .workflowCancelled, .workflowResumed, .stepStart,
            .stepEvent, .stepBranch, .humanCompleted, .bodyOpened, .inputSettled, .itemsListed, .metadataSet, .ctxSet,
            .storeSet, .cancelRequested, .signalReceived, .log, .limitsSet, .answerSigned, .traced,
            .queued, .onceRecorded, .modelCalled, .tagsSet, .restartAsked, .endingDecided, .closingStart:
            return nil
        }
    }

    private func path(_ event: ProgressEvent, _ model: ProgressModel) -> String {
        ShownText.line(model.path(of: event))
    }

    private func elapsed(_ event: ProgressEvent) -> String {
        guard let frame = ProgressModel.frame(of: event), let start = began[frame] else { return "" }
        let (elapsed, overflow) = event.time.subtractingReportingOverflow(start)
        return overflow ? "" : " " + elapsedText(microseconds: max(elapsed, 0))
    }

    func log(_ record: LogRecord) { TextStream.errors.writeLine("  " + logs.line(record)) }

    func print(_ line: String) { TextStream.errors.writeLine("  " + line) }

    func draw() {
        nextReport = monotonicNanoseconds() + Self.reportInterval
        guard let model else { return }
        for (index, row) in model.rows.enumerated() where row.running > 0 && model.plan.nodes[index].kind == .foreach {
            TextStream.errors.writeLine("  running    \(model.plan.details[index].id) \(row.done)/\(row.total)")
        }
    }

    var nextDraw: UInt64? { nextReport }

    func suspend() {}
}
