import FlatValue
import Platform
internal import Testing
internal import WorkflowCore

@testable import WorkflowEngine

@Suite("Whoever waits is told")
struct EndingTests {
    private func waiting() throws -> Workflow {
        try Workflow(id: "waits") { _ in [.waitFor("paid", event: "payment")] }
    }

    @Test func `the end of the engine ends waits and streams`() async throws {
        let engine = WorkflowEngine(workers: 1)
        let run = engine.createRun(try waiting())
        try run.start()
        let events = run.events()
        await run.reached("step:waiting")
        let finished = Task { try await run.finished() }
        await engine.shutdown(grace: .seconds(5))
        for await _ in events {}
        let failure = await #expect(throws: RunFailure.self) { _ = try await finished.value }
        #expect(failure?.code == "engine_stopped")
        await #expect(throws: RunFailure.self) { try await run.signal("payment") }
        for await _ in run.events() {}
        let late = engine.createRun(try waiting())
        let refused = await #expect(throws: RunFailure.self) { _ = try await late.run() }
        #expect(refused?.code == "engine_stopped")
    }

    @Test func `a drain lets what is under way end, and begins nothing more`() async throws {
        let (begun, gate) = (Gate(), Gate())
        let second = Counter()
        let workflow = try Workflow(id: "two") { code in
            [
                .step(
                    "first",
                    handler: code.async { _, _ in
                        begun.open()
                        await gate.passed()
                        return 1
                    }),
                .step(
                    "second",
                    handler: code.inline { _, _ in
                        second.increment()
                        return 2
                    }),
            ]
        }
        let engine = WorkflowEngine(workers: 1)
        let run = engine.createRun(workflow)
        try run.start()
        await begun.passed()
        let quiet = Gate()
        engine.workers[0].perform { worker in
            worker.drain { quiet.open() }
            gate.open()
        }
        await quiet.passed()
        await engine.shutdown(grace: .seconds(10))
        #expect(second.value == 0)
        let failure = await #expect(throws: RunFailure.self) { _ = try await run.finished() }
        #expect(failure?.code == "engine_stopped")
    }

    @Test func `a task that is cancelled stops waiting, and the run goes on`() async throws {
        try await withEngine { engine in
            let run = engine.createRun(try waiting())
            try run.start()
            await run.reached("step:waiting")
            let task = Task { try await run.finished() }
            task.cancel()
            await #expect(throws: CancellationError.self) { _ = try await task.value }
            try await run.signal("payment", payload: 1)
            #expect(try await run.finished().output == 1)
        }
    }

    @Test func `a cancel before the run has begun is one`() async throws {
        try await withEngine { engine in
            let run = engine.createRun(try waiting())
            run.cancel(reason: "early")
            try run.start()
            #expect(try await run.finished().status == .cancelled)
        }
    }
}
