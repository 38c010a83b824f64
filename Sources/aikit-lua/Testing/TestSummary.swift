internal import LuaTesting

/// What all files together came to.
struct TestSummary: Sendable {
    var reports: [TestFileReport] = []
    /// Microseconds of the machine's time.
    var duration: Int64 = 0
    var showsCoverage = false

    var testCount: Int { reports.reduce(0) { $0 + $1.outcomes.count } }

    /// Files that could not be loaded.
    var problemCount: Int { reports.count { $0.problem != nil } }

    func count(_ status: TestOutcome.Status) -> Int { reports.reduce(0) { $0 + $1.count(status) } }

    var coverage: Coverage {
        reports.reduce(into: Coverage()) { $0.merge($1.coverage) }
    }

    var status: ExitStatus {
        if problemCount > 0 || testCount == 0 { return .usage }
        return reports.allSatisfy(\.isGood) ? .success : .failed
    }
}

/// Shows what became of tests.
protocol TestReporter: Sendable {
    /// Called for one file after the other, in their order.
    func report(_ report: TestFileReport)
    /// Called once, at the end.
    func finish(_ summary: TestSummary)
}
