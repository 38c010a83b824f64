internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

@Suite("Every journal keeps code, and lets go of what is not needed")
struct UpkeepConformance {
    private func generation(_ hash: String, _ text: String) -> ScriptGeneration {
        ScriptGeneration(
            hash: hash,
            files: [.init(name: "main.lua", content: Array(text.utf8)), .init(name: "lib", content: [0xFF, 0])])
    }

    @Test(arguments: Adapter.allCases)
    func `a generation comes back with its files in order`(_ adapter: Adapter) async throws {
        let backend = try adapter.makeBackend()
        let (first, second) = (try backend.open(), try backend.open())
        let generation = generation("g1", "return 1")
        try await first.save(generation)
        try await second.save(generation)
        #expect(try await second.generation("g1") == generation)
        #expect(try await second.generation("g2") == nil)
        await first.close()
        await second.close()
    }

    @Test(arguments: Adapter.allCases)
    func `pruning removes what is over and old enough, with its code`(_ adapter: Adapter) async throws {
        let backend = try adapter.makeBackend()
        let (first, second) = (try backend.open(), try backend.open())
        for (number, status) in [RunMachine.Status.success, .failed, .success, .running].enumerated() {
            let hash = "g\(number)"
            try await first.save(generation(hash, hash))
            let run = TestRun("r\(number)", workflow: number == 2 ? "mails" : "orders", generation: hash)
            await run.write("one", to: first, time: Int64(number * 100))
            await run.write("two", to: first, status: status, time: Int64(number * 100 + 10))
        }
        await first.close()

        let filter = PruneFilter(workflow: "orders", endedBefore: 110)
        var dry = filter
        dry.dryRun = true
        let forecast = try await second.prune(dry)
        #expect((forecast.runs, forecast.events, forecast.generations) == (1, 2, 1))
        #expect(try await second.list(RunFilter()).count == 4)
        let report = try await second.prune(filter)
        #expect((report.runs, report.events, report.generations) == (1, 2, 1))
        #expect(try await second.list(RunFilter()).map(\.id) == ["r3", "r2", "r1"])
        #expect(try await second.generation("g0") == nil)
        #expect(try await second.generation("g1") != nil)

        #expect(try await second.prune(PruneFilter()).runs == 2)
        #expect(try await second.list(RunFilter()).map(\.id) == ["r3"])
        #expect(try await second.check().isEmpty)
        await second.close()
    }

    @Test(arguments: Adapter.allCases)
    func `code that an open journal has saved stays, though no run of it is left`(_ adapter: Adapter) async throws {
        let backend = try adapter.makeBackend()
        let (first, second) = (try backend.open(), try backend.open())
        try await first.save(generation("g1", "return 1"))
        await TestRun("r1", generation: "g1").write(to: first, status: .success)
        #expect(try await second.prune(PruneFilter()).generations == 0)
        #expect(try await second.generation("g1") != nil)
        await first.close()
        #expect(try await second.prune(PruneFilter()).generations == 1)
        await second.close()
    }

    @Test(arguments: Adapter.allCases)
    func `a run is deleted unless somebody drives it`(_ adapter: Adapter) async throws {
        let backend = try adapter.makeBackend()
        let (first, second) = (try backend.open(), try backend.open())
        let run = TestRun("r1")
        await run.write(to: first)
        await #expect(throws: JournalError.self) { try await second.delete("r1") }
        await run.write(to: first, status: .cancelled)
        #expect(try await second.delete("r1"))
        #expect(try await !second.delete("r1"))
        #expect(try await first.load("r1") == nil)
        await first.close()
        await second.close()
    }

    @Test(arguments: Adapter.allCases)
    func `statistics count runs and events`(_ adapter: Adapter) async throws {
        let journal = try adapter.makeBackend().open()
        for (number, status) in [RunMachine.Status.success, .success, .waiting].enumerated() {
            let run = TestRun("r\(number)")
            await run.write(to: journal)
            await run.write(to: journal, status: status)
        }
        let statistics = try await journal.statistics()
        #expect(statistics.runs == [.success: 2, .waiting: 1])
        #expect(statistics.events == 6)
        await journal.close()
    }
}
