internal import FlatValue
internal import LuaWorkflows
internal import Platform
internal import WorkflowCore
internal import WorkflowEngine

/// One line of the benchmark's table.
struct BenchRow {
    var name: String
    var value: Double
    var unit: String
    /// Against the plain-Lua baseline of the same run, where that says something.
    var ratio: Double?
    /// What is to be reached, in words.
    var goal: String
    /// Whether it was reached, where that can be told.
    var reached: Bool?

    var json: Value {
        var entries: [(String, Value)] = [
            ("name", Value(name)), ("value", Value(value)), ("unit", Value(unit)), ("goal", Value(goal)),
        ]
        if let ratio { entries.append(("ratio", Value(ratio))) }
        if let reached { entries.append(("reached", Value(reached))) }
        return Value(entries: entries)
    }
}

/// Measures the engine beside plain Lua on the same machine, so that the ratios tell and not the machine.
struct BenchSuite: Sendable {
    /// How long each throughput is measured.
    var seconds = 1.0
    var report: @Sendable (BenchRow) -> Void
    /// The address of a database in which durable runs are measured besides; nil for none.
    var database: String?
    /// Only rows whose name holds this text.
    var filter: String?

    func run() async throws {
        // First, while nothing that was freed lies about.
        try await memory()
        let baseline = PlainLua.rate(of: BenchScripts.baseline, count: 500_000)
        if let baseline {
            report(
                BenchRow(name: "plain Lua baseline", value: baseline, unit: "calls/s", ratio: 1, goal: "", reached: nil)
            )
        }
        try await PublicBench(seconds: seconds, wants: wants, report: report).run(baseline: baseline)
        try await throughput(
            "inner loop: three steps, one worker", BenchScripts.threeSteps, 3, workers: 1, baseline, goal: 0.5)
        try await throughput(
            "inner loop: three steps, two workers", BenchScripts.threeSteps, 3, workers: 2, baseline, goal: 0.85)
        try await throughput(
            "inner loop: a hundred steps, two workers", BenchScripts.hundredSteps, 100, workers: 2, baseline, goal: 0.75
        )
        try await schemas(baseline)
        try await foreach()
        try await sleeps()
        try await runaway()
        try await busy()
        if wants("agent") { try await AgentBench(report: report).run() }
        try await DurableBench(seconds: seconds, database: database, wants: wants, report: report).run()
        try await QueueBench(wants: wants, report: report).run()
        try await IsolationBench(seconds: seconds, wants: wants, report: report).run()
        try await reload()
    }

    @Sendable private func wants(_ name: String) -> Bool { filter.map { name.contains($0) } ?? true }

    private func add(
        _ name: String, _ value: Double, _ unit: String, ratio: Double? = nil, goal: String, _ reached: Bool?
    ) {
        report(BenchRow(name: name, value: value, unit: unit, ratio: ratio, goal: goal, reached: reached))
    }

    // MARK: Throughput

    /// Runs per second over all workers, each driving its runs from its own thread.
    private func rate(_ source: String, workers: Int, input: Value, seconds: Double? = nil) async throws -> Double {
        let seconds = seconds ?? self.seconds
        let engine = WorkflowEngine(workers: workers)
        defer { engine.shutdown() }
        let script = try await LuaScript.load(source: source, named: "bench.lua", on: engine)
        let workflow = script.workflows[0]
        _ = try await count(engine, workflow, input, seconds: 0.2)
        var samples: [Double] = []
        for _ in 0..<3 { samples.append(try await count(engine, workflow, input, seconds: seconds / 3)) }
        return samples.sorted()[1]
    }

    private func count(_ engine: WorkflowEngine, _ workflow: Workflow, _ input: Value, seconds: Double) async throws
        -> Double
    {
        let end = monotonicNanoseconds() + UInt64(seconds * 1e9)
        return try await withThrowingTaskGroup(of: Double.self) { group in
            for worker in engine.workers {
                group.addTask {
                    try await withCheckedThrowingContinuation { continuation in
                        worker.perform { worker in
                            continuation.resume(with: Result { try Self.drive(worker, workflow, input, until: end) })
                        }
                    }
                }
            }
            return try await group.reduce(0, +)
        }
    }

    private static func drive(_ worker: Worker, _ workflow: Workflow, _ input: Value, until end: UInt64) throws
        -> Double
    {
        let start = monotonicNanoseconds()
        var runs = 0
        while true {
            worker.beginEndlessPart()
            for _ in 0..<64 {
                let run = try worker.makeRun(workflow, id: nil)
                worker.begin(run, observer: nil, journaled: nil, budget: .max) { arena in
                    (arena.writing { $0.write(input) }, .none, .none)
                }
                guard run.machine.status == .success else {
                    throw RunFailure(code: "bench", message: "a benchmark's run ended \(run.machine.status.rawValue)")
                }
                runs += 1
            }
            let now = monotonicNanoseconds()
            if now >= end { return Double(runs) / (Double(now - start) / 1e9) }
        }
    }

    private func throughput(
        _ name: String, _ source: String, _ steps: Double, workers: Int, _ baseline: Double?, goal: Double
    ) async throws {
        guard wants(name) else { return }
        let input: Value = ["id": 1, "name": "step", "value": 0, "done": false]
        let rate = try await rate(source, workers: workers, input: input) * steps
        let ratio = baseline.map { rate / $0 }
        add(name, rate, "steps/s", ratio: ratio, goal: "≥ \(goal) × baseline", ratio.map { $0 >= goal })
    }

