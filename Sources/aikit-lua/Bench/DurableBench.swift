internal import FlatValue
internal import LuaWorkflows
internal import Platform
internal import PostgresJournal
internal import SQLiteJournal
internal import WorkflowCore
internal import WorkflowEngine

/// Measures durable runs beside what SQLite alone makes of the same disk, that of the working directory.
struct DurableBench: Sendable {
    var seconds: Double
    /// The address of a database to measure besides; nil for none.
    var database: String?
    var wants: @Sendable (String) -> Bool
    var report: @Sendable (BenchRow) -> Void

    private static let inFlight = [1, 10, 100, 1000]

    func run() async throws {
        let folder = ".aikit-bench-\(getpid())"
        guard mkdir(folder, 0o700) == 0 else {
            throw RunFailure(
                code: "bench", message: "the directory \(folder) cannot be made: \(systemMessage(errno))")
        }
        defer { Self.remove(folder) }
        // First, while nothing that was freed lies about.
        try await parked(folder)
        for durability in SQLiteJournalOptions.Durability.allCases { try await steps(durability, folder) }
        if let database { try await steps(database) }
        try await recovery(folder)
    }

    private func add(
        _ name: String, _ value: Double, _ unit: String, ratio: Double? = nil, goal: String = "", _ reached: Bool? = nil
    ) {
        report(BenchRow(name: name, value: value, unit: unit, ratio: ratio, goal: goal, reached: reached))
    }

    // MARK: Steps

    private func steps(_ durability: SQLiteJournalOptions.Durability, _ folder: String) async throws {
        let mode = durability.rawValue.uppercased()
        let names = Self.inFlight.map { "durable steps at \(mode), \($0) in flight" }
        guard names.contains(where: wants) else { return }
        let commits = try CommitRate.measure(in: folder, durability: durability, rowsPerCommit: 1, seconds: seconds / 2)
        add("raw SQLite at \(mode), 1 row a commit", commits, "rows/s")
        let rows = try CommitRate.measure(in: folder, durability: durability, rowsPerCommit: 100, seconds: seconds / 2)
        add("raw SQLite at \(mode), 100 rows a commit", rows, "rows/s")
        for (count, name) in zip(Self.inFlight, names) where wants(name) {
            let rate = try await stepRate(inFlight: count, durability, "\(folder)/\(mode)-\(count).db")
            switch (durability, count) {
            case (.full, 1):
                let ratio = rate / commits
                add(name, rate, "steps/s", ratio: ratio, goal: "≥ 0.7 × raw commits", ratio >= 0.7)
            case (.full, 100):
                add(name, rate, "steps/s", ratio: rate / rows, goal: "≥ 110,000/s", rate >= 110_000)
            default: add(name, rate, "steps/s", ratio: rate / (count == 1 ? commits : rows))
            }
        }
    }

    private func steps(_ database: String) async throws {
        for count in Self.inFlight {
            let name = "durable steps in PostgreSQL, \(count) in flight"
            guard wants(name) else { continue }
            add(name, try await stepRate(inFlight: count, try PostgresJournal(database)), "steps/s")
        }
    }

    /// Steps a second while so many runs of a hundred steps are under way at any time.
    private func stepRate(
        inFlight: Int, _ durability: SQLiteJournalOptions.Durability, _ path: String
    ) async throws -> Double {
        try await stepRate(
            inFlight: inFlight, try SQLiteJournal(path: path, options: SQLiteJournalOptions(durability: durability)))
    }

