internal import WorkflowCore

/// The last words about a run: how it ended, why, and how it can go on.
struct RunSummary {
    let result: RunResult
    let plan: RunPlan
    let handle: RunHandle?
    let style: Style

    var text: String { lines.map { $0 + "\n" }.joined() }

    private var workflow: String { handle?.plan.id ?? "the run" }

    private var lines: [String] {
        let time = durationText(microseconds: ((result.finishedAt ?? 0) - (result.startedAt ?? 0)) * 1000)
        switch result.status {
        case "success":
            return [style("✓", .green) + " \(workflow) succeeded in \(time), \(counted(result.steps.count, "step"))"]
        case "cancelled":
            let reason = result.error?["reason"]?.string ?? result.error?["message"]?.string
            return [style("■", .yellow) + " \(workflow) was cancelled after \(time)" + (reason.map { ": \($0)" } ?? "")]
        case "waiting_human", "waiting": return waiting
        default:
            let problem = result.error.map(Problem.init(error:))
            return [style("✗", .red) + " \(workflow) failed after \(time)"]
                + (problem.map { [ProblemPrinter(style: style).text($0)] } ?? [])
        }
    }

    private var waiting: [String] {
        let mark = style("◷", .yellow)
        guard let pending = result.pendingHuman else {
            let step = result.steps.last { $0.status == "waiting" }
            var lines = ["\(mark) \(workflow) waits for an event" + (step.map { " at '\($0.path)'" } ?? "")]
            if let step, let event = event(of: step) { lines += goOn("signal \(runID) \(event)", "Send it with:") }
            return lines
        }
        var command = "resume \(runID)"
        if result.pending.count > 1 || pending.path != pending.stepID {
            command += " --step \(shellQuoted(pending.path))"
        }
        command += " --data \(shellQuoted((Form(pending.form)?.sample ?? .emptyObject).json))"
        return ["\(mark) \(workflow) waits for a person at '\(pending.path)'"] + goOn(command, "Answer with:")
    }

    private var runID: String { handle?.id ?? "RUN" }

    private func event(of step: StepSnapshot) -> String? {
        handle?.plan.details[Int(step.node)].event.map(shellQuoted)
    }

    private func goOn(_ command: String, _ words: String) -> [String] {
        switch plan.store {
        case .memory:
            [
                "  It was kept in memory only and ends here; --store PATH keeps it, and it goes on with:",
                "  aikit-lua \(command) --store PATH",
            ]
        case .file(let path):
            ["  \(words)", "  aikit-lua \(command) --store \(shellQuoted(path))"]
        }
    }
}

/// A word as a shell reads it back unchanged.
func shellQuoted(_ word: String) -> String {
    let isPlain =
        !word.isEmpty
        && word.allSatisfy {
            $0.isASCII && ($0.isLetter || $0.isNumber || "-_./:@%+=,".contains($0))
        }
    return isPlain
        ? word : "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
}
