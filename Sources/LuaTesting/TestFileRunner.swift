internal import FlatValue
internal import LuaWorkflows
internal import Platform
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// Runs the tests of one file, one after the other.
package struct TestFileRunner: Sendable {
    private let path: String
    private let settings: TestSettings
    private let bench: TestBench
    private let cassette: Cassette

    private init(path: String, settings: TestSettings) {
        self.path = path
        self.settings = settings
        cassette = Cassette(testFile: path)
        bench = TestBench(path: path, settings: settings, cassette: cassette)
    }

    /// Loads a file and runs the tests that the settings choose.
    ///
    /// - Parameters:
    ///   - folders: where modules are looked for, the best place first; each ends in a slash or is empty.
    ///   - onOutcome: told of each test as soon as it is over.
    package static func run(
        _ path: String, folders: [String], settings: TestSettings,
        onOutcome: @escaping @Sendable (TestOutcome) -> Void = { _ in }
    ) async -> TestFileReport {
        let runner = TestFileRunner(path: path, settings: settings)
        var report = TestFileReport(path: path)
        do throws(ScriptError) {
            let tree = try await runner.bench.load(folders: folders, settings: settings)
            report.total = tree.tests.count
            await runner.runAll(of: tree, into: &report, onOutcome)
        } catch {
            // What was stopped is no fault of the file.
            if !Task.isCancelled { report.problem = error }
        }
        (report.files, report.coverage) = await runner.bench.close()
        if let complaint = runner.cassette.save() { report.complaints.append(complaint) }
        return report
    }

    private func runAll(
        of tree: TestTree, into report: inout TestFileReport, _ onOutcome: @Sendable (TestOutcome) -> Void
    ) async {
        /// The suites that have begun, the file first, each with the error of its `before_all`.
        var open: [(suite: Int, failure: Value?)] = []
        for test in tree.chosen(by: settings.filter) {
            if Task.isCancelled { break }
            var outcome = TestOutcome(names: test.names, location: test.location, status: .skipped)
            guard !test.isSkipped, test.slot != 0 else {
                if test.slot == 0 { outcome.reason = "it has no body yet" }
                report.outcomes.append(outcome)
                onOutcome(outcome)
                continue
            }
            let line = tree.line(of: test.suite)
            while let last = open.last, !line.contains(last.suite) {
                report.complaints += await close(last.suite, of: tree)
                open.removeLast()
            }
            let start = monotonicNanoseconds()
            await bench.beginTest(test.title)
            for suite in line.dropFirst(open.count) {
                open.append((suite, open.last?.failure == nil ? await first(tree.suites[suite].beforeAll) : nil))
            }
            let failure =
                if let failure = open.compactMap(\.failure).first { failure } else { await run(test, line, of: tree) }
            outcome.duration = Int64((monotonicNanoseconds() - start) / 1000)
            // How the code ended that was stopped says nothing of it.
            outcome.take(failure != nil && Task.isCancelled ? Self.stopped : failure)
            report.outcomes.append(outcome)
            onOutcome(outcome)
        }
        for suite in open.reversed() { report.complaints += await close(suite.suite, of: tree) }
    }

    /// The hooks, the body, the hooks; what went wrong first.
    private func run(_ test: TestTree.Test, _ line: [Int], of tree: TestTree) async -> Value? {
        var failure = await first(line.flatMap { tree.suites[$0].beforeEach })
        if failure == nil { failure = await timed(test.slot) }
        let after = await each(line.reversed().flatMap { tree.suites[$0].afterEach })
        return failure ?? after.first
    }

    private func close(_ suite: Int, of tree: TestTree) async -> [String] {
        // What was stopped is no fault of the file.
        let failures = await each(tree.suites[suite].afterAll)
        if Task.isCancelled { return [] }
        return failures.map { failure in
            let place = failure["where"]?.string.map { $0 + ": " } ?? ""
            return "\(place)after_all: \(failure["message"]?.string ?? "failed")"
        }
    }

    /// Calls functions until one fails.
    private func first(_ slots: [CallbackSlot]) async -> Value? {
        for slot in slots {
            if let failure = await timed(slot) { return failure }
        }
        return nil
    }

    /// Calls all functions, whether they fail or not.
    private func each(_ slots: [CallbackSlot]) async -> [Value] {
        var failures: [Value] = []
        for slot in slots {
            if let failure = await timed(slot) { failures.append(failure) }
        }
        return failures
    }

    private static let stopped: Value = ["code": "cancelled", "message": "the tests were stopped"]

    /// How a call came to its end.
    private enum Ending: Sendable {
        case returned(Value?)
        case expired
        /// Its end made the clock superfluous, or nobody waits for the tests any more.
        case calledOff
    }

    /// Calls a function, and stops it when its time is over or the task is cancelled; then no further one begins.
    private func timed(_ slot: CallbackSlot) async -> Value? {
        if Task.isCancelled { return Self.stopped }
        let call = CalledFunction()
        return await withTaskGroup(of: Ending.self) { group in
            group.addTask { [bench] in
                let failure = await bench.call(slot)
                call.end()
                return .returned(failure)
            }
            group.addTask { [bench, settings] in
                let ending: Ending
                do {
                    try await Task.sleep(for: settings.timeout)
                    ending = .expired
                } catch {
                    ending = .calledOff
                }
                // Nothing runs any more when it was the function's end that called the clock off. What has not begun yet cannot
                // be stopped, so it is tried again.
                while !call.isOver {
                    bench.stop()
                    await call.ends(within: .milliseconds(100))
                }
                return ending
            }
            var result: Value?
            var hasExpired = false
            for await ending in group {
                switch ending {
                case .returned(let failure):
                    result = failure
                    group.cancelAll()
                case .expired: hasExpired = true
                case .calledOff: break
                }
            }
            return hasExpired ? expiry(result) : result
        }
    }

    /// The error of a function that was stopped, with the place at which it was.
    private func expiry(_ failure: Value?) -> Value {
        let limit = durationText(Int64(settings.timeout / .microseconds(1)))
        var entries: [(String, Value)] = [
            ("code", "test_timeout"),
            ("message", Value("the test took longer than \(limit) and was stopped; --timeout gives it more")),
        ]
        if let traceback = bench.effects.lastTraceback ?? failure?["traceback"]?.string, !traceback.isEmpty {
            entries.append(("traceback", Value(traceback)))
            if let place = traceback.split(separator: "\n")[0].split(separator: " ").first, place.hasSuffix(":") {
                entries.append(("where", Value(String(place.dropLast()))))
            }
        }
        return Value(entries: entries)
    }
}

/// Whether a function that was called has come to its end.
private final class CalledFunction: Sendable {
    private let state = Atomic(false)

    var isOver: Bool { state.load(ordering: .acquiring) }

    func end() { state.store(true, ordering: .releasing) }

    /// Waits for the end for a while, whether the task is cancelled or not.
    func ends(within time: Duration) async {
        guard !isOver else { return }
        await Task { try? await Task.sleep(for: time) }.value
    }
}

extension TestOutcome {
    /// Says how the test ended.
    fileprivate mutating func take(_ failure: Value?) {
        guard let failure else {
            status = .passed
            return
        }
        if failure["code"]?.string == "test_skipped" {
            reason = failure["message"]?.string
            return
        }
        status = .failed
        self.failure = failure
    }
}
