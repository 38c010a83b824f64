import FlatValue
import MemoryJournal
import Platform
import Synchronization
import Testing
import WorkflowCore
import WorkflowEngine

@Suite("Tasks on the thread of a worker")
struct WorkerTaskTests {
    private func echo() throws -> Workflow {
        try Workflow(id: "echo") { code in
            [
                .step(
                    "one",
                    handler: code.inline { input, _ in
                        ["input": input, "thread": Value(Int64(clamping: currentThread()))]
                    })
            ]
        }
    }

    @Test func `a run is carried out by the thread that asks for it`() async throws {
        let workflow = try echo()
        try await withEngine(workers: 2) { engine in
            try await engine.onWorker {
                let own = Value(Int64(clamping: currentThread()))
                for number in 0..<100 {
                    let record = try await engine.createRun(workflow).run(input: Value(Int64(number)))
                    #expect(record.output == ["input": Value(Int64(number)), "thread": own])
                    #expect(Value(Int64(clamping: currentThread())) == own)
                }
            }
        }
    }

    @Test func `each worker may have tasks, which run beside each other`() async throws {
        let workflow = try echo()
        try await withEngine(workers: 2) { engine in
            let met = Counter()
            let threads = try await withThrowingTaskGroup(of: UInt.self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        try await engine.onWorker {
                            met.increment()
                            // Both are here at the same time, so neither holds the other up.
                            while met.value < 2 { await Task.yield() }
                            _ = try await engine.createRun(workflow).run()
                            return currentThread()
                        }
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(threads).count == 2)
        }
    }

    @Test func `a task that begins runs without a pause leaves the worker's other runs their turns`() async throws {
        let workflow = try echo()
        let sleeping = try Workflow(id: "sleep") { _ in [.delay("pause", .fixed(.milliseconds(20)))] }
        try await withEngine { engine in
            let other = engine.createRun(sleeping)
            try other.start()
            let isOver = Atomic<Bool>(false)
            let watch = Task {
                _ = try await other.finished()
                isOver.store(true, ordering: .releasing)
            }
            try await engine.onWorker {
                while !isOver.load(ordering: .acquiring) { _ = try await engine.createRun(workflow).run() }
            }
            try await watch.value
        }
    }

    @Test func `a handler may begin a run of its own worker while a task is there`() async throws {
        let workflow = try echo()
        try await withEngine { engine in
            let started = Mutex<WorkflowRun?>(nil)
            let outer = try Workflow(id: "outer") { code in
                [
                    .step(
                        "begin",
                        handler: code.inline { input, _ in
                            let run = engine.createRun(workflow)
                            try run.start(input: "inner")
                            // It begins once this handler is done.
                            #expect(run.standing == nil)
                            started.withLock { $0 = run }
                            return input
                        })
                ]
            }
            try await engine.onWorker {
                #expect(try await engine.createRun(outer).run(input: 1).output == 1)
                let inner = try #require(started.withLock { $0 })
                #expect(try await inner.finished().output?["input"] == "inner")
            }
        }
    }

    @Test func `what comes after the engine's end goes on elsewhere`() async throws {
        let workflow = try echo()
        let engine = WorkflowEngine(workers: 1)
        let code = try await engine.onWorker {
            await engine.shutdown(grace: .zero)
            do {
                _ = try await engine.createRun(workflow).run()
                return "none"
            } catch let failure as RunFailure {
                return failure.code
            }
        }
        #expect(code == "engine_stopped")
    }

    @Test func `a durable run is told of when it is in the store`() async throws {
        let workflow = try echo()
        let journal = MemoryJournal(clock: SystemClock())
        let engine = WorkflowEngine(workers: 1, host: NoHostOperations(), journal: journal)
        try await engine.onWorker {
            for _ in 0..<100 {
                let record = try await engine.createRun(workflow).run(input: 1)
                #expect(try await journal.header(of: record.id)?.status == .success)
            }
        }
        await engine.shutdown(grace: .zero)
        await journal.close()
    }
}
