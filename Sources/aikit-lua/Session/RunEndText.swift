internal import FlatValue
internal import JSONSchema
internal import LuaWorkflows
internal import WorkflowCore

/// The last words about a run: how it ended, why, and how it can go on.
struct RunEndText {
    /// Its errors are told without secrets.
    let result: RunResult
    let redaction: Redaction
    let plan: RunPlan
    let handle: RunHandle?
    /// Microseconds from the start to the end, as this process saw them.
    let elapsed: Int64
    let style: Style
    /// Whether this process goes on with the run while it waits.
    var goesOn = false

    var text: String { lines.map { $0 + "\n" }.joined() }

    private var workflow: String { handle?.plan.id ?? "the run" }

    private var lines: [String] {
        let time = elapsedText(microseconds: elapsed)
        switch result.status {
        case .success where result.restartedAs != nil:
            return [style("✓", .green) + " \(workflow) goes on as run \(result.restartedAs ?? "")"]
        case .success:
            return [style("✓", .green) + " \(workflow) succeeded in \(time), \(counted(result.steps.count, "step"))"]
        case .cancelled:
            let given = error?["reason"]?.string ?? error?["message"]?.string
            let reason = given == "cancelled" ? nil : given
            return [style("■", .yellow) + " \(workflow) was cancelled after \(time)" + (reason.map { ": \($0)" } ?? "")]
                + undoing
        case .waitingHuman, .waiting: return waiting
        case .failed, .queued, .running:
            return [style("✗", .red) + " \(workflow) failed after \(time)"]
                + (problem.map { [ProblemPrinter(style: style).text($0)] } ?? []) + undoing
        }
    }

    private var undoing: [String] {
        CompensationText(error: error)?.lines.map { "  " + $0.heading + $0.text } ?? []
    }

    private var error: Value? { result.error.map { redaction.redact($0) } }

    /// Why the run failed; an error that comes from no line of code is shown at the node that it belongs to.
    private var problem: Problem? {
        guard let error else { return nil }
        var problem = Problem(error: error)
        if let code = handle?.code, let file = problem.file, let line = problem.line {
            problem.excerpt = code.line(line, of: file)
        }
        guard problem.file == nil, let plan = handle?.plan else { return problem }
        let step = error["step"]?.string.flatMap { path in result.steps.last { $0.path == path } }
        if let place = plan.details[Int(step?.node ?? 0)].location.flatMap({ Location($0) }) {
            problem.file = place.file
            problem.line = place.line
        }
        return problem
    }

    private var waiting: [String] {
        let mark = style("◷", .yellow)
        let people = result.pending.map { pending in
            let command = AnswerCommand(pending: pending, result: result, plan: handle?.plan, runID: runID).text
            return ["\(mark) \(workflow) waits for a person at '\(pending.path)'"] + goOn(command, "Answer with:")
        }
        let events = result.steps.compactMap { step -> [String]? in
            guard step.status == .waiting, let name = event(of: step) else { return nil }
            return ["\(mark) \(workflow) waits for an event at '\(step.path)'"]
                + goOn("signal \(runID) \(name)", "Send it with:")
        }
        let waits = people + events
        if waits.isEmpty {
            let step = result.steps.last { $0.status == .waiting }
            return ["\(mark) \(workflow) waits for an event" + (step.map { " at '\($0.path)'" } ?? "")]
        }
        let left = waits.count - Self.shownWaits
        return waits.prefix(Self.shownWaits).flatMap(\.self)
            + (left > 0 ? ["  … and at \(counted(left, "more step"))"] : [])
    }

    /// How many of the steps that a run waits at are told of.
    private static let shownWaits = 5

    private var runID: String { handle?.id ?? "RUN" }

    private func event(of step: StepSnapshot) -> String? {
        handle?.plan.details[Int(step.node)].event.map(shellQuoted)
    }

    private func goOn(_ command: String, _ words: String) -> [String] {
        switch plan.store {
        case .memory where goesOn: []
        case .memory:
            [
                "  It was kept in memory only and ends here. In a store it would go on with:",
                "  aikit-lua \(command)",
            ]
        case .file, .database:
            ["  \(words)", "  aikit-lua \(command)\(plan.store.arguments)\(handle?.permissions ?? "")"]
        }
    }
}

/// A word as a shell reads it back unchanged, on one line and without characters that steer a terminal: those stand as bytes in
/// the `$'…'` that bash, zsh and ksh read.
func shellQuoted(_ word: String) -> String {
    guard ShownText.line(word) == word else {
        let bytes = word.utf8.map { byte -> String in
            switch byte {
            case UInt8(ascii: "'"), UInt8(ascii: "\\"): "\\" + String(UnicodeScalar(byte))
            case 0x20..<0x7F: String(UnicodeScalar(byte))
            default: "\\" + String(byte / 64) + String(byte / 8 % 8) + String(byte % 8)
            }
        }
        return "$'" + bytes.joined() + "'"
    }
    let isPlain =
        !word.isEmpty
        && word.allSatisfy {
            $0.isASCII && ($0.isLetter || $0.isNumber || "-_./:@%+=,".contains($0))
        }
    return isPlain
        ? word : "'" + word.pieces(between: "'", omittingEmpty: false).joined(separator: "'\\''") + "'"
}
