internal import WorkflowCore
internal import WorkflowEngine

/// What became of a workflow that died at every write.
struct TortureReport: Sendable {
    /// After a death at one write the run came to something else.
    struct Difference: Sendable {
        var write: Int
        var expected: Value
        var got: Value
    }

    var workflow: String
    var status: String
    /// How many writes the journal took.
    var writes: Int
    var kills = 0
    var differences: [Difference] = []
    /// By write: the steps whose code ran again after their success had been recorded.
    var repeated: [(write: Int, paths: [String])] = []

    var isGood: Bool { differences.isEmpty && repeated.isEmpty }

    var value: Value {
        [
            "ok": Value(isGood), "workflowId": Value(workflow), "status": Value(status),
            "writes": Value(Int64(writes)), "kills": Value(Int64(kills)),
            "differences": Value(
                array: differences.map {
                    ["write": Value(Int64($0.write)), "expected": $0.expected, "got": $0.got] as Value
                }),
            "repeated": Value(
                array: repeated.map {
                    ["write": Value(Int64($0.write)), "paths": Value(array: $0.paths.map { Value($0) })] as Value
                }),
        ]
    }

    /// Runs the trial once without a death and then with one at each write, and tells how far it is.
    static func make(of trial: TortureTrial, kills: Int?) async throws -> TortureReport {
        let whole = try await trial.run(dyingAt: nil)
        var report = TortureReport(workflow: trial.workflow, status: whole.result.status, writes: whole.writes)
        let expected = outcome(of: whole.result)
        let deaths = spread(kills ?? whole.writes, over: whole.writes)
        for (index, write) in deaths.enumerated() {
            tell(index, of: deaths.count)
            let outcome = try await trial.run(dyingAt: write)
            report.kills += 1
            let got = Self.outcome(of: outcome.result)
            if got != expected { report.differences.append(Difference(write: write + 1, expected: expected, got: got)) }
            if !outcome.repeated.isEmpty { report.repeated.append((write + 1, outcome.repeated)) }
        }
        tell(deaths.count, of: deaths.count)
        return report
    }

    /// How many writes each death lets through: each number from 0, or some of them.
    private static func spread(_ kills: Int, over writes: Int) -> [Int] {
        if kills >= writes { return Array(0..<writes) }
        return (0..<kills).map { $0 * writes / kills }
    }

    /// What has to be the same: how the run ended, with what, and what every step gave.
    private static func outcome(of result: RunResult) -> Value {
        let absent = Value.null
        let steps = result.steps.filter { $0.status == "success" || $0.status == "failed" }
            .sorted { ($0.path, $0.occurrence) < ($1.path, $1.occurrence) }
        return [
            "status": Value(result.status), "result": result.result ?? absent, "error": result.error ?? absent,
            "metadata": result.metadata, "ctx": result.ctx,
            "steps": Value(
                array: steps.map { step in
                    ["path": Value(step.path), "output": step.output ?? step.error ?? absent] as Value
                }),
        ]
    }

    /// Progress for a person who waits; a log gets none.
    private static func tell(_ done: Int, of all: Int) {
        guard TextStream.errors.isTerminal else { return }
        TextStream.errors.write("\r\u{1B}[K" + (done < all ? "death \(done + 1) of \(all)" : ""))
    }
}
