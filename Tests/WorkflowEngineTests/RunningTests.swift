internal import FlatValue
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

@Suite("Running workflows written in Swift")
struct RunningTests {
    @Test func `the result has a snapshot of each step`() async throws {
        let workflow = try Workflow(id: "greet") { code in
            [
                .step("name", handler: code.inline { input, _ in input["name"] ?? .null }),
                .step("greet", handler: code.async { name, _ in ["text": Value("Hello, \(name.string ?? "")")] }),
            ]
        }
        try await withEngine { engine in
            let result = try await engine.createRun(workflow).run(input: ["name": "Ada"]).result()
            #expect(result.status == .success)
            #expect(result.result == ["text": "Hello, Ada"])
            #expect(result.steps.map(\.path) == ["name", "greet"])
            #expect(result.steps.map(\.status) == [.success, .success])
            #expect(result.steps.last?.input == "Ada")
        }
    }

    @Test func `a run that was started cannot be started again`() async throws {
        let workflow = try Workflow(id: "once") { code in [.step("s", handler: code.inline { input, _ in input })] }
        try await withEngine { engine in
            let run = engine.createRun(workflow, id: "mine")
            _ = try await run.run()
            #expect(run.id == "mine")
            let failure = #expect(throws: RunFailure.self) { try run.start() }
            #expect(failure?.code == "already_started")
        }
    }

    @Test func `all that is wrong with a definition is said at once, each with its line`() throws {
        let error = #expect(throws: DefinitionError.self) {
            try Workflow(id: "wrong") { code in
                [
                    .step("same", handler: code.inline { input, _ in input }),
                    .step("same", handler: code.inline { input, _ in input }, next: .to("nowhere")),
                    .loop("empty", condition: code.inline { _, _ in false }, body: []),
                ]
            }
        }
        let codes = Set(error?.issues.map(\.code) ?? [])
        #expect(codes.count >= 3)
        #expect(
            error?.issues.allSatisfy { $0.location?.hasPrefix("WorkflowEngineTests/RunningTests.swift:") == true }
                == true)
    }

    @Test func `the outline has an edge for what can follow what, and no other`() throws {
        let workflow = try Workflow(id: "graph") { code in
            let same = code.inline { input, _ in input }
            return [
                .step("first", handler: same),
                .branch(
                    "choice", resolve: same,
                    cases: ["a": [.step("left", handler: same)], "b": [.step("right", handler: same)]]),
                .step("last", handler: same),
            ]
        }
        let outline = workflow.inspect()
        #expect(outline.nodes.map(\.path) == ["first", "choice", "choice/left", "choice/right", "last"])
        let edges = Set(outline.edges.map { "\($0.from)>\($0.to)" })
        // Without `otherwise` a branch may also be passed by.
        #expect(
            edges == [
                "first>choice", "choice>choice/left", "choice>choice/right", "choice/left>last", "choice/right>last",
                "choice>last",
            ])
    }

    @Test func `what a handler does to the run is seen by later steps and in the result`() async throws {
        let workflow = try Workflow(id: "effects", metadata: ["team": "ops"], ctx: ["locale": "en"]) { code in
            [
                .step(
                    "write",
                    handler: code.inline { input, context in
                        context.updateMetadata(["a": 1])
                        context.updateMetadata(["b": 2])
                        try context.updateCtx(["locale": "de"])
                        context.store("seen", [input])
                        context.emit(type: "note", data: ["ok": true])
                        #expect(context.metadata == ["team": "ops", "a": 1, "b": 2])
                        return input
                    }),
                .step(
                    "read",
                    handler: code.inline { _, context in
                        ["seen": context.stored("seen") ?? .null, "ctx": context.ctx, "step": Value(context.stepID)]
                    }),
            ]
        }
        try await withEngine { engine in
            let run = engine.createRun(workflow)
            let result = try await run.run(input: 7).result()
            #expect(result.result == ["seen": [7], "ctx": ["locale": "de"], "step": "read"])
            #expect(result.metadata == ["team": "ops", "a": 1, "b": 2])
            #expect(result.ctx == ["locale": "de"])
            let events = await run.allEvents().filter { $0.type == "step:event" }
            #expect(events.map(\.data) == [["name": "note", "payload": ["ok": true]]])
        }
    }

    @Test func `a terminal status never changes`() async throws {
        let workflow = try Workflow(id: "done") { code in [.step("s", handler: code.inline { input, _ in input })] }
        try await withEngine { engine in
            let run = engine.createRun(workflow)
            _ = try await run.run()
            run.cancel(reason: "too late")
            let record = try await run.finished()
            #expect(record.status == .success)
            #expect(await run.allEvents().lines.last == "workflow:success")
        }
    }

    @Test func `a cancel that comes before the start stops the run before any code runs`() async throws {
        let calls = Counter()
        let workflow = try Workflow(id: "early") { code in
            [
                .step(
                    "s",
                    handler: code.inline { input, _ in
                        calls.increment()
                        return input
                    })
            ]
        }
        try await withEngine { engine in
            let run = engine.createRun(workflow)
            run.cancel(reason: "changed my mind")
            try run.start()
            let record = try await run.finished()
            #expect(record.status == .cancelled)
            #expect(calls.value == 0)
        }
    }
}
