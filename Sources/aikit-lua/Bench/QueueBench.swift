internal import FlatValue
internal import LuaWorkflows
internal import MemoryJournal
internal import Platform
internal import SQLiteJournal
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// Measures what it costs to let a run begin that waits in the queue, beside how many others wait there.
struct QueueBench: Sendable {
    var wants: @Sendable (String) -> Bool
    var report: @Sendable (BenchRow) -> Void

    private static let lengths = [1000, 100_000]
    /// Keys among which the runs of a queue are spread.
    private static let keys: [Int64] = [1, 1000]

    func run() async throws {
        let folder = ".aikit-bench-queue-\(getpid())"
        for store in ["memory", "SQLite"] {
            for keys in Self.keys {
                for length in Self.lengths {
                    let what = keys == 1 ? "" : " of \(keys) keys"
                    let name = "start of one of \(length) queued runs\(what), \(store)"
                    guard wants(name) else { continue }
                    guard mkdir(folder, 0o700) == 0 || errno == EEXIST else {
                        throw RunFailure(
                            code: "bench", message: "the directory \(folder) cannot be made: \(systemMessage(errno))")
                    }
                    let path = "\(folder)/\(keys)-\(length).db"
                    defer { for suffix in ["", "-wal", "-shm", "-owners"] { unlink(path + suffix) } }
                    let cost =
                        store == "memory"
                        ? try await measure(AdmittingStore(MemoryJournal()), length, keys)
                        : try await measure(
                            AdmittingStore(
                                try SQLiteJournal(path: path, options: SQLiteJournalOptions(durability: .normal))),
                            length, keys)
                    report(
                        BenchRow(
                            name: name, value: cost.start, unit: "µs", ratio: nil, goal: "≤ 100 µs",
                            reached: cost.start <= 100))
                    if store != "memory", length > 1000 {
                        report(
                            BenchRow(
                                name: "memory of each of \(length) queued runs\(what)", value: cost.bytes, unit: "B",
                                ratio: nil, goal: "≤ 100 B", reached: cost.bytes <= 100))
                    }
                }
            }
        }
        rmdir(folder)
    }

    private static let script = """
        local aikit = require "aikit"
        return aikit.workflow {
            id = "queued",
            concurrency = { limit = 64, key = function(input) return input.key end },
            rate_limit = { limit = 100000, period = "1h" },
            priority = function(input) return input.priority end,
          }
          :step { id = "step", handler = function(input) return input end }
          :commit()
        """

    /// What it takes the store to let a run begin, in microseconds, and what the process holds of one that waits, in bytes.
    ///
    /// Runs come, begin and end as those of `aikit-lua serve` do.
    private func measure<Store: RunStore>(
        _ store: AdmittingStore<Store>, _ length: Int, _ keys: Int64
    ) async throws -> (start: Double, bytes: Double) {
        let engine = WorkflowEngine(workers: 1, host: NoHostOperations(), journal: store)
        let script = try await LuaScript.load(source: Self.script, named: "bench.lua", on: engine)
        try await store.save(script.stored)
        let directory = try RunDirectory(engine, catalog: FixedCatalog(script.workflows))
        engine.leaveQueue()
        let queue = QueueService(directory)
        func add(_ numbers: Range<Int64>) async throws {
            try await withThrowingTaskGroup { group in
                for part in 0..<Int64(64) {
                    group.addTask {
                        for number in numbers where number % 64 == part {
                            let input: Value = [
                                "key": Value("k\(number % keys)"), "priority": Value(number * 7919 % 5),
                            ]
                            _ = try await directory.start(StartRequest(workflow: "queued", input: input))
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
        try await add(0..<64)
        let before = residentBytes()
        if length > 64 { try await add(64..<Int64(length)) }
        let bytes = length > 64 ? Double(max(residentBytes() - before, 0)) / Double(length - 64) : 0
        let count = min(length, 5000)
        let end = monotonicNanoseconds() + 60_000_000_000
        // Nothing else waits for the store while it is measured.
        while store.figures.begun < count, monotonicNanoseconds() < end {
            await queue.begin()
            while store.figures.ended < store.figures.begun, monotonicNanoseconds() < end {
                try await Task.sleep(for: .microseconds(200))
            }
        }
        let figures = store.figures
        guard figures.begun >= count else {
            throw RunFailure(code: "bench", message: "\(figures.begun) of \(count) queued runs began within 60 s")
        }
        engine.shutdown()
        await store.close()
        return (Double(figures.nanoseconds) / 1000 / Double(figures.begun), bytes)
    }
}

/// A store that measures how long it takes to let runs begin.
private final class AdmittingStore<Inner: RunStore>: RunJournal, ForwardingStore {
    let inner: Inner
    private let state = Mutex<(begun: Int, ended: Int, nanoseconds: UInt64)>((0, 0, 0))

    init(_ inner: Inner) { self.inner = inner }

    var figures: (begun: Int, ended: Int, nanoseconds: UInt64) { state.withLock { $0 } }

    func submit(_ batch: JournalBatch, answer: @escaping @Sendable (JournalBatch, [JournalOutcome]) -> Void) {
        inner.submit(batch) { [self] batch, outcomes in
            let ended = zip(batch.entries, outcomes).count { entry, outcome in
                if case .durable = outcome { entry.status.isTerminal } else { false }
            }
            if ended > 0 { state.withLock { $0.ended += ended } }
            answer(batch, outcomes)
        }
    }

    func admit(_ scope: QueueScope, limit: Int) async throws(JournalError) -> QueuePass {
        let start = monotonicNanoseconds()
        let pass = try await inner.admit(scope, limit: limit)
        let elapsed = monotonicNanoseconds() - start
        // A look that comes to nothing is part of what the starts cost.
        state.withLock { $0 = ($0.begun + pass.claims.count, $0.ended, $0.nanoseconds + elapsed) }
        return pass
    }
}
