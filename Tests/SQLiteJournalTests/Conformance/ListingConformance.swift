internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

@Suite("Every journal lists its runs")
struct ListingConformance {
    /// Five runs: r1 and r4 are over, r2 waits for a person, r3 and r5 run.
    private func open(_ adapter: Adapter) async throws -> any RunStore {
        let journal = try adapter.makeBackend().open()
        let ends: [RunMachine.Status] = [.success, .waitingHuman, .running, .failed, .running]
        for (index, status) in ends.enumerated() {
            let number = Int64(index + 1)
            let run = TestRun("r\(number)", workflow: number < 4 ? "orders" : "mails", generation: "g\(number % 2)")
            await run.write("one", to: journal, time: number * 100)
            await run.write("two", to: journal, status: status, time: number * 100 + 50)
        }
        return journal
    }

    @Test(arguments: Adapter.allCases)
    func `newest first, in pages`(_ adapter: Adapter) async throws {
        let journal = try await open(adapter)
        #expect(try await journal.list(RunFilter()).map(\.id) == ["r5", "r4", "r3", "r2", "r1"])
        #expect(try await journal.list(RunFilter(limit: 2)).map(\.id) == ["r5", "r4"])
        #expect(try await journal.list(RunFilter(limit: 2, before: "r4")).map(\.id) == ["r3", "r2"])
        await journal.close()
    }

    @Test(arguments: Adapter.allCases)
    func `by workflow, status, generation and time`(_ adapter: Adapter) async throws {
        let journal = try await open(adapter)
        func ids(_ filter: RunFilter) async throws -> [String] { try await journal.list(filter).map(\.id) }
        #expect(try await ids(RunFilter(workflow: "mails")) == ["r5", "r4"])
        #expect(try await ids(RunFilter(statuses: [.waitingHuman])) == ["r2"])
        #expect(try await ids(RunFilter(statuses: [.running, .failed])) == ["r5", "r4", "r3"])
        #expect(try await ids(RunFilter(generation: "g0")) == ["r4", "r2"])
        #expect(try await ids(RunFilter(created: 200...400)) == ["r4", "r3", "r2"])
        #expect(try await ids(RunFilter(updated: 450...Int64.max)) == ["r5", "r4"])
        #expect(try await ids(.abandoned) == [])
        await journal.close()
    }

    @Test(arguments: Adapter.allCases)
    func `a list shows what was acknowledged a moment ago, to everybody`(_ adapter: Adapter) async throws {
        let backend = try adapter.makeBackend()
        let (first, second) = (try backend.open(), try backend.open())
        let run = TestRun("r1")
        for number in 1...20 {
            await run.write(Value(Int64(number)), to: first, status: number == 20 ? .success : .running)
            #expect(try await second.header(of: "r1")?.sequence == number)
        }
        #expect(try await second.list(RunFilter(statuses: [.success])).map(\.id) == ["r1"])
        #expect(try await second.list(RunFilter(statuses: [.running])).isEmpty)
        await first.close()
        await second.close()
    }

    @Test(arguments: Adapter.allCases)
    func `a follower sees that something has changed`(_ adapter: Adapter) async throws {
        let backend = try adapter.makeBackend()
        let (first, second) = (try backend.open(), try backend.open())
        let run = TestRun("r1")
        await run.write(to: first)
        let before = try await second.changeCount()
        await run.write(to: first)
        #expect(try await second.changeCount() != before)
        await first.close()
        await second.close()
    }
}
