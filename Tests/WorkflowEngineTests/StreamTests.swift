import Platform
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

@Suite("Streams and watchers")
struct StreamTests {
    private static func steps(_ count: Int) throws -> Workflow {
        try Workflow(id: "steps") { code in
            (1...count).map { .step("s\($0)", handler: code.inline { input, _ in input }) }
        }
    }

    @Test func `every stream has every event once and in order, whenever it was taken and however slow it is read`()
        async throws
    {
        let workflow = try Self.steps(500)
        try await withEngine { engine in
            let run = engine.createRun(workflow)
            let early = run.events()
            _ = try await run.run()
            let late = run.events()
            var sequences: [[Int]] = [[], []]
            for await event in early {
                sequences[0].append(event.sequence)
                await Task.yield()
            }
            for await event in late { sequences[1].append(event.sequence) }
            #expect(sequences[0] == sequences[1])
            #expect(sequences[0] == sequences[0].sorted())
            #expect(Set(sequences[0]).count == 1002)
        }
    }

    @Test func `a watcher that holds its thread up does not hold the run up`() async throws {
        let gate = Gate()
        let seen = Counter()
        let workflow = try Self.steps(20)
        try await withEngine { engine in
            let run = engine.createRun(workflow)
            let watch = run.watch { _ in
                await gate.passed()
                seen.increment()
            }
            let record = try await run.run()
            #expect(record.status == .success)
            #expect(seen.value == 0)
            gate.open()
            await watch.finished()
            #expect(seen.value == 42)
        }
    }

    @Test func `a watch that is disposed of gets nothing more`() async throws {
        let gate = Gate()
        let seen = Counter()
        let workflow = try Self.steps(20)
        try await withEngine { engine in
            let run = engine.createRun(workflow)
            let watch = run.watch { _ in
                seen.increment()
                await gate.passed()
            }
            try run.start()
            _ = try await run.finished()
            watch.dispose()
            gate.open()
            await watch.finished()
            #expect(seen.value <= 1)
        }
    }

    @Test func `a step's start is told before its code ends`() async throws {
        let gate = Gate()
        let workflow = try Workflow(id: "held") { code in
            [
                .step(
                    "held",
                    handler: code.async { input, _ in
                        await gate.passed()
                        return input
                    })
            ]
        }
        try await withEngine { engine in
            let run = engine.createRun(workflow)
            try run.start()
            await run.reached("step:start", path: "held")
            gate.open()
            let record = try await run.finished()
            #expect(record.status == .success)
        }
    }
}