    private func stepRate(inFlight: Int, _ journal: any RunStore) async throws -> Double {
        let engine = WorkflowEngine(workers: 1, host: NoHostOperations(), journal: journal)
        let script = try await LuaScript.load(source: BenchScripts.hundredSteps, named: "bench.lua", on: engine)
        try await journal.save(script.stored)
        let workflow = script.workflows[0]
        let input: Value = ["id": 1, "name": "step", "value": 0, "done": false]
        let start = monotonicNanoseconds()
        let end = start + UInt64(seconds * 1e9)
        let runs = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<inFlight {
                group.addTask {
                    var count = 0
                    repeat {
                        _ = try await engine.createRun(workflow).run(input: input)
                        count += 1
                    } while monotonicNanoseconds() < end
                    return count
                }
            }
            return try await group.reduce(0, +)
        }
        let elapsed = Double(monotonicNanoseconds() - start) / 1e9
        engine.shutdown()
        await journal.close()
        return Double(runs * 100) / elapsed
    }

    // MARK: Recovery

    private static let interrupted = """
        local aikit = require "aikit"
        return aikit.workflow { id = "interrupted" }
          :step { id = "before", handler = function(input) return input end }
          :step { id = "step", handler = function(input)
            if aikit.now() < input.until_time then aikit.sleep(3600) end
            return 1
          end }
          :commit()
        """

    private func recovery(_ folder: String) async throws {
        let name = "recovery of 50 runs after a crash"
        guard wants(name) else { return }
        let (path, image) = (folder + "/crash.db", folder + "/image.db")
        let until = SystemClock().now() / 1000 + 1500
        try await interruptRuns(50, until: until, at: path) {
            // What a killed process leaves: its files, and no lock; the original's locks are held at this moment.
            for suffix in ["", "-wal", "-owners"] { try Self.copy(path + suffix, image + suffix) }
        }
        while SystemClock().now() / 1000 <= until { try await Task.sleep(for: .milliseconds(50)) }
        let start = monotonicNanoseconds()
        let journal = try SQLiteJournal(path: image)
        let engine = WorkflowEngine(workers: 1, host: NoHostOperations(), journal: journal)
        let scripts = StoredScripts(journal, on: engine)
        let (runs, taken) = AsyncStream.makeStream(of: WorkflowRun.self)
        let failures = try await engine.recover(
            load: { try await scripts.workflow(of: $0) }, began: { taken.yield($0) })
        taken.finish()
        var finished = 0
        for await run in runs where try await run.finished().status == .success { finished += 1 }
        let elapsed = Double(monotonicNanoseconds() - start) / 1e6
        engine.shutdown()
        await journal.close()
        guard failures.isEmpty, finished == 50 else {
            throw RunFailure(code: "bench", message: "\(finished) of 50 runs were recovered")
        }
        add(name, elapsed, "ms", goal: "≤ 20 ms", elapsed <= 20)
    }

    /// Calls `body` while so many runs are inside a step, durably.
    private func interruptRuns(_ count: Int, until: Int64, at path: String, _ body: () throws -> Void) async throws {
        let journal = try SQLiteJournal(path: path)
        let engine = WorkflowEngine(workers: 1, host: NoHostOperations(), journal: journal)
        let script = try await LuaScript.load(source: Self.interrupted, named: "bench.lua", on: engine)
        try await journal.save(script.stored)
        for _ in 0..<count {
            let run = engine.createRun(script.workflows[0])
            let events = run.events()
            try run.start(input: ["until_time": Value(until)])
            for await event in events where event.type == "step:start" && event.path == "step" { break }
        }
        try body()
        engine.shutdown()
        await journal.close()
    }

    // MARK: Memory

    private static let waiting = """
        local aikit = require "aikit"
        return aikit.workflow { id = "waiting" }
          :step { id = "before", handler = function(input) return input end }
          :wait_for { id = "wait", event = "go" }
          :commit()
        """

    private func parked(_ folder: String) async throws {
        let name = "memory of each of 10,000 durable runs that wait"
        guard wants(name) else { return }
        let journal = try SQLiteJournal(path: folder + "/parked.db", options: SQLiteJournalOptions(durability: .normal))
        let engine = WorkflowEngine(workers: 1, host: NoHostOperations(), journal: journal)
        let script = try await LuaScript.load(source: Self.waiting, named: "bench.lua", on: engine)
        try await journal.save(script.stored)
        func park(_ count: Int) async throws -> [WorkflowRun] {
            let runs = (0..<count).map { _ in engine.createRun(script.workflows[0]) }
            for run in runs { try run.start(input: ["id": 1, "name": "parked"]) }
            for run in runs { _ = try await run.settled() }
            return runs
        }
        var runs = try await park(100)
        let before = residentBytes()
        runs += try await park(10_000)
        let bytes = Double(residentBytes() - before) / 10_000
        withExtendedLifetime(runs) {}
        engine.shutdown()
        await journal.close()
        add(name, bytes, "B")
    }

    // MARK: Files

    private static func copy(_ source: String, _ target: String) throws {
        guard case .success(let bytes) = FileText.read(source, limit: 1 << 30), let file = fopen(target, "w") else {
            throw RunFailure(code: "bench", message: "\(source) cannot be copied")
        }
        defer { fclose(file) }
        _ = bytes.withUnsafeBytes { fwrite($0.baseAddress, 1, $0.count, file) }
    }

    private static func remove(_ folder: String) {
        for name in FolderNames.names(in: folder) { unlink(folder + "/" + name) }
        rmdir(folder)
    }
}
