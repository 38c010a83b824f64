internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

@Suite("Every journal keeps what is written to it")
struct WritingConformance {
    @Test(arguments: Adapter.allCases)
    func `a run comes back as it was written`(_ adapter: Adapter) async throws {
        let backend = try adapter.makeBackend()
        let journal = try backend.open()
        let run = TestRun("r1", lineage: "r0")
        #expect(await run.write(["order": 1], to: journal, time: 10).isDurable)
        #expect(await run.write("two", to: journal, status: .waiting, wakeAt: 99, time: 20).isDurable)

        let stored = try #require(try await journal.load("r1"))
        #expect(run.matches(stored))
        let owner = try #require(stored.header.owner)
        #expect(owner.isSelf)
        #expect(
            stored.header
                == RunHeader(
                    id: "r1", workflow: "orders", generation: "g1", lineage: "r0", status: .waiting, createdAt: 10,
                    updatedAt: 20, wakeAt: 99, sequence: 2, arena: run.log.arena.count, owner: owner))
        await journal.close()
    }

    @Test(arguments: Adapter.allCases)
    func `entries of many runs in one batch are answered in order`(_ adapter: Adapter) async throws {
        let journal = try adapter.makeBackend().open()
        let runs = (0..<50).map { TestRun("r\($0)") }
        for round in 0..<4 {
            let batch = JournalBatch()
            for run in runs {
                run.add(.stepEvent, Value(Int64(round)))
                run.submit(in: batch)
            }
            #expect(await journal.write(batch).filter(\.isDurable).count == 50)
        }
        for run in runs { #expect(run.matches(try await journal.load(run.journaled.id))) }
        await journal.close()
    }

    @Test(arguments: Adapter.allCases)
    func `an entry that does not follow on the newest one is a conflict`(_ adapter: Adapter) async throws {
        let journal = try adapter.makeBackend().open()
        let run = TestRun("r1")
        await run.write(to: journal)
        let gap = JournalBatch()
        gap.entries.append(
            JournalEntry(
                run: run.journaled, sequence: 7, events: 0..<0, arena: 0..<0, status: .running, wakeAt: 0, time: 0))
        #expect(await journal.write(gap)[0].isConflict)
        #expect(await run.write("next", to: journal).isDurable)
        #expect(run.matches(try await journal.load("r1")))
        await journal.close()
    }

    @Test(arguments: Adapter.allCases)
    func `a second run of the same id is a conflict, and the first one is there to be shown`(
        _ adapter: Adapter
    ) async throws {
        let backend = try adapter.makeBackend()
        let journal = try backend.open()
        let other = try backend.open()
        await TestRun("r1", workflow: "first").write(to: journal)
        #expect(await TestRun("r1", workflow: "second").write(to: journal).isConflict)
        #expect(await TestRun("r1", workflow: "third").write(to: other).isConflict)
        #expect(try await other.header(of: "r1")?.workflow == "first")
        await journal.close()
        await other.close()
    }

    @Test(arguments: Adapter.allCases)
    func `a conflict leaves the other entries of its batch alone`(_ adapter: Adapter) async throws {
        let journal = try adapter.makeBackend().open()
        await TestRun("r1").write(to: journal)
        let batch = JournalBatch()
        for id in ["r0", "r1", "r2"] {
            let run = TestRun(id)
            run.add()
            run.submit(in: batch)
        }
        #expect(await journal.write(batch).map(\.isDurable) == [true, false, true])
        await journal.close()
    }

    @Test(arguments: Adapter.allCases)
    func `events after a certain one come without those before`(_ adapter: Adapter) async throws {
        let journal = try adapter.makeBackend().open()
        let run = TestRun("r1")
        for number in 1...5 { await run.write(Value(Int64(number)), to: journal) }
        let tail = try #require(try await journal.load("r1", after: 3))
        #expect(tail.after == 3)
        #expect(tail.events.count == 2 * MemoryLayout<Event>.stride)
        #expect(run.matches(tail))
        #expect(try await journal.load("r1", after: 5)?.events.isEmpty == true)
        await journal.close()
    }

    @Test(arguments: Adapter.allCases)
    func `large payloads come back among small ones`(_ adapter: Adapter) async throws {
        let journal = try adapter.makeBackend().open()
        let large = Value(String(repeating: "long ", count: 20_000))
        let run = TestRun("r1")
        for payload in [large, "small", large, large, "end"] { run.add(.stepEvent, payload) }
        await run.write(large, to: journal)
        await run.write("last", to: journal)
        #expect(run.matches(try await journal.load("r1")))
        await journal.close()
    }

    @Test(arguments: Adapter.allCases)
    func `a closed journal refuses`(_ adapter: Adapter) async throws {
        let journal = try adapter.makeBackend().open()
        await journal.close()
        #expect(await TestRun("r1").write(to: journal).error?.code == "store_closed")
        await #expect(throws: JournalError.self) { try await journal.header(of: "r1") }
    }
}
