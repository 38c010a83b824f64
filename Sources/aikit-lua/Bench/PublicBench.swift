internal import FlatValue
internal import LuaWorkflows
internal import Platform
internal import WorkflowCore
internal import WorkflowEngine

/// Runs of three trivial steps as a Swift program begins them: by a task each, and by `run(many:)`.
struct PublicBench: Sendable {
    var seconds: Double
    var wants: @Sendable (String) -> Bool
    var report: @Sendable (BenchRow) -> Void

    private static let input: Value = ["id": 1, "name": "step", "value": 0, "done": false]

    func run(baseline: Double?) async throws {
        for (workers, words) in [(1, "one worker"), (2, "two workers")] {
            for inFlight in [16, 256] where wants("public API: \(inFlight) tasks, \(words)") {
                let rate = try await rate(workers: workers) { engine, workflow, seconds in
                    try await Self.tasks(inFlight, engine, workflow, seconds)
                }
                add("public API: \(inFlight) tasks, \(words)", rate, baseline)
            }
            if wants("public API: on the workers, \(words)") {
                let rate = try await rate(workers: workers) { engine, workflow, seconds in
                    try await Self.onWorkers(engine, workflow, seconds)
                }
                add("public API: on the workers, \(words)", rate, baseline)
            }
            if wants("public API: run(many:), \(words)") {
                let rate = try await rate(workers: workers) { engine, workflow, seconds in
                    try await Self.many(engine, workflow, seconds)
                }
                add("public API: run(many:), \(words)", rate, baseline)
            }
        }
    }

    private func add(_ name: String, _ rate: Double, _ baseline: Double?) {
        report(BenchRow(name: name, value: rate, unit: "runs/s", ratio: baseline.map { rate * 3 / $0 }, goal: ""))
    }

    private func rate(
        workers: Int, _ body: (WorkflowEngine, Workflow, Double) async throws -> Double
    ) async throws -> Double {
        let engine = WorkflowEngine(workers: workers)
        let script = try await LuaScript.load(source: BenchScripts.threeSteps, named: "bench.lua", on: engine)
        _ = try await body(engine, script.workflows[0], 0.2)
        var samples: [Double] = []
        for _ in 0..<3 { samples.append(try await body(engine, script.workflows[0], seconds / 3)) }
        await engine.shutdown(grace: .zero)
        return samples.sorted()[1]
    }

    private static func tasks(
        _ count: Int, _ engine: WorkflowEngine, _ workflow: Workflow, _ seconds: Double
    ) async throws -> Double {
        let start = monotonicNanoseconds()
        let end = start + UInt64(seconds * 1e9)
        let runs = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<count {
                group.addTask {
                    var runs = 0
                    while monotonicNanoseconds() < end {
                        try check(try await engine.createRun(workflow).run(input: input))
                        runs += 1
                    }
                    return runs
                }
            }
            return try await group.reduce(0, +)
        }
        return Double(runs) / (Double(monotonicNanoseconds() - start) / 1e9)
    }

    /// Sixteen tasks on the thread of each worker.
    private static func onWorkers(_ engine: WorkflowEngine, _ workflow: Workflow, _ seconds: Double) async throws
        -> Double
    {
        try await withThrowingTaskGroup(of: Double.self) { group in
            for _ in engine.workers {
                group.addTask { try await engine.onWorker { try await tasks(16, engine, workflow, seconds) } }
            }
            return try await group.reduce(0, +)
        }
    }

    private static func many(_ engine: WorkflowEngine, _ workflow: Workflow, _ seconds: Double) async throws -> Double {
        let inputs = Array(repeating: input, count: 10_000)
        let start = monotonicNanoseconds()
        let end = start + UInt64(seconds * 1e9)
        var runs = 0
        while monotonicNanoseconds() < end {
            for record in try await engine.run(workflow, many: inputs) { try check(record) }
            runs += inputs.count
        }
        return Double(runs) / (Double(monotonicNanoseconds() - start) / 1e9)
    }

    private static func check(_ record: RunRecord) throws {
        guard record.status == .success else {
            throw RunFailure(code: "bench", message: "a benchmark's run ended \(record.status)")
        }
    }
}
