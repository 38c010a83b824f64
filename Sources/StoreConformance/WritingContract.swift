internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// Every journal keeps what is written to it.
extension StoreContract {
    static let writing: [StoreCheck] = [
        StoreCheck("a run comes back as it was written") { backend in
            let journal = try await backend.open()
            let run = TestRun("r1", lineage: "r0")
            try expect(await run.write(["order": 1], to: journal, time: 10).isDurable)
            try expect(await run.write("two", to: journal, status: .waiting, wakeAt: 99, time: 20).isDurable)

            let stored = try require(try await journal.load("r1"))
            try expect(run.matches(stored))
            let owner = try require(stored.header.owner)
            try expect(owner.isSelf)
            try expect(
                stored.header
                    == RunHeader(
                        id: "r1", workflow: "orders", generation: "g1", lineage: "r0", status: .waiting, createdAt: 10,
                        updatedAt: 20, wakeAt: 99, sequence: 2, arena: run.log.arena.count, owner: owner))
            await journal.close()
        },
        StoreCheck("entries of many runs in one batch are answered in order") { backend in
            let journal = try await backend.open()
            let runs = (0..<50).map { TestRun("r\($0)") }
            for round in 0..<4 {
                let batch = JournalBatch()
                for run in runs {
                    run.add(.stepEvent, Value(Int64(round)))
                    run.submit(in: batch)
                }
                try expect(await journal.write(batch).filter(\.isDurable).count == 50)
            }
            for run in runs { try expect(run.matches(try await journal.load(run.journaled.id))) }
            await journal.close()
        },
        StoreCheck("an entry that does not follow on the newest one is a conflict") { backend in
            let journal = try await backend.open()
            let run = TestRun("r1")
            await run.write(to: journal)
            let gap = JournalBatch()
            let link = run.journaled.link
            gap.append(run.journaled, sequence: 7, events: 0..<0, arena: 0..<0, status: .running, wakeAt: 0, time: 0)
            run.journaled.link = link
            try expect(await journal.write(gap)[0].isConflict)
            try expect(await run.write("next", to: journal).isDurable)
            try expect(run.matches(try await journal.load("r1")))
            await journal.close()
        },
        StoreCheck("the entries of a run are a chain, also over several owners") { backend in
            let (first, second) = (try await backend.open(), try await backend.open())
            let run = TestRun("r1")
            let large = Value(String(repeating: "x", count: 100_000))
            for payload in ["one", large, "three"] { await run.write(payload, to: first) }
            await first.close()
            let (claimed, _) = try require(try await second.claim("r1").run)
            try expect(await claimed.write("four", to: second).isDurable)
            try expect(await claimed.write("five", to: second, status: .success).isDurable)

            let stored = try require(try await second.load("r1"))
            try expect(stored.entries.map(\.sequence) == [1, 2, 3, 4, 5])
            try expect(stored.chain.entries == 5 && stored.chain.unchained == 0)
            try expect(stored.chain.broken == nil && stored.chain.link == claimed.journaled.link)
            try expect(try await second.load("r1", after: 3)?.entries.map(\.link) == stored.entries[3...].map(\.link))
            for entry in stored.entries.indices {
                var changed = stored
                changed.arena[stored.entries[entry].arena - 1] ^= 1
                try expect(changed.chain.broken?.entry == entry + 1)
                changed = stored
                changed.events[entry * MemoryLayout<Event>.stride] ^= 1
                try expect(changed.chain.broken?.event == entry + 1)
            }
            await second.close()
        },
        StoreCheck("what was written before there were links is not chained") { backend in
            let journal = try await backend.open()
            let run = TestRun("r1")
            for payload: Value in ["one", "two", "three"] { await run.write(payload, to: journal) }
            var stored = try require(try await journal.load("r1"))
            for count in 1...3 {
                for entry in 0..<count { stored.entries[entry].link = nil }
                let chain = stored.chain
                // The rest was not chained to nothing.
                try expect(chain.unchained == count && (chain.broken?.entry == count + 1) == (count < 3))
            }
            await journal.close()
        },
        StoreCheck("a second run of the same id is a conflict, and the first one is there to be shown") { backend in
            let journal = try await backend.open()
            let other = try await backend.open()
            await TestRun("r1", workflow: "first").write(to: journal)
            try expect(await TestRun("r1", workflow: "second").write(to: journal).isConflict)
            try expect(await TestRun("r1", workflow: "third").write(to: other).isConflict)
            try expect(try await other.header(of: "r1")?.workflow == "first")
            await journal.close()
            await other.close()
        },
        StoreCheck("a conflict leaves the other entries of its batch alone") { backend in
            let journal = try await backend.open()
            await TestRun("r1").write(to: journal)
            let batch = JournalBatch()
            for id in ["r0", "r1", "r2"] {
                let run = TestRun(id)
                run.add()
                run.submit(in: batch)
            }
            try expect(await journal.write(batch).map(\.isDurable) == [true, false, true])
            await journal.close()
        },
        StoreCheck("events after a certain one come without those before") { backend in
            let journal = try await backend.open()
            let run = TestRun("r1")
            for number in 1...5 { await run.write(Value(Int64(number)), to: journal) }
            let tail = try require(try await journal.load("r1", after: 3))
            try expect(tail.after == 3)
            try expect(tail.events.count == 2 * MemoryLayout<Event>.stride)
            try expect(run.matches(tail))
            try expect(try await journal.load("r1", after: 5)?.events.isEmpty == true)
            await journal.close()
        },
        StoreCheck("a name with a zero byte is not what stands before it") { backend in
            let (journal, other) = (try await backend.open(), try await backend.open())
            await TestRun("r1", workflow: "orders").write(to: journal)
            try expect(try await journal.header(of: "r1\0x") == nil)
            try expect(try await journal.load("r1\0x") == nil)
            try expect(try await journal.counts(of: "orders\0x").isEmpty)
            try expect(try await journal.list(RunFilter(workflow: "orders\0x")).isEmpty)
            try expect(
                try await other.post(InboxMessage.Content(kind: .signal, target: "e", payload: 1), to: "r1\0x") == nil)
            try expect(try await other.claim("r1\0x").run == nil)
            try expect(try await journal.delete("r1\0x") == false)
            try expect(try await journal.header(of: "r1") != nil)
            await journal.close()
            await other.close()
        },
        StoreCheck("large payloads come back among small ones") { backend in
            let journal = try await backend.open()
            let large = Value(String(repeating: "long ", count: 20_000))
            let run = TestRun("r1")
            for payload in [large, "small", large, large, "end"] { run.add(.stepEvent, payload) }
            await run.write(large, to: journal)
            await run.write("last", to: journal)
            try expect(run.matches(try await journal.load("r1")))
            await journal.close()
        },
        StoreCheck("a closed journal refuses") { backend in
            let journal = try await backend.open()
            await journal.close()
            try expect(await TestRun("r1").write(to: journal).error?.reason == .storeClosed)
            try await expectFailure { try await journal.checkWritable() }
            try await expectFailure { _ = try await journal.header(of: "r1") }
        },
    ]
}
