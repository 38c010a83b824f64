import FlatValue
internal import Testing

@testable import WorkflowCore
@testable import WorkflowEngine

@Suite("Runs in memory")
struct RunMemoryTests {
    private func onWorker<Result: Sendable>(
        of engine: WorkflowEngine, _ body: @escaping @Sendable (Worker) throws -> Result
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            engine.workers[0].perform { worker in continuation.resume(with: Swift.Result { try body(worker) }) }
        }
    }

    private func begin(_ worker: Worker, _ workflow: Workflow) throws -> Run {
        let run = try worker.makeRun(workflow, id: nil)
        worker.begin(run, observer: nil, journaled: nil) { arena in
            (arena.writing { $0.write(["n": 1]) }, .none, .none)
        }
        return run
    }

    @Test("A batch that is used again keeps no more memory than many need")
    func batches() {
        let batch = JournalBatch()
        for size in [100_000, 8 << 20] {
            [UInt8](repeating: 0, count: size).withUnsafeBytes { batch.bytes.append($0) }
            batch.empty()
            #expect(batch.bytes.count == 0)
            #expect(batch.bytes.capacity < 1 << 20)
        }
    }

    @Test("A run that waits for a signal keeps its log alone, and its state comes back from it")
    func parking() async throws {
        let workflow = try Workflow(id: "parked") { code in
            [
                .step("first", handler: code.inline { input, _ in input }),
                .parallel("both", branches: ["a": [.waitFor("a", event: "a")], "b": [.waitFor("b", event: "b")]]),
            ]
        }
        try await withEngine { engine in
            try await onWorker(of: engine) { worker in
                let run = try begin(worker, workflow)
                #expect(run.isParked)
                #expect(run.machine.status == .waiting)
                #expect(!run.isParked)
                let before = run.machine.copy()
                run.park()
                let isSame = run.machine == before
                #expect(isSame)
            }
        }
    }

    @Test(
        "A run that comes near to what it may record tells so once, while it can do something about it",
        .timeLimit(.minutes(1)))
    func sizeWarning() async throws {
        let large = Value(String(repeating: "x", count: 225_000))
        let workflow = try Workflow(id: "large") { code in
            let step = code.inline { _, _ in large }
            return (1...4).map { .step("s\($0)", handler: step) } + [
                .waitFor("first", event: "go"), .waitFor("second", event: "go"),
            ]
        }
        var limits = EngineLimits()
        limits.runSize = 1 << 20
        let engine = WorkflowEngine(workers: 1, limits: limits)
        defer { engine.shutdown() }
        let run = engine.createRun(workflow)
        async let events = run.allEvents()
        try run.start()
        for _ in 0..<2 {
            _ = try await run.settled()
            try await run.signal("go")
        }
        #expect(try await run.finished().status == .success)
        let warnings = await events.filter { $0.name == "log" }
        #expect(warnings.count == 1)
    }

    @Test("What a call's chance goes by is the same after a replay, and another for each call, attempt and run")
    func seeds() async throws {
        let workflow = try Workflow(id: "seeded") { code in
            [.step("first", handler: code.inline { input, _ in input }), .waitFor("wait", event: "go")]
        }
        try await withEngine { engine in
            try await onWorker(of: engine) { worker in
                let run = try begin(worker, workflow)
                func replayed(id: String?) throws -> Run {
                    let other = try worker.makeRun(workflow, id: id)
                    let events = UnsafeRawBufferPointer(
                        start: run.log.events, count: run.log.count * MemoryLayout<Event>.stride)
                    other.replay(events: events, arena: run.log.arena.bytes)
                    return other
                }
                let same = try replayed(id: run.id)
                let frame: Int32 = 1
                let isSame = same.seed(of: frame, calling: 0) == run.seed(of: frame, calling: 0)
                #expect(isSame)
                #expect(run.machine.started > 0)
                var words: Set<UInt64> = []
                for other in [run, try replayed(id: "another"), try begin(worker, workflow)] {
                    for (frame, slot) in [(Int32(0), CallbackSlot(0)), (1, 0), (1, 99)] {
                        let seed = other.seed(of: frame, calling: slot)
                        words.formUnion([seed.0, seed.1])
                    }
                    other.machine.frames[1].serial += 1
                    words.insert(other.seed(of: frame, calling: 0).0)
                    other.machine.frames[1].attempt += 1
                    words.insert(other.seed(of: frame, calling: 0).0)
                }
                #expect(words.count == 3 * 8)
            }
        }
    }

    @Test("Ids are UUIDs of version 7 that begin with the time and never come twice")
    func identifiers() {
        func id(_ token: UInt64, now: Int64) -> String {
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: 37) { buffer in
                RunIdentifier.fill(buffer.baseAddress!, token: token, now: now)
                return String(cString: buffer.baseAddress!)
            }
        }
        let ids = (0..<1000).map { id($0, now: 0x0192_ABCD_EF01 * 1000) }
        #expect(Set(ids).count == 1000)
        for id in ids {
            #expect(id.wholeMatch(of: /0192abcd-ef01-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil, "\(id)")
        }
        #expect(RunIdentifier.hexadecimal(0x0123_CDEF) == "0123cdef".utf8.reversed().reduce(0) { $0 << 8 | UInt64($1) })
    }
}
