internal import FlatValue
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
    var status: RunStatus
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
    static func make(of trial: TortureTrial, kills: Int?, ignoring pointers: [String]) async throws -> TortureReport {
        let whole = try await trial.run(dyingAt: nil)
        var report = TortureReport(workflow: trial.workflow, status: whole.result.status, writes: whole.writes)
        let expected = outcome(of: whole.result, ignoring: pointers)
        let deaths = spread(kills ?? whole.writes, over: whole.writes)
        for (index, write) in deaths.enumerated() {
            tell(index, of: deaths.count)
            let outcome = try await trial.run(dyingAt: write)
            report.kills += 1
            let got = Self.outcome(of: outcome.result, ignoring: pointers)
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

    /// What has to be the same: how the run ended and with what, without what is not compared.
    private static func outcome(of result: RunResult, ignoring pointers: [String]) -> Value {
        let value: Value = [
            "status": Value(result.status), "result": result.result ?? .null,
            "error": result.error?.withUndoneSorted ?? .null,
        ]
        return pointers.reduce(value) { $0.without("result/" + $1.drop { $0 == "/" }) }
    }

    /// Progress for a person who waits; a log gets none.
    private static func tell(_ done: Int, of all: Int) {
        guard TextStream.errors.isTerminal else { return }
        TextStream.errors.write(.clearsRow)
        if done < all { TextStream.errors.write("death \(done + 1) of \(all)") }
    }
}

extension Value {
    /// An error whose lists of what was undone, and what not, are in the order of paths: steps that run at once end in any order.
    fileprivate var withUndoneSorted: Value {
        replacing("compensation") { lists in
            lists.replacing("undone") { $0.sorted { $0 } }.replacing("failed") { $0.sorted { $0["path"] } }
        }
    }

    private func sorted(by text: (Value) -> Value?) -> Value {
        Value(array: (array ?? []).sorted { (text($0)?.string ?? "") < (text($1)?.string ?? "") })
    }

    /// The value with null at a place, given as keys and indexes (from 0) joined by slashes; as it is if there is no such place.
    fileprivate func without(_ place: String) -> Value {
        guard let slash = place.firstIndex(of: "/") else { return replacing(place) { _ in .null } }
        let rest = String(place[place.index(after: slash)...])
        return replacing(String(place[..<slash])) { $0.without(rest) }
    }

    private func replacing(_ key: String, with body: (Value) -> Value) -> Value {
        if let array, let index = Int(key), array.indices.contains(index) {
            return Value(array: array.enumerated().map { $0.offset == index ? body($0.element) : $0.element })
        }
        guard let entries else { return self }
        return Value(entries: entries.map { ($0.key, $0.key == key ? body($0.value) : $0.value) })
    }
}
