internal import WorkflowCore
internal import WorkflowEngine

/// Every store tells which runs wait for others, and which queued runs those hold up.
extension StoreContract {
    static let waits: [StoreCheck] = [
        StoreCheck("a wait is known to everybody until its end is noted, by the first ids of the chains") { backend in
            let (first, second) = (try await backend.open(), try await backend.open())
            await enter("other", ticket(), second)
            let run = TestRun("a~2", lineage: "a")
            await run.write(to: first)
            let (b, c) = (ChainWait("a~2", for: "b~3"), ChainWait("a", for: "c"))
            try await first.note(WaitChanges(begun: [b: "a~2", c: "a~2"]))
            try expect(try await second.awaited(by: ["a", "b"]) == ["a": ["b", "c"]])
            try expect(try await second.awaited(by: ["b", "nobody"]).isEmpty)
            try await first.note(WaitChanges(ended: [b]))
            try expect(try await second.awaited(by: ["a"]) == ["a": ["c"]])
            // It is noted once, however often that is said.
            try await first.note(WaitChanges(begun: [c: "a~2"]))
            try await first.note(WaitChanges(ended: [c, b]))
            try expect(try await first.awaited(by: ["a"]).isEmpty)
            await first.close()
            await second.close()
        },
        StoreCheck("a wait counts while its run is driven by who has noted it, and nobody else ends or notes it") {
            backend in
            let (first, second) = (try await backend.open(), try await backend.open())
            await enter("other", ticket(), second)
            let run = TestRun("a")
            await run.write(to: first)
            let wait = ChainWait("a", for: "b")
            try await second.note(WaitChanges(begun: [wait: "a"]))
            try expect(try await second.awaited(by: ["a"]).isEmpty)
            try await first.note(WaitChanges(begun: [wait: "a"]))
            try await second.note(WaitChanges(ended: [wait]))
            try expect(try await second.awaited(by: ["a"]) == ["a": ["b"]])

            try await first.release([run.journaled])
            try expect(try await second.awaited(by: ["a"]).isEmpty)
            let (taken, _) = try require(try await second.claim("a").run)
            try expect(try await first.awaited(by: ["a"]).isEmpty)
            try await second.note(WaitChanges(begun: [wait: "a"]))
            // The former owner is late.
            try await first.note(WaitChanges(ended: [wait]))
            try expect(try await first.awaited(by: ["a"]) == ["a": ["b"]])
            try expect(await taken.write(to: second, status: .success).isDurable)
            await first.close()
            await second.close()
        },
        StoreCheck("a wait of a process that is gone counts no more") { backend in
            let (first, second) = (try await backend.open(), try await backend.open())
            await enter("other", ticket(), second)
            await TestRun("a").write(to: first)
            try await first.note(WaitChanges(begun: [ChainWait("a", for: "b"): "a"]))
            try await backend.loseOwner(of: first)
            // The owner is not really dead and may be quick enough to renew its lease.
            var isGone = false
            for _ in 0..<100 where !isGone {
                try await backend.skip(StoreContract.lease * 2)
                isGone = try await second.awaited(by: ["a"]).isEmpty
            }
            try expect(isGone)
            await second.close()
        },
        StoreCheck("a queued run is held up once as many runs as its limit allows hold places and wait") { backend in
            let (first, second) = (try await backend.open(), try await backend.open())
            let shares = [
                QueueTicket.Share(.concurrency, key: "k", limit: 2),
                QueueTicket.Share(.rate, key: "", limit: 9, period: 1),
            ]
            for id in ["a", "b", "q"] { await enter(id, ticket(shares), first) }
            await enter("x", ticket([QueueTicket.Share(.concurrency, key: "x", limit: 1)]), first)
            let begun = try await admit(first)
            try expect(begun.map(\.journaled.id) == ["a", "b", "x"])
            try expect(try await second.holdups(of: ["q"]).isEmpty)
            let waits = ["a", "b"].map { ChainWait($0, for: "q" + $0) }
            try await first.note(WaitChanges(begun: [waits[0]: "a", ChainWait("x", for: "q"): "x"]))
            try expect(try await second.holdups(of: ["q"]).isEmpty)
            try await first.note(WaitChanges(begun: [waits[1]: "b", ChainWait("b", for: "c"): "b"]))
            let holdup = try require(try await second.holdups(of: ["q", "a", "nobody"])["q"])
            try expect(
                holdup
                    == QueueHoldup(
                        workflow: "orders", createdAt: try require(try await first.header(of: "q")).createdAt,
                        limits: [QueueHoldup.Limit(.concurrency, key: "k", limit: 2, holders: ["a", "b"])]))
            try expect(try await second.holdups(of: ["q", "a", "nobody"]).count == 1)

            try await first.note(WaitChanges(ended: [waits[0]]))
            try expect(try await first.holdups(of: ["q"]).isEmpty)
            await first.close()
            await second.close()
        },
        StoreCheck("a singleton holds up those that are queued behind a run of it that waits") { backend in
            let (first, second) = (try await backend.open(), try await backend.open())
            let shares = [
                QueueTicket.Share(.concurrency, key: "", limit: 5), QueueTicket.Share(.singleton, key: "s", limit: 1),
            ]
            for id in ["a", "q"] { await enter(id, ticket(shares), first) }
            let run = try require(try await admit(first).first)
            // What follows on a run has its places.
            let next = TestRun("a~2", lineage: "a")
            next.journaled.predecessor = run.journaled
            try expect(await next.write(to: first).isDurable)
            try expect(await run.write(to: first, status: .success).isDurable)
            let wait = ChainWait("a~2", for: "b")
            try await first.note(WaitChanges(begun: [wait: "a~2"]))
            let limit = QueueHoldup.Limit(.singleton, key: "s", limit: 1, holders: ["a"])
            try expect(try await second.holdups(of: ["q"])["q"]?.limits == [limit])
            try expect(await next.write(to: first, status: .success).isDurable)
            try expect(try await second.holdups(of: ["q"]).isEmpty)
            await first.close()
            await second.close()
        },
    ]
}
