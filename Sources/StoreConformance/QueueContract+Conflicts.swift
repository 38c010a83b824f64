internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// What becomes of runs that singletons and debounces meet.
extension StoreContract {
    static let queueConflicts: [StoreCheck] = [
        StoreCheck("an id is taken by one run, and a singleton by another one") { backend in
            let journal = try await backend.open()
            var single = ticket([QueueTicket.Share(.singleton, key: "k", limit: 1)])
            single.onConflict = .skip
            try expect(await enter("a", single, journal).isDurable)
            try expect(await enter("a", ticket(), journal).isConflict)
            let run = TestRun("b")
            run.journaled.ticket = single
            try expect(await run.write(to: journal, status: .queued).error?.code == "singleton")
            try expect(run.journaled.rival == "a")
            try expect(try await journal.header(of: "b") == nil)
            await journal.close()
        },
        StoreCheck("of runs that come together a singleton takes the first, and a debounce the last") { backend in
            let journal = try await backend.open()
            var single = ticket([QueueTicket.Share(.singleton, key: "k", limit: 1)])
            single.onConflict = .skip
            var late = ticket([])
            late.debounce = "d"
            late.readyAt = backend.now + 1_000_000
            let batch = JournalBatch()
            let runs = [("a", single), ("b", single), ("c", late), ("d", late), ("a", single)].map { id, ticket in
                let run = TestRun(id)
                run.journaled.ticket = ticket
                run.add(.stepEvent, "payload", status: .queued)
                run.submit(in: batch)
                return run
            }
            let outcomes = await journal.write(batch)
            try expect(outcomes.map(\.isDurable) == [true, false, true, true, false])
            try expect(outcomes[1].error?.code == "singleton" && runs[1].journaled.rival == "a")
            try expect(outcomes[4].isConflict)
            try expect(try await journal.places(of: ["c"])["c"]?.reason == .replaced(by: "d"))
            try expect(try await journal.places(of: ["d"])["d"]?.reason == .time(late.readyAt))
            try await backend.skip(1_000_000)
            let pass = try await journal.admit(.all, limit: 10)
            try expect(Set(pass.claims.map(\.run)) == ["a", "d"])
            try expect(pass.replaced.map(\.run) == ["c"] && pass.replaced.map(\.by) == ["d"])
            await journal.close()
        },
        StoreCheck("a singleton that gives way keeps what has begun, and a debounce the last of what waits") {
            backend in
            let journal = try await backend.open()
            var late = ticket([
                QueueTicket.Share(.singleton, key: "s", limit: 1), QueueTicket.Share(.concurrency, key: "c", limit: 5),
            ])
            (late.onConflict, late.debounce, late.readyAt) = (.skip, "d", backend.now + 1_000_000)
            for id in ["a", "b", "c"] { try expect(await enter(id, late, journal).isDurable, id) }
            try expect(try await journal.places(of: ["b"])["b"]?.reason == .replaced(by: "c"))
            // It is replaced by none that waits by another key, which is given it instead.
            var other = late
            other.debounce = "e"
            let run = TestRun("other")
            run.journaled.ticket = other
            try expect(await run.write(to: journal, status: .queued).error?.code == "singleton")
            try expect(run.journaled.rival == "c")
            try await backend.skip(1_000_000)
            let pass = try await journal.admit(.all, limit: 10)
            try expect(pass.claims.map(\.run) == ["c"])
            try expect(pass.replaced.map(\.run) == ["a", "b"])
            late.readyAt = backend.now + 1_000_000
            let last = TestRun("last")
            last.journaled.ticket = late
            try expect(await last.write(to: journal, status: .queued).error?.code == "singleton")
            try expect(last.journaled.rival == "c")
            await journal.close()
        },
        StoreCheck("a singleton's run is to be cancelled whatever else keeps the new one waiting, until it is over") {
            backend in
            let obstacles = [
                QueueTicket.Share(.concurrency, key: "c", limit: 1),
                QueueTicket.Share(.rate, key: "r", limit: 1, period: 1_000_000),
            ]
            for (number, obstacle) in obstacles.enumerated() {
                let (first, second) = (try await backend.open(), try await backend.open())
                let (a, b) = ("a\(number)", "b\(number)")
                var alone = ticket([QueueTicket.Share(.singleton, key: "s\(number)", limit: 1), obstacle])
                alone.onConflict = .cancelRunning
                await enter(a, alone, first)
                let run = try require(try await admit(first).first)
                await enter(b, alone, first)
                // Whoever is told may die before the run is cancelled.
                for journal in [first, second, first] {
                    let pass = try await journal.admit(.all, limit: 10)
                    try expect(pass.claims.isEmpty)
                    try expect(pass.replaced.map(\.run) == [a] && pass.replaced.map(\.by) == [b])
                }
                let next = TestRun(a + "~2", lineage: a)
                next.journaled.predecessor = run.journaled
                try expect(await next.write(to: first).isDurable)
                try expect(await run.write(to: first, status: .success).isDurable)
                try expect(try await second.admit(.all, limit: 10).replaced.map(\.run) == [a + "~2"])
                next.journaled.predecessor = nil
                try expect(await next.write(to: first, status: .cancelled).isDurable)
                try await backend.skip(1_000_000)
                let pass = try await second.admit(.all, limit: 10)
                try expect(pass.claims.map(\.run) == [b] && pass.replaced.isEmpty)
                await first.close()
                await second.close()
            }
        },
        StoreCheck("keys that differ in any byte are different ones") { backend in
            let journal = try await backend.open()
            let keys = ["\u{e9}", "e\u{301}", "E\u{301}", "", " ", "\u{feff}"]
            for (number, key) in keys.enumerated() {
                await enter("c\(number)", ticket([QueueTicket.Share(.concurrency, key: key, limit: 1)]), journal)
                var single = ticket([QueueTicket.Share(.singleton, key: key, limit: 1)])
                single.onConflict = .skip
                try expect(await enter("s\(number)", single, journal).isDurable, key)
                var late = ticket([])
                late.debounce = key
                await enter("d\(number)", late, journal)
            }
            try expect(try await admit(journal).count == 3 * keys.count)
            await journal.close()
        },
        StoreCheck("a debounce replaces what waits by its key in its workflow, whatever else the runs wait by") {
            backend in
            let journal = try await backend.open()
            let shares: [[QueueTicket.Share]] = [
                [], [QueueTicket.Share(.concurrency, key: "c", limit: 1)],
                [QueueTicket.Share(.concurrency, key: "d", limit: 1)],
                [QueueTicket.Share(.rate, key: "r", limit: 1, period: 1_000_000)],
                [
                    QueueTicket.Share(.singleton, key: "s", limit: 1),
                    QueueTicket.Share(.concurrency, key: "d", limit: 1),
                ],
                [QueueTicket.Share(.singleton, key: "t", limit: 1)],
            ]
            func late(_ shares: [QueueTicket.Share], _ key: String = "d", skips: Bool = false) -> QueueTicket {
                var ticket = ticket(shares)
                (ticket.debounce, ticket.readyAt) = (key, backend.now + 1_000_000)
                ticket.onConflict = skips ? .skip : .queue
                return ticket
            }
            await enter("other workflow", late([]), journal, workflow: "other")
            await enter("other key", late([], "e"), journal)
            for (number, shares) in shares.enumerated() { await enter("r\(number)", late(shares), journal) }
            // Its time has come, and its limits hold it back still.
            await enter("holder", ticket([QueueTicket.Share(.concurrency, key: "k", limit: 1)], priority: 1), journal)
            try expect(try await journal.admit(.all, limit: 10).claims.map(\.run) == ["holder"])
            await enter("held", late([QueueTicket.Share(.concurrency, key: "k", limit: 1)]), journal)
            try await backend.skip(1_000_000)
            let pass = try await journal.admit(.all, limit: 10)
            try expect(Set(pass.claims.map(\.run)) == ["other workflow", "other key"])
            try expect(pass.replaced.map(\.run) == (0..<shares.count).map { "r\($0)" })
            await enter("last", late([QueueTicket.Share(.singleton, key: "u", limit: 1)], skips: true), journal)
            try expect(try await journal.places(of: ["held"])["held"]?.reason == .replaced(by: "last"))
            await enter(
                "moved",
                late(
                    [
                        QueueTicket.Share(.concurrency, key: "x", limit: 1),
                        QueueTicket.Share(.singleton, key: "u", limit: 1),
                    ], skips: true), journal)
            try expect(try await journal.places(of: ["last"])["last"]?.reason == .replaced(by: "moved"))
            try await backend.skip(1_000_000)
            try expect(try await journal.admit(.all, limit: 10).claims.map(\.run) == ["moved"])
            await journal.close()
        },
    ]
}
