internal import WorkflowCore
internal import WorkflowEngine

/// One line for each thing that happens, for logs and for people who read them later.
///
/// The steps of a foreach and of a loop are summed up, as there may be thousands: what is told of each is its failure.
final class PlainDisplay: Display {
    private var model: ProgressModel?
    private var began: [Int32: Int64] = [:]
    private let logs = LogLines(stream: .errors)
    private var nextReport: UInt64 = 0

    /// How often the progress of long lists is told.
    private static let reportInterval: UInt64 = 5_000_000_000

    func begin(_ handle: RunHandle, again: Bool) {
        guard !again else { return }
        model = ProgressModel(plan: handle.plan)
        let note = handle.note.map { " " + $0 } ?? ""
        TextStream.errors.writeLine("run \(handle.id) of workflow \(handle.plan.id)\(note)")
        nextReport = monotonicNanoseconds() + Self.reportInterval
    }

    func take(_ events: [ProgressEvent]) {
        guard var model else { return }
        var text = ""
        for event in events {
            if event.kind == .stepStart, event.attempt <= 1 { began[event.frame] = event.time }
            let line = line(event, model)
            model.take(event)
            if let line { text += "  " + line + "\n" }
        }
        self.model = model
        if !text.isEmpty { TextStream.errors.write(text) }
    }

    func takePast(_ events: [ProgressEvent]) {
        for event in events { model?.take(event) }
    }

    private func line(_ event: ProgressEvent, _ model: ProgressModel) -> String? {
        let path = model.path(of: event)
        let row = model.rows[Int(event.node)]
        switch event.kind {
        case .stepSuccess:
            if model.isRepeated(event) { return nil }
            var line = "done       \(path)"
            switch model.plan.nodes[Int(event.node)].kind {
            case .branch: if let choice = row.note { line += " -> \(choice)" }
            case .foreach: line += " (\(counted(row.total, "item")))"
            case .loop: line += " (\(counted(row.total, "iteration")))"
            case .workflow, .step, .parallel, .human, .delay, .waitFor: break
            }
            return line + elapsed(event)
        case .stepError: return "failed     \(path)\(elapsed(event)): \(event.text ?? "no message")"
        case .stepCancelled: return model.isRepeated(event) ? nil : "cancelled  \(path)\(elapsed(event))"
        case .stepRetry:
            let wait = durationText(microseconds: Int64(event.item) * 1000)
            return "retry      \(path) in \(wait), attempt \(event.attempt) failed: \(event.text ?? "no message")"
        case .humanRequested: return "asks       \(path)"
        case .stepWaiting: return "waits      \(path)" + (event.text.map { " for '\($0)'" } ?? "")
        case .workflowStart, .workflowSuccess, .workflowError, .workflowCancelled, .workflowResumed, .stepStart,
            .stepEvent,
            .stepBranch, .humanCompleted, .bodyOpened, .inputSettled, .itemsListed, .metadataSet, .ctxSet, .storeSet,
            .cancelRequested, .signalReceived:
            return nil
        }
    }

    private func elapsed(_ event: ProgressEvent) -> String {
        guard let start = began[event.frame] else { return "" }
        return " " + durationText(microseconds: event.time - start)
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