    private func schemas(_ baseline: Double?) async throws {
        guard wants("schemas") else { return }
        let input: Value = ["id": "a1", "name": "step", "value": 0.5, "samples": [1.5, 2.5, 3.5, 4.5, 5.5]]
        let typed = try await rate(BenchScripts.schemas, workers: 2, input: input)
        let untyped = try await rate(BenchScripts.untyped, workers: 2, input: input)
        let ratio = baseline.map { typed / $0 }
        add(
            "schemas on each step, two workers", typed, "runs/s", ratio: ratio, goal: "≥ 0.2 × baseline",
            ratio.map { $0 >= 0.2 })
        let cost = (untyped / typed - 1) * 100
        add("cost of schemas over none", cost, "%", goal: "≤ 40 %", cost <= 40)
    }

    private func foreach() async throws {
        guard wants("foreach") else { return }
        let items = (1...10_000).map { index -> Value in
            ["id": Value(Int64(index)), "name": "item", "value": 1, "done": false]
        }
        let rate = try await rate(BenchScripts.foreach, workers: 1, input: ["items": Value(array: items)]) * 10_000
        add("foreach over 10,000 objects", rate, "items/s", goal: "≥ 1.5M/s", rate >= 1_500_000)
    }

    // MARK: Waiting

    private func sleeps() async throws {
        guard wants("sleeps") else { return }
        let engine = WorkflowEngine(workers: 2)
        defer { engine.shutdown() }
        let script = try await LuaScript.load(source: BenchScripts.sleeps, named: "bench.lua", on: engine)
        var best = Double.infinity
        for _ in 0..<3 {
            let runs = (0..<1000).map { _ in engine.createRun(script.workflows[0]) }
            let start = monotonicNanoseconds()
            for run in runs { try run.start() }
            for run in runs { _ = try await run.finished() }
            best = min(best, Double(monotonicNanoseconds() - start) / 1e6)
        }
        add("1,000 runs × 3 sleeps of 10 ms", best, "ms", goal: "≤ 34 ms", best <= 34)
    }

    private func memory() async throws {
        guard wants("memory") else { return }
        let outside = try await parkedBytes(BenchScripts.parked)
        add("memory of a run that waits between steps", outside, "B", goal: "≤ 700 B", outside <= 700)
        let inside = try await parkedBytes(BenchScripts.inside)
        add("memory of a run that waits inside a handler", inside, "B", goal: "≤ 2,500 B", inside <= 2500)
    }

    private func parkedBytes(_ source: String) async throws -> Double {
        let engine = WorkflowEngine(workers: 1)
        defer { engine.shutdown() }
        let script = try await LuaScript.load(source: source, named: "bench.lua", on: engine)
        let workflow = script.workflows[0]
        let count = 20_000
        return try await withCheckedThrowingContinuation { continuation in
            engine.workers[0].perform { worker in
                continuation.resume(
                    with: Result {
                        var runs: [Run] = []
                        runs.reserveCapacity(count)
                        func park() throws {
                            let run = try worker.makeRun(workflow, id: nil)
                            worker.begin(run, observer: nil, journaled: nil) { arena in
                                (arena.writing { $0.write(["id": 1, "name": "parked"]) }, .none, .none)
                            }
                            runs.append(run)
                        }
                        for _ in 0..<64 { try park() }
                        let before = residentBytes()
                        for _ in 0..<count { try park() }
                        return Double(residentBytes() - before) / Double(count)
                    })
            }
        }
    }

    // MARK: Code that changes

    private func reload() async throws {
        guard wants("reload") else { return }
        let median = try await ReloadBench.median()
        add("reload: save → live, after the debounce", median, "ms", goal: "≤ 10 ms", median <= 10)
    }

    // MARK: Code that runs long

    private func runaway() async throws {
        guard wants("runaway") else { return }
        let engine = WorkflowEngine(workers: 1)
        defer { engine.shutdown() }
        let script = try await LuaScript.load(source: BenchScripts.runaway, named: "bench.lua", on: engine)
        var samples: [Double] = []
        for _ in 0..<5 {
            let run = engine.createRun(script.workflows[0])
            try run.start()
            try await Task.sleep(for: .milliseconds(30))
            let start = monotonicNanoseconds()
            run.cancel()
            _ = try await run.finished()
            samples.append(Double(monotonicNanoseconds() - start) / 1e6)
        }
        let worst = samples.max() ?? 0
        add("stop a runaway handler (worst of 5)", worst, "ms", goal: "≤ 50 ms", worst <= 50)
    }

    private func busy() async throws {
        guard wants("CPU") else { return }
        let plain = PlainLua.rate(of: BenchScripts.plainBusy, count: 15)
        let one = try await rate(BenchScripts.busy, workers: 1, input: .emptyObject)
        let two = try await rate(BenchScripts.busy, workers: 2, input: .emptyObject)
        add(
            "CPU-bound handlers, one worker", one, "runs/s", ratio: plain.map { one / $0 }, goal: "≥ 0.95 × plain Lua",
            plain.map { one / $0 >= 0.95 })
        add(
            "CPU-bound handlers, two workers", two, "runs/s", ratio: plain.map { two / $0 }, goal: "scales with cores",
            two / one >= 1.7)
    }
}
