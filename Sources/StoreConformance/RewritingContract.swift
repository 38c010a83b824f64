internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// Every journal moves a run to other code, and keeps as many runs as it is told.
extension StoreContract {
    static let rewriting: [StoreCheck] = [
        StoreCheck("events are replaced one for one, and values stay") { backend in
            let (first, second) = (try await backend.open(), try await backend.open())
            let run = TestRun("r1")
            for text in ["one", "two", "three"] { await run.write(Value(text), to: first) }
            run.add(.stepEvent, "four")
            run.add(.stepEvent, Value(String(repeating: "x", count: 100_000)))
            let batch = JournalBatch()
            run.submit(in: batch)
            try expect(await first.write(batch)[0].isDurable)

            let before = try require(try await first.load("r1"))
            let links = before.links(with: moved(before))
            run.journaled.link = links.last
            try await first.rewrite(
                run.journaled,
                RunRewriting(events: moved(before), generation: "g2", fingerprint: "f2", links: links),
                appending: JournalBatch())
            let after = try require(try await second.load("r1"))
            try expect(after.events == moved(before))
            try expect(after.arena == before.arena)
            try expect(after.header.generation == "g2")
            try expect(await run.write("five", to: first).isDurable)
            try expect(try await second.load("r1")?.header.sequence == 6)
            let chain = try require(try await second.load("r1")).chain
            try expect(chain.broken == nil && chain.unchained == 0 && chain.entries == 5)
            try expect(try await second.check().isEmpty)
            await first.close()
            await second.close()
        },
        StoreCheck("a run of somebody else, or one that has gone on, is not rewritten") { backend in
            let (first, second) = (try await backend.open(), try await backend.open())
            let run = TestRun("r1")
            await run.write("one", to: first)
            let stored = try require(try await first.load("r1"))
            try await expectFailure {
                try await second.rewrite(
                    run.journaled, RunRewriting(events: stored.events, generation: "g2", fingerprint: "f2", links: []),
                    appending: JournalBatch())
            }
            await run.write("two", to: first)
            try await expectFailure {
                try await first.rewrite(
                    run.journaled, RunRewriting(events: stored.events, generation: "g2", fingerprint: "f2", links: []),
                    appending: JournalBatch())
            }
            try expect(try await first.load("r1")?.header.generation == "g1")
            await first.close()
            await second.close()
        },
        StoreCheck("pruning spares the newest of what would go") { backend in
            let journal = try await backend.open()
            for number in 1...4 {
                await TestRun("r\(number)").write("one", to: journal, status: number == 2 ? .running : .success)
            }
            try expect(try await journal.prune(PruneFilter(keep: 2, dryRun: true)).runs == 1)
            try expect(try await journal.prune(PruneFilter(keep: 2)).runs == 1)
            try expect(try await journal.list(RunFilter()).map(\.id) == ["r4", "r3", "r2"])
            await journal.close()
        },
    ]

    /// The events of a stored run with every node's number raised by one.
    private static func moved(_ stored: StoredRun) -> [UInt8] {
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
}
