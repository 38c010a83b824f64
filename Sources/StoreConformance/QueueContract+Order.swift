internal import FlatValue
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// The order in which queued runs begin, and what they wait for.
extension StoreContract {
    static let queueOrder: [StoreCheck] = [
        StoreCheck("a run behind others waits for what the first of its line waits for") { backend in
            let journal = try await backend.open()
            for (id, limit) in [("a", 1), ("b", 1), ("c", 5)] {
                await enter(id, ticket([QueueTicket.Share(.concurrency, key: "k", limit: limit)]), journal)
            }
            func text(_ id: String) async throws -> String? { try await journal.places(of: [id])[id]?.text }
            try expect(try await text("a") == "its turn has come")
            try expect(try await text("b") == "no limit holds its line back, 1 before it")
            let run = try require(try await admit(journal).first)
            try expect(try await text("b") == "concurrency key k has 1 of 1 running")
            try expect(try await text("c") == "concurrency key k has 1 of 1 running, 1 before it")
            try expect(await run.write(to: journal, status: .success).isDurable)
            try expect(try await admit(journal).map(\.journaled.id) == ["b", "c"])
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
                            try expect(running.sinceProgress < .seconds(30), "\(running.ended) of 30 runs begin")
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
        StoreCheck("queued runs begin in the order that their limits allow, whatever comes") { backend in
            for seed: UInt64 in 1...4 { try await compare(backend, seed: seed) }
        },
        StoreCheck("of many lanes that wait for one rate each begins in its turn") { backend in
            let journal = try await backend.open()
            for number in 0..<40 {
                // The later ones come first.
                let shares = [
                    QueueTicket.Share(.concurrency, key: "c\(number)", limit: 1),
                    QueueTicket.Share(.rate, key: "r", limit: 3, period: 1_000_000),
                ]
                await enter("r\(number)", ticket(shares, priority: Int64(number)), journal)
            }
            var begun: [String] = []
            for second in 0..<14 {
                if second > 0 { try await backend.skip(1_000_000) }
                let pass = try await journal.admit(.all, limit: 10)
                begun += pass.claims.map(\.run)
                try expect(begun.count == min(3 * (second + 1), 40), "\(begun.count) after \(second) s")
                try expect(pass.nextAt == (begun.count == 40 ? 0 : backend.now + 1_000_000))
            }
            try expect(begun == (0..<40).reversed().map { "r\($0)" })
            await journal.close()
        },
        StoreCheck("a lane that waited for the time of others leaves it to the next one when its last run goes") {
            backend in
            let journal = try await backend.open()
            let rate = QueueTicket.Share(.rate, key: "r", limit: 1, period: 1_000_000)
            for id in ["a", "b", "c", "d"] {
                await enter(id, ticket([QueueTicket.Share(.concurrency, key: id, limit: 1), rate]), journal)
            }
            try expect(try await journal.admit(.all, limit: 10).claims.map(\.run) == ["a"])
            try expect(try await journal.delete("b"))
            try await backend.skip(1_000_000)
            try expect(try await journal.admit(.all, limit: 10).claims.map(\.run) == ["c"])
            try await backend.skip(1_000_000)
            try expect(try await journal.admit(.all, limit: 10).claims.map(\.run) == ["d"])
            await journal.close()
        },
        StoreCheck("a clock that is set back keeps no run waiting for longer than the period of its rate") { backend in
            let journal = try await backend.open()
            let shares = [QueueTicket.Share(.rate, key: "r", limit: 1, period: 10_000_000)]
            for id in ["a", "b", "c"] { await enter(id, ticket(shares), journal) }
            try expect(try await journal.admit(.all, limit: 10).claims.map(\.run) == ["a"])
            try await backend.skip(-3_600_000_000)
            try expect(try await journal.admit(.all, limit: 10).claims.isEmpty)
            try expect(try await journal.admit(.all, limit: 10).nextAt == backend.now + 10_000_000)
            try await backend.skip(9_000_000)
            try expect(try await journal.admit(.all, limit: 10).claims.isEmpty)
            try await backend.skip(1_000_000)
            try expect(try await journal.admit(.all, limit: 10).claims.map(\.run) == ["b"])
            await journal.close()
        },
        StoreCheck("the figures of a queue say what runs wait for") { backend in
            let journal = try await backend.open()
            let rate = QueueTicket.Share(.rate, key: "r", limit: 1, period: 10_000_000)
            for id in ["a", "b", "c"] { await enter(id, ticket(), journal) }
            for id in ["d", "e"] { await enter(id, ticket([rate]), journal) }
            for id in ["f", "g"] {
                await enter(id, ticket([QueueTicket.Share(.singleton, key: "s", limit: 1)]), journal)
            }
            var late = ticket([])
            (late.debounce, late.readyAt) = ("d", backend.now + 5_000_000)
            await enter("h", late, journal)
            // Of a workflow without limits.
            var later = ticket([])
            later.readyAt = backend.now + 50_000_000
            await enter("i", later, journal)
            let entered = backend.now
            try expect(try await journal.queueFigures().lengths == [.turn: 7, .time: 2])
            try await backend.skip(1_000_000)
            try expect(try await admit(journal).count == 3)
            let figures = try await journal.queueFigures()
            try expect(figures.lengths == [.concurrency: 2, .rate: 1, .singleton: 1, .time: 2])
            try expect(figures.waiting == 4 && abs((figures.oldest ?? 0) - entered) < 500_000)
            await journal.close()
        },
    ]

    /// Has a store and the model do the same things by chance.
    private static func compare(_ backend: any StoreBackend, seed: UInt64) async throws {
        var chance = Chance(state: seed)
        let journal = try await backend.open()
        var model = QueueModel()
        var running: [TestRun] = []
        var starts: [String: [Int64]] = [:]
        var tickets: [String: QueueTicket] = [:]
        for step in 0..<150 {
            switch chance.next(10) {
            case 0...5:
                var (ticket, delay) = makeTicket(&chance)
                let id = "s\(seed)-\(tickets.count)"
                if let delay { ticket.readyAt = backend.now + delay }
                tickets[id] = ticket
                let outcome = await enter(id, ticket, journal, workflow: "w\(seed)")
                try expect(outcome.isDurable == model.enter(id, "w\(seed)", ticket), "seed \(seed) step \(step)")
            case 6...7: try await backend.skip(Int64(chance.state % 5) * 1_000_000)
            default:
                guard !running.isEmpty else { continue }
                let run = running.remove(at: chance.next(running.count))
                try expect(await run.write(to: journal, status: .success).isDurable)
                model.leave(run.journaled.id)
            }
            let begun = try await admit(journal)
            let (ids, expected) = (begun.map(\.journaled.id), model.admit(at: backend.now))
            try expect(ids == expected, "seed \(seed) step \(step): \(ids) begin in place of \(expected)")
            running += begun
            try checkRates(ids.compactMap { tickets[$0]?.share(.rate) }, at: backend.now, &starts)
            for kind in [QueueTicket.Share.Kind.concurrency, .singleton] {
                let shares = running.compactMap { tickets[$0.journaled.id]?.share(kind) }
                for share in shares { try expect(shares.count { $0.key == share.key } <= share.limit) }
            }
        }
        for run in running { try expect(await run.write(to: journal, status: .success).isDurable) }
        for id in tickets.keys { _ = try await journal.delete(id) }
        await journal.close()
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
