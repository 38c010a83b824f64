internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// Every store lets queued runs begin in their turn, and keeps their limits over all of its journals.
extension StoreContract {
    static let queue = queuePlaces + queueConflicts + queueOrder + waits

    private static let queuePlaces: [StoreCheck] = [
        StoreCheck("a run that waits is nobody's, and begins with a message for whoever lets it") { backend in
            let (first, second) = (try await backend.open(), try await backend.open())
            await enter("a", ticket(), first)
            await enter("b", ticket(), first)
            let header = try require(try await first.header(of: "a"))
            try expect(header.isHeld && header.owner == nil && header.status == .queued)
            try expect(try await second.list(.abandoned).isEmpty)

            let pass = try await second.admit(.all, limit: 10)
            try expect(pass.claims.map(\.run) == ["a"])
            let (run, messages) = try require(try pass.claims.first?.claim.get().run)
            try expect(messages.map(\.content.kind) == [.begin])
            try expect(run.journaled.isQueued)
            try expect(try await first.places(of: ["a", "b"])["a"] == nil)
            try expect(try await first.places(of: ["b"])["b"]?.text == "concurrency key k has 1 of 1 running")
            try expect(try await first.queueFigures().waiting == 1)
            try expect(try await first.admit(.all, limit: 10).claims.isEmpty)

            try expect(await run.write(to: second, status: .success).isDurable)
            try expect(try await first.admit(.all, limit: 10).claims.map(\.run) == ["b"])
            try expect(try await first.queueFigures().waiting == 0)
            await first.close()
            await second.close()
        },
        StoreCheck("a run that was let begin and whose process died keeps its place and its message") { backend in
            let (first, second) = (try await backend.open(), try await backend.open())
            await enter("a", ticket(), first)
            await enter("b", ticket(), first)
            try expect(try await admit(first).map(\.journaled.id) == ["a"])
            try await backend.loseOwner(of: first)
            // The owner is not really dead and may be quick enough to renew its lease.
            var claimed: (TestRun, [InboxMessage])?
            for _ in 0..<100 where claimed == nil {
                try await backend.skip(StoreContract.lease * 2)
                try expect(try await second.admit(.all, limit: 10).claims.isEmpty)
                claimed = try await second.claim("a").run
            }
            let (run, messages) = try require(claimed)
            try expect(messages.map(\.content.kind) == [.begin])
            try expect(await run.write(to: second, status: .failed).isDurable)
            try expect(try await admit(second).map(\.journaled.id) == ["b"])
            await second.close()
        },
        StoreCheck("a run that its process drives while it waits begins with a message to it") { backend in
            let (first, second) = (try await backend.open(), try await backend.open())
            var driven = ticket()
            driven.isLeft = false
            let run = TestRun("a")
            run.journaled.ticket = driven
            try expect(await run.write(to: first, status: .queued).isDurable)
            await enter("b", driven, second)
            try expect(try await first.header(of: "a")?.owner?.isSelf == true)
            try expect(try await second.admit(.runs(["b"]), limit: 10).told == 0)
            try expect(try await first.admit(.runs(["a", "b"]), limit: 10).told == 1)
            try expect(await run.write(to: first, status: .success).isDurable)
            try expect(try await second.admit(.runs(["b"]), limit: 10).told == 1)
            await first.close()
            await second.close()
        },
        StoreCheck("a run that is deleted while it waits leaves its place") { backend in
            let journal = try await backend.open()
            for id in ["a", "b", "c"] { await enter(id, ticket(), journal) }
            try expect(try await admit(journal).map(\.journaled.id) == ["a"])
            try expect(try await journal.delete("b"))
            try expect(try await journal.places(of: ["c"])["c"]?.position == 1)
            await journal.close()
        },
        StoreCheck("a run that follows on another takes its place, and one that is known already takes none") {
            backend in
            let (first, second) = (try await backend.open(), try await backend.open())
            let shares = [
                QueueTicket.Share(.concurrency, key: "k", limit: 1), QueueTicket.Share(.singleton, key: "s", limit: 1),
            ]
            await enter("a", ticket(shares), first)
            await enter("c", ticket(shares), first)
            let run = try require(try await admit(first).first)
            let next = TestRun("a~2", lineage: "a")
            next.journaled.predecessor = run.journaled
            try expect(await next.write(to: first).isDurable)
            try expect(next.journaled.isQueued)
            let known = TestRun("a~2", lineage: "a")
            known.journaled.predecessor = run.journaled
            try expect(await known.write(to: first).isConflict)
            try expect(await run.write(to: first, status: .success).isDurable)
            try expect(try await admit(second).isEmpty)
            try expect(try await second.places(of: ["c"])["c"]?.text == "concurrency key k has 1 of 1 running")
            next.journaled.predecessor = nil
            try expect(await next.write(to: first, status: .success).isDurable)
            try expect(try await admit(second).map(\.journaled.id) == ["c"])
            await first.close()
            await second.close()
        },
    ]

    static func ticket(
        _ shares: [QueueTicket.Share] = [QueueTicket.Share(.concurrency, key: "k", limit: 1)], priority: Int64 = 0
    ) -> QueueTicket {
        var ticket = QueueTicket()
        (ticket.shares, ticket.priority, ticket.isLeft) = (shares, priority, true)
        return ticket
    }

    @discardableResult
    static func enter(
        _ id: String, _ ticket: QueueTicket, _ journal: any RunStore, workflow: String = "orders"
    ) async -> JournalOutcome {
        let run = TestRun(id, workflow: workflow)
        run.journaled.ticket = ticket
        return await run.write(to: journal, status: .queued)
    }

    static func admit(_ journal: any RunStore) async throws -> [TestRun] {
        try await journal.admit(.all, limit: .max).claims.compactMap { try $0.claim.get().run?.0 }
    }
}
