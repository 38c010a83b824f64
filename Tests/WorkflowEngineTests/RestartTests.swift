import FlatValue
import MemoryJournal
internal import Testing
internal import WorkflowCore

@testable internal import WorkflowEngine

@Suite("Restarts")
struct RestartTests {
    /// A workflow that counts up to its `end`, a run for each number, beside a wait that never ends.
    private func workflow(_ flow: Value? = nil, undone: Counter = Counter(), told: Counter = Counter()) throws
        -> Workflow
    {
        var handlers = StepHandlers()
        let undo = handlers.inline { _, _ in
            undone.increment()
            return .null
        }
        let tell = handlers.inline { _, _ in
            told.increment()
            return .null
        }
        let pass = handlers.inline { input, _ in input }
        let count = handlers.inline { input, context in
            let number = input["n"]?.int ?? 0
            context.updateMetadata(["last": Value(number)])
            context.store("seen", (context.stored("seen")?.int ?? 0).advanced(by: 1).asValue)
            try context.setTags(["n": Value(number)])
            if number < input["end"]?.int ?? 0 {
                context.restart(input: ["n": Value(number + 1), "end": input["end"] ?? 0])
            }
            return ["n": Value(number), "seen": context.stored("seen") ?? .null]
        }
        return try Workflow(
            WorkflowDefinition(
                id: "count", inputSchema: ["type": "object", "required": ["n"]], flow: flow, onSuccess: tell,
                nodes: [.step("before", handler: pass, compensate: undo), .step("count", handler: count)]),
            handlers: handlers)
    }

    @Test func `a run ends in favour of another one, with an empty journal under the next id`() async throws {
        let (undone, told) = (Counter(), Counter())
        try await withDirectory([workflow(undone: undone, told: told)]) { directory in
            _ = try await directory.start(StartRequest(workflow: "count", input: ["n": 1, "end": 4], id: "c"))
            let last = try await directory.settled("c", following: true).record
            #expect(last.id == "c~4")
            #expect(last.output == ["n": 4, "seen": 1])
            let first = try await directory.settled("c").record
            #expect(first.status == .success)
            #expect(first.restartedAs == "c~2")
            #expect(first.result().value["restartedAs"] == "c~2")
            #expect(first.result().result == Value.null)
            #expect(try await directory.list(RunFilter()).map(\.id) == ["c~4", "c~3", "c~2", "c"])
            #expect(try await directory.header(of: "c~3").lineage == "c~2")
            #expect(try await directory.header(of: "c~4").tags.value == ["n": 4])
            #expect(last.result().metadata == ["last": 4])
            // The work was not done before the last one, and nothing of it is undone.
            #expect(undone.value == 0)
            #expect(told.value == 1)
        }
    }

    @Test func `a run without a store is followed from one to the next`() async throws {
        try await withEngine { engine in
            var run = try engine.createRun(workflow(), id: "c")
            run.followSuccessors()
            var record = try await run.run(input: ["n": 1, "end": 3])
            while let next = run.takeSuccessor() {
                #expect(record.restartedAs == next.id)
                run = next
                record = try await next.settled()
            }
            #expect(record.id == "c~3")
            #expect(record.output == ["n": 3, "seen": 1])
        }
    }

    @Test func `of a chain that another run started and nobody waits for, the newest run alone is kept`() async throws {
        try await withEngine { engine in
            let flow = try workflow()
            engine.adopt(FixedCatalog([flow]))
            let child = ChildStart(
                id: "c", workflow: "count", input: ["n": 1, "end": 50], parent: "p", generation: flow.generation,
                isOwn: false, leaves: true, grant: .null)
            #expect(await engine.start(child) { false }.ok)
            var looks = 0
            while engine.family.find("c")?.id != "c~50", looks < 30_000 {
                looks += 1
                try await Task.sleep(for: .milliseconds(2))
            }
            let newest = try #require(engine.family.find("c"))
            #expect(newest.id == "c~50")
            #expect(try await newest.finished().output?["n"] == 50)
        }
    }

    @Test func `a chain that is paced is at most one run ahead of who follows it`() async throws {
        try await withDirectory([workflow()]) { directory in
            let flow = try await #require(directory.catalog.workflow("count"))
            var run = directory.engine.createRun(flow, id: "c")
            run.followSuccessors(paced: true)
            try run.start(input: ["n": 1, "end": 50])
            for number in 1..<50 {
                let record = try await run.finished()
                #expect(record.restartedAs == "c~\(number + 1)")
                // The next one may have begun, and has none itself.
                #expect(try await directory.list(RunFilter()).count <= number + 1)
                run = try #require(run.takeSuccessor())
            }
            #expect(try await run.finished().output?["n"] == 50)
        }
    }

    @Test func `runs that follow on each other many times leave nothing behind in the engine`() async throws {
        let store = MemoryStore()
        try await withDirectory([workflow()], store: store) { directory in
            _ = try await directory.start(StartRequest(workflow: "count", input: ["n": 1, "end": 500], id: "c"))
            let last = try await directory.settled("c", following: true).record
            #expect(last.id == "c~500")
            #expect(last.output == ["n": 500, "seen": 1])
            let end = ContinuousClock.now + .seconds(20)
            while directory.engine.live?.all.isEmpty == false, .now < end {
                try await Task.sleep(for: .milliseconds(5))
            }
            #expect(directory.engine.live?.all.isEmpty == true)
            let early = try await directory.header(of: "c~100").sequence
            #expect(try await directory.header(of: "c~499").sequence == early)
        }
    }

