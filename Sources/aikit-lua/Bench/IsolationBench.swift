internal import FlatValue
internal import LuaWorkflows
internal import MemoryJournal
internal import Platform
internal import SQLiteJournal
internal import VMProcess
internal import WorkflowCore
internal import WorkflowEngine

/// Measures runs whose Lua is in processes of its own beside the same runs in this process, both through the public interface.
struct IsolationBench: Sendable {
    var seconds: Double
    var wants: @Sendable (String) -> Bool
    var report: @Sendable (BenchRow) -> Void

    private static let input: Value = ["id": 1, "name": "bench", "value": 1]
    private static let start = "VM process: start until it takes runs"
    private static let alone = "isolated: three steps, one run alone"
    private static let own = "isolated: a run in a warm process of its own, beyond one in a shared process"
    private static let many = "isolated: three steps, 1,000 in flight, memory"
    private static let durable = "isolated: three steps, 1,000 in flight, durable"

    func run() async throws {
        if wants(Self.start) { await measureStart() }
        if wants(Self.alone) || wants(Self.own) { try await measureAlone() }
        if wants(Self.many) {
            try await compare(Self.many, goal: 0.8, inFlight: 1000) { _ in MemoryJournal() }
        }
        if wants(Self.durable) {
            let folder = ".aikit-bench-\(getpid())"
            guard mkdir(folder, 0o700) == 0 else { return }
            defer { rmdir(folder) }
            try await compare(Self.durable, goal: 0.95, inFlight: 1000) { number in
                try SQLiteJournal(path: "\(folder)/\(number).db")
            }
            for number in 0..<2 {
                for suffix in ["", "-wal", "-shm", "-owners"] { unlink("\(folder)/\(number).db\(suffix)") }
            }
        }
    }

    private func engine(_ isolation: IsolationChoice, on store: any RunStore, workers: Int) -> WorkflowEngine {
        HostSettings(isolation: isolation, workers: workers, print: { _ in }, log: { _ in }, tell: { _ in })
            .engine(on: store)
    }

    private func measureStart() async {
        var samples: [Double] = []
        for _ in 0..<11 {
            let engine = engine(.shared, on: MemoryJournal(), workers: 1)
            let start = monotonicNanoseconds()
            await (engine.isolation as? VMPool)?.warm()
            samples.append(Double(monotonicNanoseconds() - start) / 1e6)
            await engine.shutdown(grace: .zero)
        }
        let median = samples.sorted()[samples.count / 2]
        report(
            BenchRow(
                name: Self.start, value: median, unit: "ms", ratio: nil, goal: "≤ 15 ms", reached: median <= 15))
    }

    private func measureAlone() async throws {
        let here = try await rate(.inProcess, MemoryJournal(), workers: 1, inFlight: 1)
        let shared = try await rate(.shared, MemoryJournal(), workers: 1, inFlight: 1)
        report(
            BenchRow(
                name: Self.alone, value: shared, unit: "runs/s", ratio: shared / here, goal: "≥ 0.5 × in process",
                reached: shared / here >= 0.5))
        guard wants(Self.own) else { return }
        let engine = engine(.run, on: MemoryJournal(), workers: 1)
        let script = try await LuaScript.load(source: BenchScripts.threeSteps, named: "bench.lua", on: engine)
        var samples: [Double] = []
        for _ in 0..<21 {
            await (engine.isolation as? VMPool)?.warm()
            // The next process is ready by then.
            try await Task.sleep(for: .milliseconds(50))
            let start = monotonicNanoseconds()
            _ = try await engine.createRun(script.workflows[0]).run(input: Self.input)
            samples.append(Double(monotonicNanoseconds() - start) / 1e6)
        }
        await engine.shutdown(grace: .zero)
        let beyond = max(0, samples.sorted()[samples.count / 2] - 1000 / shared)
        report(
            BenchRow(
                name: Self.own, value: beyond, unit: "ms", ratio: nil, goal: "with the script's load", reached: nil))
    }

    private func compare(
        _ name: String, goal: Double, inFlight: Int, _ store: (Int) throws -> any RunStore
    ) async throws {
        let here = try await rate(.inProcess, store(0), workers: 2, inFlight: inFlight)
        let there = try await rate(.shared, store(1), workers: 2, inFlight: inFlight)
        report(
            BenchRow(
                name: name + ", in process", value: here, unit: "runs/s", ratio: nil, goal: "", reached: nil))
        report(
            BenchRow(
                name: name, value: there, unit: "runs/s", ratio: there / here, goal: "≥ \(goal) × in process",
                reached: there / here >= goal))
    }

    /// Runs a second through the public interface, so many at once.
    private func rate(
        _ isolation: IsolationChoice, _ store: any RunStore, workers: Int, inFlight: Int
    ) async throws -> Double {
        let engine = engine(isolation, on: store, workers: workers)
        let script = try await LuaScript.load(source: BenchScripts.threeSteps, named: "bench.lua", on: engine)
        let workflow = script.workflows[0]
        func measure(_ seconds: Double) async throws -> Double {
            let start = monotonicNanoseconds()
            let end = start + UInt64(seconds * 1e9)
            let count = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<inFlight {
                    group.addTask {
                        var count = 0
                        while monotonicNanoseconds() < end {
                            let record = try await engine.createRun(workflow).run(input: Self.input)
                            guard record.status == .success else {
                                throw RunFailure(code: "bench", message: "a benchmark's run ended \(record.statusName)")
                            }
                            count += 1
                        }
                        return count
                    }
                }
                return try await group.reduce(0, +)
            }
            return Double(count) / (Double(monotonicNanoseconds() - start) / 1e9)
        }
        _ = try await measure(0.2)
        let rate = try await measure(seconds)
        await engine.shutdown(grace: .zero)
        await store.close()
        return rate
    }
}
