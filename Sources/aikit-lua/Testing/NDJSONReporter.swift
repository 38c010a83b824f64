internal import FlatValue
internal import LuaTesting
internal import LuaWorkflows
internal import WorkflowCore

/// The report for programs: one JSON object a line.
///
/// `{"type":"test","file","name","names","status","durationMs","error"?,"reason"?,"location"?}` for each test,
/// `{"type":"problem",…}` for what could not be loaded, and `{"type":"summary",…}` at the end.
struct NDJSONReporter: TestReporter {
    let stream: TextStream

    func report(_ report: TestFileReport) {
        for diagnostic in report.problem?.diagnostics ?? [] {
            write("problem", [("file", Value(report.path)), ("problem", Problem(diagnostic).value)])
        }
        for outcome in report.outcomes { write("test", entries(of: outcome, in: report.path)) }
        for complaint in report.complaints {
            write("problem", [("file", Value(report.path)), ("problem", Problem(complaint).value)])
        }
    }

    private func entries(of outcome: TestOutcome, in path: String) -> [(String, Value)] {
        var entries: [(String, Value)] = [
            ("file", Value(path)), ("name", Value(outcome.title)),
            ("names", Value(array: outcome.names.map { Value($0) })), ("status", Value(outcome.status.rawValue)),
            ("durationMs", Value(Double(outcome.duration) / 1000)),
        ]
        if let location = outcome.location { entries.append(("location", Value(location))) }
        if let reason = outcome.reason { entries.append(("reason", Value(reason))) }
        if outcome.failure != nil { entries.append(("error", Problem(failureOf: outcome).value)) }
        return entries
    }

    func finish(_ summary: TestSummary) {
        var entries: [(String, Value)] = [
            ("passed", Value(Int64(summary.count(.passed)))), ("failed", Value(Int64(summary.count(.failed)))),
            ("skipped", Value(Int64(summary.count(.skipped)))), ("files", Value(Int64(summary.reports.count))),
            ("problems", Value(Int64(summary.problemCount))), ("durationMs", Value(Double(summary.duration) / 1000)),
        ]
        if summary.showsCoverage {
            let coverage = summary.coverage
            let uncovered = coverage.uncovered.map { unit -> Value in
                ["location": Value(unit.location), "workflow": Value(unit.workflow), "name": Value(unit.name)]
            }
            let report: Value = [
                "covered": Value(Int64(coverage.coveredCount)), "total": Value(Int64(coverage.units.count)),
                "uncovered": Value(array: uncovered),
            ]
            entries.append(("coverage", report))
        }
        write("summary", entries)
    }

    private func write(_ type: String, _ entries: [(String, Value)]) {
        stream.writeLine(Value(entries: [("type", Value(type))] + entries).json)
    }
}
