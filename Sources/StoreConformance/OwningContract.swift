internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// Every journal lets a run have one owner.
extension StoreContract {
    static let owning: [StoreCheck] = [
        StoreCheck("a run that somebody drives cannot be claimed") { backend in
            let (first, second) = (try await backend.open(), try await backend.open())
            await TestRun("r1").write(to: first)
            try expect(try await second.claim("r1").owner?.isSelf == false)
            try expect(try await first.claim("r1").owner?.isSelf == true)
            await first.close()
            await second.close()
        },
        StoreCheck("a run whose owner has closed goes on with another") { backend in
            let (first, second) = (try await backend.open(), try await backend.open())
            let run = TestRun("r1")
            await run.write("one", to: first)
            await run.write("two", to: first)
            await first.close()
            try expect(try await second.list(.abandoned).map(\.id) == ["r1"])

            let (claimed, messages) = try require(try await second.claim("r1").run)
            try expect(messages.isEmpty)
            try expect(claimed.log.count == 2)
            try expect(await claimed.write("three", to: second).isDurable)
            try expect(claimed.matches(try await second.load("r1")))
            try expect(try await second.list(.abandoned).isEmpty)
            await second.close()
        },
        StoreCheck("a released run is anybody's, and its former owner's entries are refused") { backend in
            let (first, second) = (try await backend.open(), try await backend.open())
            let run = TestRun("r1")
            await run.write(to: first)
            try await first.release([run.journaled])
            try expect(await run.write("late", to: first).isConflict)
            let released = try require(try await second.header(of: "r1"))
            try expect(released.owner == nil && released.isReleased)
            let claim = try await second.claim("r1")
            try expect(claim.isClaimed)
            if case .claimed(let claimed) = claim { try expect(!claimed.stored.header.isReleased) }
            try expect(try await first.header(of: "r1")?.isReleased == false)
            try expect(await run.write("later", to: first).isConflict)
            await first.close()
            await second.close()
        },
        StoreCheck("the processes that drive runs are shown with what they carry") { backend in
            let (first, second) = (try await backend.open(), try await backend.open())
            await TestRun("r1").write(to: first)
            await TestRun("r2").write(to: first, status: .waiting)
            await TestRun("r3").write(to: first, status: .success)
            await TestRun("r4").write(to: second)
            var nodes = try await second.nodes()
            try expect(nodes.map(\.isAlive) == [true, true])
            try expect(nodes.map(\.runs) == [[.running: 1, .waiting: 1], [.running: 1]])
            try expect(nodes.map(\.owner.isSelf) == [false, true])
            await first.close()
            nodes = try await second.nodes()
            try expect(nodes.map(\.runs) == [[.running: 1]])
            await second.close()
        },
        StoreCheck("a process that is gone is shown until its runs are taken") { backend in
            let (first, second) = (try await backend.open(), try await backend.open())
            await TestRun("r1").write(to: first)
            await TestRun("r2").write(to: second)
            try await backend.loseOwner(of: first)
            // The owner is not really dead and may be quick enough to renew its lease.
            var isClaimed = false
            for _ in 0..<100 where !isClaimed {
                try await backend.skip(StoreContract.lease * 2)
                let gone = try await second.nodes().filter { !$0.isAlive }
                try expect(try await second.header(of: "r1")?.isReleased == false)
                try expect(gone.allSatisfy { $0.runs == [.running: 1] })
                isClaimed = try await second.claim("r1").isClaimed
            }
            try expect(isClaimed)
            try expect(try await second.nodes().allSatisfy(\.isAlive))
            await second.close()
        },
        StoreCheck("of two claims at once exactly one wins") { backend in
            let first = try await backend.open()
            let ids = (0..<40).map { "r\($0)" }
            for id in ids { await TestRun(id).write(to: first) }
            await first.close()
            var others: [any RunStore] = []
            for _ in 0..<4 { others.append(try await backend.open()) }
            for id in ids {
                let wins = try await withThrowingTaskGroup(of: Bool.self) { group in
                    for other in others { group.addTask { try await other.claim(id).isClaimed } }
                    return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
                }
                try expect(wins == 1, "\(wins) have claimed it")
            }
            for other in others { await other.close() }
        },
        StoreCheck("an owner that lost its lease stops writing, and owns what it begins afterwards") { backend in
            let (first, second) = (try await backend.open(), try await backend.open())
            let (taken, kept) = (TestRun("r1"), TestRun("r2"))
            await taken.write("one", to: first)
            await kept.write("one", to: first)
            await taken.write("two", to: first)
            // The clock jumps over the whole lease. The owner is not really hanging and may be quick enough to renew it.
            var won: (TestRun, [InboxMessage])?
            for _ in 0..<100 where won == nil {
                try await backend.skip(StoreContract.lease + 1)
                won = try await second.claim("r1").run
            }
            let (claimed, _) = try require(won)
            try expect(claimed.log.count == 2)
            try expect(await claimed.write("mine", to: second).isDurable)

            try expect(await taken.write("zombie", to: first).isConflict)
            try expect(await kept.write("zombie", to: first).isConflict)
            try expect(claimed.matches(try await first.load("r1")))
            try expect(try await first.claim("r2").isClaimed)
            let fresh = TestRun("r3")
            try expect(await fresh.write("one", to: first).isDurable)
            try expect(await fresh.write("two", to: first).isDurable)
            await first.close()
            await second.close()
        },
        StoreCheck("claiming tells what is over, what is missing and what is there") { backend in
            let (first, second) = (try await backend.open(), try await backend.open())
            await TestRun("done").write(to: first, status: .success)
            await TestRun("open").write(to: first)
            await first.close()
            let claims = try await second.claim(["done", "nowhere", "open"])
            try expect(try claims[0].get().isOver)
            try expect(try claims[1].get().isMissing)
            try expect(try claims[2].get().isClaimed)
            await second.close()
        },
    ]
}
