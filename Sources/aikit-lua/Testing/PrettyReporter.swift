internal import FlatValue
internal import JSONSchema
internal import LuaTesting
internal import LuaWorkflows
internal import WorkflowCore

/// The report for people: each file as a tree of its tests, then what failed with its place, then the sum.
struct PrettyReporter: TestReporter {
    let stream: TextStream
    /// Whether the names of tests that passed are shown.
    let showsNames: Bool

    private var style: Style { Style(stream) }

    /// A test that took longer is shown with its time: microseconds.
    private static let slow: Int64 = 100_000

    func report(_ report: TestFileReport) {
        stream.writeLine(style(report.path, .bold))
        if let problem = report.problem { stream.show(problem.diagnostics.map(Problem.init)) }
        var shown: [String] = []
        for outcome in report.outcomes {
            let suites = Array(outcome.names.dropLast())
            let common = zip(shown, suites).prefix { $0 == $1 }.count
            for (depth, name) in suites.enumerated().dropFirst(common) {
                stream.writeLine(indent(depth + 1) + name)
            }
            shown = suites
            stream.writeLine(indent(suites.count + 1) + line(outcome))
        }
        for complaint in report.complaints { stream.show(Problem(complaint)) }
    }

    private func indent(_ depth: Int) -> String { String(repeating: "  ", count: depth) }

    private func line(_ outcome: TestOutcome) -> String {
        let name = outcome.names.last ?? ""
        let time = outcome.duration > Self.slow ? style(" (\(elapsedText(microseconds: outcome.duration)))", .dim) : ""
        switch outcome.status {
        case .passed: return style("✓", .green) + " " + name + time
        case .failed: return style("✗ " + name, .red) + time
        case .skipped:
            return style("- " + name + (outcome.reason.map { " (skipped: \($0))" } ?? " (skipped)"), .yellow)
        }
    }

    func finish(_ summary: TestSummary) {
        for report in summary.reports {
            for outcome in report.outcomes where outcome.status == .failed {
                stream.writeLine("")
                stream.writeLine(style("✗", .red) + " " + style(outcome.title, .bold))
                stream.show(Problem(failureOf: outcome))
            }
        }
        if summary.showsCoverage { show(summary.coverage) }
        guard summary.testCount > 0 || summary.problemCount > 0 else { return }
        stream.writeLine("")
        stream.writeLine(sum(summary))
    }

    private func sum(_ summary: TestSummary) -> String {
        var parts: [String] = []
        func add(_ count: Int, _ word: String, _ tone: Style.Tone) {
            if count > 0 { parts.append(style("\(count) \(word)", tone)) }
        }
        add(summary.count(.failed), "failed", .red)
        if summary.problemCount > 0 {
            parts.append(style("\(counted(summary.problemCount, "file")) could not be loaded", .red))
        }
        add(summary.count(.passed), "passed", .green)
        add(summary.count(.skipped), "skipped", .yellow)
        let files = counted(summary.reports.count, "file")
        return parts.joined(separator: ", ")
            + style(" (\(files), \(elapsedText(microseconds: summary.duration)))", .dim)
    }

    private func show(_ coverage: Coverage) {
        let total = coverage.units.count
        stream.writeLine("")
        guard total > 0 else { return stream.writeLine("coverage: no workflow was loaded") }
        let covered = coverage.coveredCount
        let tone: Style.Tone = covered == total ? .green : .yellow
        stream.writeLine(
            "coverage: " + style("\(covered * 100 / total)%", tone) + " (\(covered) of \(total) steps and cases)")
        for unit in coverage.uncovered {
            stream.writeLine("  " + style(unit.location, .dim) + " \(unit.workflow): \(unit.name)")
        }
    }
}

extension Problem {
    /// Why a test failed, at the place of the expectation, with the differences as notes.
    init(failureOf outcome: TestOutcome) {
        let failure = outcome.failure ?? .null
        self.init(failure["message"]?.string ?? "failed", code: failure["code"]?.string ?? "")
        traceback = Self.frames(of: failure["traceback"]?.string ?? "")
        let details = failure["details"]
        takeLocation(
            fallback: details?["where"]?.string ?? failure["where"]?.string ?? traceback.first.flatMap(Self.place)
                ?? outcome.location)
        // The one frame of the test itself is the line that is shown.
        if traceback.count == 1 { traceback = [] }
        for difference in details?["differences"]?.array ?? [] {
            let path = difference["path"]?.string ?? ""
            if !path.isEmpty { notes.append("at \(path.drop { $0 == " " })") }
            notes.append("  expected  \(difference["expected"]?.string ?? "nil")")
            notes.append("  got       \(difference["actual"]?.string ?? "nil")")
        }
        if let more = details?["more"]?.int, more > 0 { notes.append("and \(counted(Int(more), "more difference"))") }
    }

    /// The `file:line` with which a frame begins.
    private static func place(_ frame: String) -> String? {
        let parts = frame.split(separator: " ", maxSplits: 1)
        guard let first = parts.first, first.hasSuffix(":") else { return nil }
        return String(first.dropLast())
    }
}
