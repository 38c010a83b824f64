internal import FlatValue
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

@Suite("Steps and their journal")
struct DurableStepTests {
    @Test func `a step does not begin before the event that ended the last one is durable`() async throws {
        let store = WatchedStore()
        let (first, second) = (Counter(), Counter())
        let workflow = try Workflow(id: "two") { code in
            [
                .step(
                    "first",
                    handler: code.inline { _, _ in
                        first.increment()
                        // Its own start is durable by now; its end will not be.
                        store.hold()
                        return 1
                    }),
                .step(
                    "second",
                    handler: code.inline { value, _ in
                        second.increment()
                        return value
                    }),
            ]
        }
        let engine = WorkflowEngine(workers: 1, host: NoHostOperations(), journal: store)
        defer { engine.shutdown() }
        let run = engine.createRun(workflow)
        try run.start()
        while store.heldBatches == 0 { await engine.turn() }
        // The worker has every chance to go on.
        for _ in 0..<10 { await engine.turn() }
        #expect(first.value == 1)
        #expect(second.value == 0)
        store.letThrough()
        #expect(try await run.finished().output == 1)
        #expect(second.value == 1)
    }

    @Test func `watchers hear of nothing that is not durable`() async throws {
        let store = WatchedStore()
        let workflow = try Workflow(id: "one") { code in
            [
                .step(
                    "only",
                    handler: code.inline { _, _ in
                        store.hold()
                        return 1
                    })
            ]
        }
        let engine = WorkflowEngine(workers: 1, host: NoHostOperations(), journal: store)
        defer { engine.shutdown() }
        let run = engine.createRun(workflow)
        let heard = Counter()
        let watch = run.watch { event in if event.type == "step:success" { heard.increment() } }
        try run.start()
        while store.heldBatches == 0 { await engine.turn() }
        for _ in 0..<10 { await engine.turn() }
        #expect(heard.value == 0)
        store.letThrough()
        _ = try await run.finished()
        await watch.finished()
        #expect(heard.value == 1)
    }

    @Test func `a signal is acknowledged when it is durable, and not before`() async throws {
        let store = WatchedStore()
        let workflow = try Workflow(id: "wait") { _ in [.waitFor("go", event: "go")] }
        let engine = WorkflowEngine(workers: 1, host: NoHostOperations(), journal: store)
        defer { engine.shutdown() }
        let run = engine.createRun(workflow)
        try run.start()
        _ = try await run.settled()
        store.hold()
        let acknowledged = Counter()
        let signal = Task {
            try await run.signal("go")
            acknowledged.increment()
        }
        while store.heldBatches == 0 { await engine.turn() }
        for _ in 0..<10 { await engine.turn() }
        #expect(acknowledged.value == 0)
        store.letThrough()
        try await signal.value
        #expect(try await run.finished().status == .success)
    }

    @Test func `who sends a signal hears that the run was lost before it was durable`() async throws {
        let store = WatchedStore()
        let workflow = try Workflow(id: "wait") { _ in [.waitFor("go", event: "go")] }
        let engine = WorkflowEngine(workers: 1, host: NoHostOperations(), journal: store)
        let run = engine.createRun(workflow)
        try run.start()
        _ = try await run.settled()
        store.hold()
        let signal = Task { try await run.signal("go") }
        while store.heldBatches == 0 { await engine.turn() }
        engine.shutdown()
        await #expect(throws: RunFailure.self) { try await signal.value }
        store.letThrough()
    }

    @Test func `ten thousand steps cost the journal the same each`() async throws {
        let store = WatchedStore()
        let (conditions, steps) = (Counter(), Counter())
        let count = 10_000
        let workflow = try Workflow(id: "long") { code in
            [
                .loop(
                    "loop",
                    condition: code.inline { current, _ in Value(conditions.increment() <= count && current.int != -1)
                    },
                    collect: code.inline { results, _ in Value(Int64(results.count)) },
                    body: [
                        .step(
                            "step",
                            handler: code.inline { _, _ in
                                steps.increment()
                                return 7
                            })
                    ])
            ]
        }
        let engine = WorkflowEngine(workers: 1, host: NoHostOperations(), journal: store)
        defer { engine.shutdown() }
        let record = try await engine.createRun(workflow).run(input: 0)
        #expect(record.output == Value(Int64(count)))
        #expect(steps.value == count)
        let entries = store.entries
        // One for the end of each step, and one for the condition's answer with which the next begins.
        #expect(entries.count <= 2 * count + 4)
        // The last entries hold all results for `collect`; none between them and the beginning grows with the run.
        let steady = entries.dropFirst(4).dropLast(2)
        #expect(steady.prefix(100).max() == steady.max())
    }
}

extension WorkflowEngine {
    /// Waits until the first worker has been round its loop once more.
    func turn() async {
        await withCheckedContinuation { continuation in workers[0].perform { _ in continuation.resume() } }
    }
}
