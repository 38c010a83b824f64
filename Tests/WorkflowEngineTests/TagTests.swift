import FlatValue
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

@Suite("Tags")
struct TagTests {
    /// A workflow that is tagged with its input's `region`, whose first step tags the run, and whose second one fails.
    private func workflow() throws -> Workflow {
        var handlers = StepHandlers()
        let tags = handlers.inline { input, _ in
            input["region"].map { ["region": $0, "kind": "order"] } ?? ["region": ["a", "list"]]
        }
        let price = handlers.inline { input, context in
            try context.setTags(["priced": true, "kind": "priced"])
            return context.tags
        }
        let fails = handlers.inline { input, _ in
            if input["fails"] == true { throw StepError(code: "odd", message: "it is odd") }
            return input
        }
        return try Workflow(
            WorkflowDefinition(
                id: "order", tags: ["$function": Value(Int64(tags))],
                nodes: [.step("check", handler: fails), .step("price", handler: price)]),
            handlers: handlers)
    }

    private func list(_ directory: RunDirectory, _ tags: (String, String)...) async throws -> [String] {
        var filter = RunFilter()
        filter.tags = try tags.map { try RunTag.candidates($0.0, $0.1) }
        return try await directory.list(filter).map(\.id)
    }

    private func start(
        _ directory: RunDirectory, _ id: String, _ input: Value, tags: Value? = nil
    ) async throws -> RunResult {
        var request = StartRequest(workflow: "order", input: input, id: id)
        request.tags = tags
        _ = try await directory.start(request)
        return try await directory.settled(id).record.result()
    }

    @Test func `a run has the tags of its workflow, of its start and of its handlers, the later ones over the earlier`()
        async throws
    {
        try await withDirectory([workflow()]) { directory in
            let result = try await start(directory, "a", ["region": "eu"], tags: ["region": "no", "customer": 7])
            let tags: Value = ["customer": 7, "kind": "priced", "priced": true, "region": "no"]
            #expect(result.tags == tags)
            #expect(result.result == tags)
            #expect(result.value["tags"] == tags)
            _ = try await start(directory, "b", ["region": "eu"])
            #expect(try await list(directory, ("region", "eu")) == ["b"])
            #expect(try await list(directory, ("kind", "priced"), ("priced", "true")) == ["b", "a"])
            #expect(try await list(directory, ("kind", "order")).isEmpty)
            #expect(try await directory.header(of: "a").tags.value == tags)
        }
    }

    @Test func `tags that are none are refused: of a start before there is a run, of a workflow by a failed run`()
        async throws
    {
        try await withDirectory([workflow()]) { directory in
            await #expect {
                _ = try await start(directory, "a", ["region": "eu"], tags: ["a b": 1])
            } throws: { ($0 as? RunFailure)?.code == "invalid_tags" }
            let result = try await start(directory, "b", [:], tags: ["customer": 7])
            #expect(result.status == .failed)
            #expect(result.error?["code"] == "invalid_tags")
            #expect(try await list(directory, ("customer", "7")) == ["b"])
        }
    }

    @Test func `retries and forks have the tags of the run that they go on from`() async throws {
        try await withDirectory([workflow()]) { directory in
            _ = try await start(directory, "a", ["region": "eu", "fails": true], tags: ["customer": 7])
            let engine = directory.engine
            let failed = try await directory.settled("a").record
            for (id, point, input) in [
                ("retry", ForkPoint.failure, Value?.none), ("anew", .before("check"), ["region": "no"]),
            ] {
                let (run, _) = try await engine.fork(failed, of: workflow(), at: point, input: input, id: id)
                _ = try await run.settled()
                #expect(try await directory.header(of: id).tags.value["customer"] == 7)
            }
            #expect(try await list(directory, ("customer", "7")) == ["anew", "retry", "a"])
            #expect(try await list(directory, ("region", "no"), ("priced", "true")) == ["anew"])
        }
    }
}
