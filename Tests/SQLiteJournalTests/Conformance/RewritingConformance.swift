internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

@Suite("Every journal moves a run to other code, and keeps as many runs as it is told")
struct RewritingConformance {
    /// The events of a stored run with every node's number raised by one.
    private func moved(_ stored: StoredRun) -> [UInt8] {
        var log = RunLog()
        defer { log.deallocate() }
        stored.append(to: &log)
        let events = (0..<log.count).map { index in
            var event = log[index]
            event.node += 1
            return event
        }
        return events.withUnsafeBytes { Array($0) }
    }

    @Test(arguments: Adapter.allCases)
    func `events are replaced one for one, and values stay`(_ adapter: Adapter) async throws {
        let backend = try adapter.makeBackend()
        let (first, second) = (try backend.open(), try backend.open())
        let run = TestRun("r1")
        for text in ["one", "two", "three"] { await run.write(Value(text), to: first) }
        run.add(.stepEvent, "four")
        run.add(.stepEvent, Value(String(repeating: "x", count: 100_000)))
        let batch = JournalBatch()
        run.submit(in: batch)
        #expect(await first.write(batch)[0].isDurable)

        let before = try #require(try await first.load("r1"))
        try await first.rewrite(
            run.journaled, RunRewriting(events: moved(before), generation: "g2", fingerprint: "f2"),
            appending: JournalBatch())
        let after = try #require(try await second.load("r1"))
        #expect(after.events == moved(before))
        #expect(after.arena == before.arena)
        #expect(after.header.generation == "g2")
        #expect(await run.write("five", to: first).isDurable)
        #expect(try await second.load("r1")?.header.sequence == 6)
        #expect(try await second.check().isEmpty)
        await first.close()
        await second.close()
    }

    @Test(arguments: Adapter.allCases)
    func `a run of somebody else, or one that has gone on, is not rewritten`(_ adapter: Adapter) async throws {
        let backend = try adapter.makeBackend()
        let (first, second) = (try backend.open(), try backend.open())
        let run = TestRun("r1")
        await run.write("one", to: first)
        let stored = try #require(try await first.load("r1"))
        await #expect(throws: JournalError.self) {
            try await second.rewrite(
                run.journaled, RunRewriting(events: stored.events, generation: "g2", fingerprint: "f2"),
                appending: JournalBatch())
        }
        await run.write("two", to: first)
        await #expect(throws: JournalError.self) {
            try await first.rewrite(
                run.journaled, RunRewriting(events: stored.events, generation: "g2", fingerprint: "f2"),
                appending: JournalBatch())
        }
        #expect(try await first.load("r1")?.header.generation == "g1")
        await first.close()
        await second.close()
    }

    @Test(arguments: Adapter.allCases)
    func `pruning spares the newest of what would go`(_ adapter: Adapter) async throws {
        let backend = try adapter.makeBackend()
        let journal = try backend.open()
        for number in 1...4 {
            await TestRun("r\(number)").write("one", to: journal, status: number == 2 ? .running : .success)
        }
        #expect(try await journal.prune(PruneFilter(keep: 2, dryRun: true)).runs == 1)
        #expect(try await journal.prune(PruneFilter(keep: 2)).runs == 1)
        #expect(try await journal.list(RunFilter()).map(\.id) == ["r4", "r3", "r2"])
        await journal.close()
    }
}
