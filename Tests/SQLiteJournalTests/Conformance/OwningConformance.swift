internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

@Suite("Every journal lets a run have one owner")
struct OwningConformance {
    @Test(arguments: Adapter.allCases)
    func `a run that somebody drives cannot be claimed`(_ adapter: Adapter) async throws {
        let backend = try adapter.makeBackend()
        let (first, second) = (try backend.open(), try backend.open())
        await TestRun("r1").write(to: first)
        #expect(try await second.claim("r1").owner?.isSelf == false)
        #expect(try await first.claim("r1").owner?.isSelf == true)
        await first.close()
        await second.close()
    }

    @Test(arguments: Adapter.allCases)
    func `a run whose owner has closed goes on with another`(_ adapter: Adapter) async throws {
        let backend = try adapter.makeBackend()
        let (first, second) = (try backend.open(), try backend.open())
        let run = TestRun("r1")
        await run.write("one", to: first)
        await run.write("two", to: first)
        await first.close()
        #expect(try await second.list(.abandoned).map(\.id) == ["r1"])

        let (claimed, messages) = try #require(try await second.claim("r1").run)
        #expect(messages.isEmpty)
        #expect(claimed.log.count == 2)
        #expect(await claimed.write("three", to: second).isDurable)
        #expect(claimed.matches(try await second.load("r1")))
        #expect(try await second.list(.abandoned).isEmpty)
        await second.close()
    }

    @Test(arguments: Adapter.allCases)
    func `a released run is anybody's, and its former owner's entries are refused`(_ adapter: Adapter) async throws {
        let backend = try adapter.makeBackend()
        let (first, second) = (try backend.open(), try backend.open())
        let run = TestRun("r1")
        await run.write(to: first)
        try await first.release([run.journaled])
        #expect(await run.write("late", to: first).isConflict)
        #expect(try await second.header(of: "r1")?.owner == nil)
        #expect(try await second.claim("r1").isClaimed)
        #expect(await run.write("later", to: first).isConflict)
        await first.close()
        await second.close()
    }

    @Test(arguments: Adapter.allCases)
    func `of two claims at once exactly one wins`(_ adapter: Adapter) async throws {
        let backend = try adapter.makeBackend()
        let first = try backend.open()
        let run = TestRun("r1")
        await run.write(to: first)
        await first.close()
        let others = try (0..<4).map { _ in try backend.open() }
        let wins = try await withThrowingTaskGroup(of: Bool.self) { group in
            for other in others { group.addTask { try await other.claim("r1").isClaimed } }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(wins == 1)
        for other in others { await other.close() }
    }

    @Test(arguments: Adapter.allCases)
    func `an owner that lost its lease stops writing, and owns what it begins afterwards`(_ adapter: Adapter)
        async throws
    {
        let backend = try adapter.makeBackend()
        let (first, second) = (try backend.open(), try backend.open())
        let (taken, kept) = (TestRun("r1"), TestRun("r2"))
        await taken.write("one", to: first)
        await kept.write("one", to: first)
        await taken.write("two", to: first)
        // The clock jumps over the whole lease. The owner is not really hanging and may be quick enough to renew it.
        var won: (TestRun, [InboxMessage])?
        while won == nil {
            backend.wait(Backend.lease + 1)
            won = try await second.claim("r1").run
        }
        let (claimed, _) = try #require(won)
        #expect(claimed.log.count == 2)
        #expect(await claimed.write("mine", to: second).isDurable)

        #expect(await taken.write("zombie", to: first).isConflict)
        #expect(await kept.write("zombie", to: first).isConflict)
        #expect(claimed.matches(try await first.load("r1")))
        #expect(try await first.claim("r2").isClaimed)
        let fresh = TestRun("r3")
        #expect(await fresh.write("one", to: first).isDurable)
        #expect(await fresh.write("two", to: first).isDurable)
        await first.close()
        await second.close()
    }

    @Test(arguments: Adapter.allCases)
    func `claiming tells what is over, what is missing and what is there`(_ adapter: Adapter) async throws {
        let backend = try adapter.makeBackend()
        let (first, second) = (try backend.open(), try backend.open())
        await TestRun("done").write(to: first, status: .success)
        await TestRun("open").write(to: first)
        await first.close()
        let claims = try await second.claim(["done", "nowhere", "open"])
        #expect(try claims[0].get().isOver)
        #expect(try claims[1].get().isMissing)
        #expect(try claims[2].get().isClaimed)
        await second.close()
    }
}
