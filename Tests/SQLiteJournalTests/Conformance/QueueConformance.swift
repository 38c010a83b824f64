internal import StoreConformance
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

@testable internal import SQLiteJournal

enum Adapter: CaseIterable {
    case memory, sqlite

    func makeBackend() throws -> any StoreBackend {
        switch self {
        case .memory: MemoryBackend()
        case .sqlite: try SQLiteBackend()
        }
    }
}

@Suite("Every journal lets queued runs begin in their turn")
struct QueueConformance {
    private func ticket(
        _ shares: [QueueTicket.Share] = [QueueTicket.Share(.concurrency, key: "k", limit: 1)], priority: Int64 = 0
    ) -> QueueTicket {
        var ticket = QueueTicket()
        (ticket.shares, ticket.priority, ticket.isLeft) = (shares, priority, true)
        return ticket
    }

    @discardableResult
    private func enter(_ id: String, _ ticket: QueueTicket, _ journal: any RunStore) async -> JournalOutcome {
        let run = TestRun(id)
        run.journaled.ticket = ticket
        return await run.write(to: journal, status: .queued)
    }

    private func admit(_ journal: any RunStore) async throws -> [TestRun] {
        try await journal.admit(.all, limit: .max).claims.compactMap { try $0.claim.get().run?.0 }
    }

    @Test(arguments: Adapter.allCases)
    func `a run that waits is nobody's, and begins with a message for whoever lets it`(_ adapter: Adapter) async throws {
        let backend = try adapter.makeBackend()
        let (first, second) = (try await backend.open(), try await backend.open())
        await enter("a", ticket(), first)
        await enter("b", ticket(), first)
        let header = try #require(try await first.header(of: "a"))
        #expect(header.isHeld && header.owner == nil && header.status == .queued)
        #expect(try await second.list(.abandoned).isEmpty)

        let pass = try await second.admit(.all, limit: 10)
        #expect(pass.claims.map(\.run) == ["a"])
        let (run, messages) = try #require(try pass.claims.first?.claim.get().run)
        #expect(messages.map(\.content.kind) == [.begin])
        #expect(try await first.places(of: ["a", "b"])["a"] == nil)
        #expect(try await first.places(of: ["b"])["b"]?.text == "concurrency key k has 1 of 1 running")
        #expect(try await first.admit(.all, limit: 10).claims.isEmpty)

        #expect(await run.write(to: second, status: .success).isDurable)
        #expect(try await first.admit(.all, limit: 10).claims.map(\.run) == ["b"])
        #expect(try await first.queueFigures().waiting == 0)
        await first.close()
        await second.close()
    }

    @Test(arguments: Adapter.allCases)
    func `a run that was let begin and whose process died keeps its place and its message`(_ adapter: Adapter)
        async throws
    {
        let backend = try adapter.makeBackend()
        let (first, second) = (try await backend.open(), try await backend.open())
        await enter("a", ticket(), first)
        await enter("b", ticket(), first)
        #expect(try await admit(first).map(\.journaled.id) == ["a"])
        try await backend.loseOwner(of: first)
        try await backend.skip(StoreContract.lease * 2)
        #expect(try await second.list(.abandoned).map(\.id) == ["a"])
        #expect(try await second.admit(.all, limit: 10).claims.isEmpty)
        let (run, messages) = try #require(try await second.claim("a").run)
        #expect(messages.map(\.content.kind) == [.begin])
        #expect(await run.write(to: second, status: .failed).isDurable)
        #expect(try await admit(second).map(\.journaled.id) == ["b"])
        await second.close()
    }

    @Test(arguments: Adapter.allCases)
    func `an id is taken by one run, and a singleton by another one`(_ adapter: Adapter) async throws {
        let journal = try await adapter.makeBackend().open()
        var single = ticket([QueueTicket.Share(.singleton, key: "k", limit: 1)])
        single.onConflict = .skip
        #expect(await enter("a", single, journal).isDurable)
        #expect(await enter("a", ticket(), journal).isConflict)
        let run = TestRun("b")
        run.journaled.ticket = single
        #expect(await run.write(to: journal, status: .queued).error?.code == "singleton")
        #expect(run.journaled.rival == "a")
        #expect(try await journal.header(of: "b") == nil)
        await journal.close()
    }

    @Test(arguments: Adapter.allCases)
    func `a run that is deleted while it waits leaves its place`(_ adapter: Adapter) async throws {
        let journal = try await adapter.makeBackend().open()
        for id in ["a", "b", "c"] { await enter(id, ticket(), journal) }
        #expect(try await admit(journal).map(\.journaled.id) == ["a"])
        #expect(try await journal.delete("b"))
        #expect(try await journal.places(of: ["c"])["c"]?.position == 1)
        await journal.close()
    }

    @Test func `both journals decide alike, whatever comes, and hold every limit`() async throws {
        for seed: UInt64 in 1...3 {
            var chance = Chance(state: seed)
            let sqlite = try SQLiteBackend()
            let backends: [any StoreBackend] = [MemoryBackend(), sqlite]
            var journals: [any RunStore] = []
            for backend in backends { journals.append(try await backend.open()) }
            var running: [[TestRun]] = [[], []]
            var starts: [String: [Int64]] = [:]
            var tickets: [String: QueueTicket] = [:]
            var count = 0
            for step in 0..<120 {
                switch chance.next(10) {
                case 0...5:
                    let new = makeTicket(&chance, at: sqlite.now)
                    count += 1
                    let id = "r\(count)"
                    tickets[id] = new
                    let outcomes = [await enter(id, new, journals[0]), await enter(id, new, journals[1])]
                    #expect(outcomes[0].isDurable == outcomes[1].isDurable, "seed \(seed) step \(step)")
                case 6...7:
                    for backend in backends { try await backend.skip(Int64(chance.state % 5) * 1_000_000) }
                default:
                    guard !running[0].isEmpty else { continue }
                    let index = chance.next(running[0].count)
                    for (place, journal) in journals.enumerated() {
                        let run = running[place].remove(at: index)
                        #expect(await run.write(to: journal, status: .success).isDurable)
                    }
                }
                let passes = [try await admit(journals[0]), try await admit(journals[1])]
                let ids = passes.map { $0.map(\.journaled.id) }
                #expect(ids[0] == ids[1], "seed \(seed) step \(step)")
                guard ids[0] == ids[1] else { return }
                for (place, pass) in passes.enumerated() { running[place] += pass }
                for id in ids[0] {
                    guard let rate = tickets[id]?.share(.rate) else { continue }
                    let now = sqlite.now
                    starts[rate.key, default: []].append(now)
                    let recent = starts[rate.key, default: []].count { $0 > now - rate.period }
                    #expect(recent <= rate.limit, "seed \(seed) step \(step)")
                }
                for kind in [QueueTicket.Share.Kind.concurrency, .singleton] {
                    let shares = running[0].compactMap { tickets[$0.journaled.id]?.share(kind) }
                    for share in shares {
                        #expect(shares.count { $0.key == share.key } <= share.limit, "seed \(seed) step \(step)")
                    }
                }
            }
            for journal in journals { await journal.close() }
        }
    }

    private func makeTicket(_ chance: inout Chance, at now: Int64) -> QueueTicket {
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
        if chance.next(4) == 0 { ticket.readyAt = now + Int64(chance.next(4)) * 1_000_000 }
        if chance.next(6) == 0 { ticket.debounce = "d\(chance.next(2))" }
        return ticket
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
