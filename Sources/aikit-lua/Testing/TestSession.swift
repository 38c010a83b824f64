internal import HostEffects
internal import JSONSchema
internal import LuaTesting
internal import Platform
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowTelemetry

/// One call of `test`: finds the files, runs them beside each other, reports in the order of the files.
final class TestSession {
    private let plan: TestPlan
    private let reporter: any TestReporter
    private let interruption = Interruption()

    init(_ plan: TestPlan) {
        self.plan = plan
        reporter =
            switch plan.reporter {
            case .pretty: PrettyReporter(stream: .errors, showsNames: true)
            case .ndjson: NDJSONReporter(stream: .output)
            case .junit: JUnitReporter { TextStream.output.write($0) }
            }
    }

    func run() throws(UsageError) -> ExitStatus {
        let interruption = interruption
        Interrupts.install { _ in interruption.raise() }
        var (status, files) = try runOnce()
        while plan.watches, !interruption.isRaised {
            let watch = FileWatch(files: files, paths: plan.paths)
            TextStream.errors.writeLine("\nwatching \(counted(files.count, "file")); Ctrl-C ends it")
            watch.waitForChange(unless: interruption)
            if interruption.isRaised { break }
            if TextStream.errors.isTerminal { TextStream.errors.write(.clearsAll) }
            (status, files) = try runOnce()
        }
        return Interrupts.caught.map(Interrupts.status) ?? status
    }

    /// Runs all files once; the status, and the files on which the result hangs.
    private func runOnce() throws(UsageError) -> (ExitStatus, [String]) {
        let files = try TestDiscovery.files(at: plan.paths)
        guard !files.isEmpty || plan.watches else {
            throw UsageError(
                "no tests found in \(plan.paths.joined(separator: ", ")); test files end in \(TestDiscovery.suffix)")
        }
        let start = monotonicNanoseconds()
        let export = plan.export.map { TraceExport($0, store: nil) { TextStream.errors.writeLine($0) } }
        var settings = settings
        if let export { settings.export = { export.send($0) } }
        var summary = waitFor { [interruption, reporter, settings, jobs = plan.jobs] in
            let task = Task { await Self.runAll(files, jobs: jobs, settings: settings, reporter: reporter) }
            interruption.whenRaised { task.cancel() }
            let summary = await task.value
            await export?.finish(within: TraceExport.patience)
            return summary
        }
        summary.duration = Int64((monotonicNanoseconds() - start) / 1000)
        summary.showsCoverage = plan.reportsCoverage
        reporter.finish(summary)
        try writeJUnit(summary)
        if summary.testCount == 0, summary.problemCount == 0, !interruption.isRaised {
            TextStream.errors.show(Problem(noTests(in: summary)))
        }
        return (summary.status, Array(Set(summary.reports.flatMap(\.files) + files)).sorted())
    }

    private func noTests(in summary: TestSummary) -> String {
        let total = summary.reports.reduce(0) { $0 + $1.total }
        guard let filter = plan.filter, total > 0 else { return "the files have no tests" }
        return "none of the \(total) tests has '\(filter)' in its name"
    }

    private var settings: TestSettings {
        var settings = TestSettings()
        settings.filter = plan.filter
        settings.timeout = .microseconds(plan.timeout)
        settings.records = plan.records
        var permissions = plan.permissions
        // Whoever records means the network to be used; hosts that are named narrow it.
        if plan.records, permissions.net == .nothing { permissions.net = .everything }
        settings.makeEffects = { [permissions, secrets = plan.secrets] in
            HostEffectsService(permissions: permissions, secrets: secrets)
        }
        settings.print = { TextStream.errors.writeLine($0) }
        if let log = plan.log { settings.log = log.written }
        return settings
    }

    /// Runs files, at most `jobs` at a time, and reports them in their order.
    private static func runAll(
        _ files: [String], jobs: Int, settings: TestSettings, reporter: any TestReporter
    ) async -> TestSummary {
        var summary = TestSummary()
        await withTaskGroup(of: (Int, TestFileReport).self) { group in
            var waiting: [Int: TestFileReport] = [:]
            var started = 0
            func startNext() {
                guard started < files.count, !Task.isCancelled else { return }
                let index = started
                started += 1
                group.addTask {
                    let path = files[index]
                    let folders = TestDiscovery.moduleFolders(of: path)
                    return (index, await TestFileRunner.run(path, folders: folders, settings: settings))
                }
            }
            for _ in 0..<jobs { startNext() }
            while let (index, report) = await group.next() {
                waiting[index] = report
                while let next = waiting.removeValue(forKey: summary.reports.count) {
                    summary.reports.append(next)
                    reporter.report(next)
                }
                startNext()
            }
        }
        return summary
    }

    private func writeJUnit(_ summary: TestSummary) throws(UsageError) {
        guard let path = plan.junitFile else { return }
        if let failure = FileText.write(JUnitReporter.document(of: summary), to: path) {
            throw UsageError("--junit cannot write \(path): \(failure)")
        }
    }
}

/// Tells of Ctrl-C to whoever has to stop for it, also when it came before.
final class Interruption: Sendable {
    private let state = Mutex<(isRaised: Bool, action: (@Sendable () -> Void)?)>((false, nil))

    var isRaised: Bool { state.withLock(\.isRaised) }

    func raise() {
        let action = state.withLock { state in
            state.isRaised = true
            return state.action
        }
        action?()
    }

    /// Has `action` called when it is raised; at once when it has been.
    func whenRaised(_ action: @escaping @Sendable () -> Void) {
        let isRaised = state.withLock { state in
            state.action = action
            return state.isRaised
        }
        if isRaised { action() }
    }
}
