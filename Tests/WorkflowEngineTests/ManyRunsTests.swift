import FlatValue
import MemoryJournal
import Platform
import Synchronization
import Testing
import WorkflowCore
import WorkflowEngine

@Suite("Many runs at once")
struct ManyRunsTests {
    private func doubling(_ body: @escaping @Sendable (Value) throws -> Value = { $0 }) throws -> Workflow {
        try Workflow(id: "double") { code in
            [
                .step("one", handler: code.inline { input, _ in try body(input) }),
                .step("two", handler: code.inline { input, _ in Value((input.int ?? 0) * 2) }),
            ]
        }
    }

    @Test(arguments: [1, 2]) func `each input has a run, in the order of the inputs`(workers: Int) async throws {
        let engine = WorkflowEngine(workers: workers)
        let records = try await engine.run(try doubling(), many: (0..<1000).map { Value(Int64($0)) }, atOnce: 16)
        #expect(records.map { $0.result().result } == (0..<1000).map { Value(Int64($0 * 2)) })
        #expect(try await engine.run(try doubling(), many: []).isEmpty)
        await engine.shutdown(grace: .zero)
    }

    @Test func `no more are under way than may be`() async throws {
        let engine = WorkflowEngine(workers: 2)
        let counts = Mutex((now: 0, most: 0))
        let workflow = try Workflow(id: "wait") { code in
            [
                .step(
                    "one",
                    handler: code.async { input, _ in
                        counts.withLock {
                            $0.now += 1
                            $0.most = max($0.most, $0.now)
                        }
                        await Task.yield()
                        counts.withLock { $0.now -= 1 }
                        return input
                    })
            ]
        }
        _ = try await engine.run(workflow, many: (0..<100).map { Value(Int64($0)) }, atOnce: 7)
        #expect(counts.withLock { $0.most } <= 7)
        await engine.shutdown(grace: .zero)
    }

    @Test func `a run that fails is one of the results`() async throws {
        let engine = WorkflowEngine(workers: 1)
        let workflow = try doubling { input in
            if input.int == 3 { throw StepError(code: "three", message: "no", retryable: false) }
            return input
        }
        let records = try await engine.run(workflow, many: (0..<5).map { Value(Int64($0)) })
        #expect(records.map(\.status) == [.success, .success, .success, .failed, .success])
        await engine.shutdown(grace: .zero)
    }

    @Test func `cancelling the task ends all of them`() async throws {
        let engine = WorkflowEngine(workers: 2)
        let began = Gate()
        let begun = Mutex(0)
        let workflow = try Workflow(id: "wait") { code in
            [
                .step(
                    "one",
                    handler: code.async { _, _ in
                        begun.withLock { $0 += 1 }
                        began.open()
                        try await Task.sleep(for: .seconds(600))
                        return .null
                    })
            ]
        }
        let task = Task { try await engine.run(workflow, many: Array(repeating: .null, count: 1000), atOnce: 10) }
        await began.passed()
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(begun.withLock { $0 } <= 10)
        await engine.shutdown(grace: .zero)
    }

    @Test func `an engine that stops ends them with its reason`() async throws {
        let engine = WorkflowEngine(workers: 1)
        await engine.shutdown(grace: .zero)
        let failure = await #expect(throws: RunFailure.self) {
            try await engine.run(try doubling(), many: [1, 2, 3])
        }
        #expect(failure?.code == RunFailure.Code.engineStopped)
    }
}

@Suite("The task that awaits a run")
struct TaskCancellationTests {
    @Test func `cancelling it cancels a run that nothing keeps, and waits for its code to leave`() async throws {
        let engine = WorkflowEngine(workers: 1)
        let began = Gate()
        let hasLeft = Mutex(false)
        let workflow = try Workflow(id: "wait") { code in
            [
                .step(
                    "one",
                    handler: code.async { _, _ in
                        began.open()
                        defer { hasLeft.withLock { $0 = true } }
                        try await Task.sleep(for: .seconds(600))
                        return .null
                    })
            ]
        }
        let run = engine.createRun(workflow)
        let task = Task { try await run.run() }
        await began.passed()
        task.cancel()
        let record = try await task.value
        #expect(record.status == .cancelled)
        #expect(hasLeft.withLock { $0 })
        #expect(record.result().error?["reason"] == "the task that waited for the run was cancelled")
        await engine.shutdown(grace: .zero)
    }

    @Test func `a task that was cancelled before has its run cancelled`() async throws {
        let engine = WorkflowEngine(workers: 1)
        let workflow = try Workflow(id: "wait") { _ in [.human("ask")] }
        let run = engine.createRun(workflow)
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            return try await run.run()
        }
        task.cancel()
        #expect(try await task.value.status == .cancelled)
        await engine.shutdown(grace: .zero)
    }

    @Test func `cancelling it only ends the wait for a run that is kept`() async throws {
        let engine = WorkflowEngine.inMemory(workers: 1)
        let (began, goOn) = (Gate(), Gate())
        let workflow = try Workflow(id: "wait") { code in
            [
                .step(
                    "one",
                    handler: code.async { _, _ in
                        began.open()
                        await goOn.passed()
                        return .null
                    })
            ]
        }
        let run = engine.createRun(workflow)
        let task = Task { try await run.run() }
        await began.passed()
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        goOn.open()
        #expect(try await run.finished().status == .success)
        await engine.shutdown(grace: .zero)
    }
}
