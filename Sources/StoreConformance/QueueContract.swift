internal import FlatValue
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// Every store lets queued runs begin in their turn, and keeps their limits over all of its journals.
extension StoreContract {
    static let queue: [StoreCheck] = [
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
        StoreCheck("a run that is deleted while it waits leaves its place") { backend in
            let journal = try await backend.open()
            for id in ["a", "b", "c"] { await enter(id, ticket(), journal) }
            try expect(try await admit(journal).map(\.journaled.id) == ["a"])
            try expect(try await journal.delete("b"))
            try expect(try await journal.places(of: ["c"])["c"]?.position == 1)
            await journal.close()
        },
        StoreCheck("of several journals at once each lets runs begin as far as their limit allows") { backend in
            let limit = 3
            var journals: [any RunStore] = []
            for _ in 0..<3 { journals.append(try await backend.open()) }
            let shared = ticket([QueueTicket.Share(.concurrency, key: "k", limit: limit)])
            for number in 0..<30 { await enter("r\(number)", shared, journals[number % 3]) }
            let running = Running()
            try await withThrowingTaskGroup { group in
                for journal in journals {
                    group.addTask {
                        while running.ended < 30 {
                            try expect(running.sinceProgress < .seconds(10), "\(running.ended) of 30 runs begin")
                            let admitted = try await admit(journal)
                            // A store that lets nothing begin leaves the threads to others.
                            if admitted.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
                            for run in admitted {
                                let together = running.begin()
                                try expect(together <= limit, "\(together) runs of \(limit) have begun")
                                running.end()
                                try expect(await run.write(to: journal, status: .success).isDurable)
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            for journal in journals { await journal.close() }
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
        StoreCheck("queued runs begin as in memory, whatever comes, and every limit holds") { backend in
            for seed: UInt64 in 1...3 { try await compare(backend, with: MemoryBackend(), seed: seed) }
        },
    ]

    private static func ticket(
        _ shares: [QueueTicket.Share] = [QueueTicket.Share(.concurrency, key: "k", limit: 1)], priority: Int64 = 0
    ) -> QueueTicket {
        var ticket = QueueTicket()
        (ticket.shares, ticket.priority, ticket.isLeft) = (shares, priority, true)
        return ticket
    }

    @discardableResult
    private static func enter(
        _ id: String, _ ticket: QueueTicket, _ journal: any RunStore, workflow: String = "orders"
    ) async -> JournalOutcome {
        let run = TestRun(id, workflow: workflow)
        run.journaled.ticket = ticket
        return await run.write(to: journal, status: .queued)
    }

    private static func admit(_ journal: any RunStore) async throws -> [TestRun] {
        try await journal.admit(.all, limit: .max).claims.compactMap { try $0.claim.get().run?.0 }
    }

    /// Has a store and one in memory do the same things by chance.
    private static func compare(_ backend: any StoreBackend, with memory: MemoryBackend, seed: UInt64) async throws {
        var chance = Chance(state: seed)
        let backends: [any StoreBackend] = [backend, memory]
        var journals: [any RunStore] = []
        for backend in backends { journals.append(try await backend.open()) }
        var running: [[TestRun]] = [[], []]
        var starts: [String: [Int64]] = [:]
        var tickets: [String: QueueTicket] = [:]
        for step in 0..<120 {
            switch chance.next(10) {
            case 0...5:
                let (new, delay) = makeTicket(&chance)
                let id = "s\(seed)-\(tickets.count)"
                tickets[id] = new
                var outcomes: [JournalOutcome] = []
                for (backend, journal) in zip(backends, journals) {
                    var ticket = new
                    if let delay { ticket.readyAt = backend.now + delay }
                    outcomes.append(await enter(id, ticket, journal, workflow: "w\(seed)"))
                }
                try expect(outcomes[0].isDurable == outcomes[1].isDurable, "seed \(seed) step \(step)")
            case 6...7:
                for backend in backends { try await backend.skip(Int64(chance.state % 5) * 1_000_000) }
            default:
                guard !running[0].isEmpty else { continue }
                let index = chance.next(running[0].count)
                for (place, journal) in journals.enumerated() {
                    let run = running[place].remove(at: index)
                    try expect(await run.write(to: journal, status: .success).isDurable)
                }
            }
            let passes = [try await admit(journals[0]), try await admit(journals[1])]
            let ids = passes.map { $0.map(\.journaled.id) }
            try expect(ids[0] == ids[1], "seed \(seed) step \(step): \(ids[0]) begin, in memory \(ids[1])")
            for (place, pass) in passes.enumerated() { running[place] += pass }
            try checkRates(ids[0].compactMap { tickets[$0]?.share(.rate) }, at: memory.now, &starts)
            for kind in [QueueTicket.Share.Kind.concurrency, .singleton] {
                let shares = running[0].compactMap { tickets[$0.journaled.id]?.share(kind) }
                for share in shares { try expect(shares.count { $0.key == share.key } <= share.limit) }
            }
        }
        for journal in journals { await journal.close() }
    }

    /// Notes starts, and fails where there are more within a period than a rate allows.
    private static func checkRates(
        _ rates: [QueueTicket.Share], at now: Int64, _ starts: inout [String: [Int64]]
    ) throws {
        for rate in rates {
            starts[rate.key, default: []].append(now)
            try expect(starts[rate.key, default: []].count { $0 > now - rate.period } <= rate.limit)
        }
    }

    /// A ticket, and in how many microseconds it is ready, if it is not at once.
    private static func makeTicket(_ chance: inout Chance) -> (ticket: QueueTicket, delay: Int64?) {
        var shares: [QueueTicket.Share] = []
        if chance.next(4) > 0 {
            shares.append(QueueTicket.Share(.concurrency, key: "c\(chance.next(2))", limit: 2))
        }
        if chance.next(3) == 0 {
            shares.append(QueueTicket.Share(.rate, key: "r\(chance.next(2))", limit: 2, period: 3_000_000))
        }
        if chance.next(4) == 0 { shares.append(QueueTicket.Share(.singleton, key: "s\(chance.next(3))", limit: 1)) }
        var ticket = ticket(shares, priority: Int64(chance.next(3)))
        ticket.onConflict = chance.next(3) == 0 ? .skip : .queue
        let delay = chance.next(4) == 0 ? Int64(chance.next(4)) * 1_000_000 : nil
        if chance.next(6) == 0 { ticket.debounce = "d\(chance.next(2))" }
        return (ticket, delay)
    }
}

/// How many runs are under way and have ended.
private final class Running: Sendable {
    private let counts = Mutex((running: 0, ended: 0, progress: ContinuousClock.now))

    var ended: Int { counts.withLock { $0.ended } }

    /// How long ago a run began or ended.
    var sinceProgress: Duration { counts.withLock { ContinuousClock.now - $0.progress } }

    /// How many are under way with the one that begins.
    func begin() -> Int {
        counts.withLock {
            $0.running += 1
            $0.progress = .now
            return $0.running
        }
    }

    func end() {
        counts.withLock {
            $0.running -= 1
            $0.ended += 1
            $0.progress = .now
        }
    }
}

/// Numbers that are the same each time.
private struct Chance {
    var state: UInt64

    mutating func next(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % max(bound, 1)
    }
}