    @Test func `an input that the workflow does not take fails the run that follows`() async throws {
        var handlers = StepHandlers()
        let wrong = handlers.inline { _, context in
            context.restart(input: "nothing")
            return .null
        }
        let workflow = try Workflow(
            WorkflowDefinition(
                id: "wrong", inputSchema: ["type": "object"], nodes: [.step("wrong", handler: wrong)]),
            handlers: handlers)
        try await withDirectory([workflow]) { directory in
            _ = try await directory.start(StartRequest(workflow: "wrong", input: [:], id: "w"))
            let last = try await directory.settled("w", following: true).record
            #expect(last.id == "w~2")
            #expect(last.errorCode == "invalid_input")
        }
    }

    @Test func `a run that follows takes the place of the one before, and no other run comes between`() async throws {
        let flow: Value = ["concurrency": ["limit": 1], "singleton": ["on_conflict": "queue"]]
        try await withDirectory([workflow(flow)]) { directory in
            let queue = QueueService(directory)
            for (id, end) in [("a", 5), ("b", 1)] {
                let input: Value = ["n": 1, "end": Value(Int64(end))]
                _ = try await directory.start(StartRequest(workflow: "count", input: input, id: id))
            }
            await queue.begin()
            let last = try await directory.settled("a", following: true).record
            #expect(last.id == "a~5")
            #expect(try await directory.header(of: "b").isHeld)
            await queue.begin()
            #expect(try await directory.settled("b").record.status == .success)
            #expect(try await directory.store.queueFigures().waiting == 0)
        }
    }

    /// A workflow that restarts without end.
    private func again() throws -> Workflow {
        var handlers = StepHandlers()
        let again = handlers.inline { input, context in
            context.restart(input: input)
            return .null
        }
        return try Workflow(
            WorkflowDefinition(id: "again", nodes: [.step("again", handler: again)]), handlers: handlers)
    }

    @Test func `a loop that restarts without end is cancelled by the id of its first run`() async throws {
        // The last but one of its runs may end a moment after the last.
        for _ in 0..<50 { try await cancelLoop() }
    }

    private func cancelLoop() async throws {
        try await withDirectory([again()]) { directory in
            _ = try await directory.start(StartRequest(workflow: "again", input: [:], id: "a"))
            while try await directory.store.header(of: "a~20") == nil { try await Task.sleep(for: .milliseconds(1)) }
            let cancelled = try await directory.cancel("a", reason: "enough")
            #expect(cancelled.status == .cancelled)
            #expect(cancelled.result().error?["reason"] == "enough")
            let count = try await directory.list(RunFilter()).count
            let open = try await directory.list(RunFilter(statuses: [.running, .queued]))
            #expect(open.isEmpty, "\(cancelled.id) is over, and \(open.map { ($0.id, $0.owner != nil) })")
            #expect(try await directory.list(RunFilter()).count == count)
            // Nothing of it is left that would stop a later run.
            #expect(directory.engine.family.stops.reason(for: "a~2") == nil)
        }
    }

    @Test func `a loop that another process drives is cancelled by the id of its first run`() async throws {
        let store = MemoryStore()
        try await withDirectory([again()], store: store) { driver in
            _ = try await driver.start(StartRequest(workflow: "again", input: [:], id: "a"))
            while try await driver.store.header(of: "a~20") == nil { try await Task.sleep(for: .milliseconds(1)) }
            try await withDirectory([again()], store: store) { directory in
                let cancelled = try await directory.cancel("a", reason: "enough")
                #expect(cancelled.status == .cancelled)
                #expect(try await directory.list(RunFilter(statuses: [.running, .queued])).isEmpty)
            }
            // The driver is told after the store.
            let deadline = ContinuousClock.now + .seconds(20)
            while driver.engine.family.stops.reason(for: "a~2") != nil, .now < deadline {
                try await Task.sleep(for: .milliseconds(1))
            }
            #expect(driver.engine.family.stops.reason(for: "a~2") == nil)
        }
    }

    @Test func `a crash before the end of a run is recorded neither loses nor doubles the one that follows`()
        async throws
    {
        let store = MemoryStore()
        let before = WatchedStore(MemoryJournal(store))
        let first = WorkflowEngine(workers: 1, host: NoHostOperations(), journal: before)
        let run = try first.createRun(workflow(), id: "c")
        try run.start(input: ["n": 1, "end": 2])
        // The store has the run that follows, and the first one hears of nothing more.
        while try await before.header(of: "c~2") == nil { await Task.yield() }
        before.hold()
        first.shutdown()
        await before.close()
        try await withDirectory([workflow()], store: store) { directory in
            await RecoveryService(directory).recover()
            let last = try await directory.settled("c", following: true).record
            #expect(last.id == "c~2")
            #expect(last.output == ["n": 2, "seen": 1])
            #expect(try await directory.list(RunFilter()).map(\.id) == ["c~2", "c"])
            #expect(try await directory.header(of: "c").status == .success)
        }
    }
}

extension Int64 {
    fileprivate var asValue: Value { Value(self) }
}
