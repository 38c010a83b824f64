internal import FlatValue
internal import MemoryJournal
internal import WorkflowCore
internal import WorkflowEngine

/// A journal that lasts can be copied, and be made from another one.
extension StoreContract {
    static let copying: [StoreCheck] = [
        StoreCheck("a copy has the runs, the messages, the code and the schedules, and is made once") { backend in
            let first = try await backend.open()
            guard let source = first as? any LastingStore else { return await first.close() }
            let generation = ScriptGeneration(hash: "g1", files: [.init(name: "main.lua", content: [1, 2])])
            try await source.save(generation)
            let large = Value(String(repeating: "long ", count: 20_000))
            for (number, status) in [RunMachine.Status.success, .waiting, .running].enumerated() {
                let run = TestRun("r\(number)", lineage: number == 1 ? "r0" : nil)
                await run.write(["n": 1], to: source, time: 100)
                if number == 1 { run.add(.tagsSet, ["region": "eu", "n": 3], time: 120) }
                await run.write(large, to: source, time: 150)
                await run.write("end", to: source, status: status, wakeAt: 7, time: 200)
                try await source.release([run.journaled])
            }
            let signal = InboxMessage.Content(kind: .signal, target: "paid", payload: ["amount": 3])
            _ = try await source.post(signal, to: "r1")
            try await source.advance("orders", "nightly", to: 100, run: "r0")

            let memory = MemoryBackend()
            let copy = LastingMemory(memory.journal())
            let report = try await StoreCopy(from: source, to: copy).run()
            try expect((report.runs, report.events, report.messages, report.schedules) == (3, 10, 1, 1))
            try expect(try await StoreCopy(from: source, to: copy).run().known == 3)
            for run in ["r0", "r1", "r2"] {
                let (one, other) = (try require(try await source.load(run)), try require(try await copy.load(run)))
                try expect(one.header == other.header && one.events == other.events && one.arena == other.arena)
            }
            try expect(try await copy.generation("g1") == generation)
            var filter = RunFilter()
            filter.tags = [try RunTag.candidates("region", "eu"), try RunTag.candidates("n", "3")]
            try expect(try await copy.list(filter).map(\.id) == ["r1"])
            try expect(try require(try await copy.claim("r1").run).1.map(\.content) == [signal])
            await copy.close()
            await first.close()
        },
        StoreCheck("runs of the queue wait in the copy as they did, in both directions") { backend in
            let first = try await backend.open()
            guard let store = first as? any LastingStore, store.keepsQueue else { return await first.close() }
            for isSource in [true, false] {
                let memory = LastingMemory(MemoryBackend().journal())
                let (source, target): (any LastingStore, any LastingStore) =
                    isSource ? (store, memory) : (memory, store)
                let prefix = isSource ? "a" : "b"
                for number in 0..<5 {
                    let run = TestRun("\(prefix)\(number)", workflow: prefix)
                    var ticket = QueueTicket()
                    ticket.shares = [QueueTicket.Share(.concurrency, key: "k", limit: 2)]
                    ticket.isLeft = true
                    ticket.priority = number == 4 ? 9 : 0
                    run.journaled.ticket = ticket
                    run.add(
                        .queued,
                        [
                            "input": 1, "concurrency": ["key": "k", "limit": 2], "priority": Value(ticket.priority),
                        ], status: .queued)
                    let batch = JournalBatch()
                    run.submit(in: batch)
                    try expect(await source.write(batch)[0].isDurable)
                }
                // The first one has begun and gone on; the one with the highest priority was let begin after it.
                let pass = try await source.admit(.all, limit: 1)
                guard let (run, messages) = try pass.claims.first?.claim.get().run else {
                    return try expect(false, "no run begins")
                }
                try expect(run.journaled.id == "\(prefix)4")
                let taking = try require(messages.first?.number)
                try expect(await run.write("on", to: source, settling: taking).isDurable)
                try await source.release([run.journaled])
                let other = try await source.admit(.all, limit: 1)
                guard let (second, _) = try other.claims.first?.claim.get().run else {
                    return try expect(false, "no other run begins")
                }
                try await source.release([second.journaled])

                try expect(try await StoreCopy(from: source, to: target).run().runs >= 5)
                try expect(try await target.places(of: ["\(prefix)4", "\(prefix)0"]).isEmpty)
                let places = try await target.places(of: ["\(prefix)1", "\(prefix)3"])
                try expect(places["\(prefix)1"]?.reason == .concurrency(key: "k", running: 2, limit: 2))
                try expect((places["\(prefix)1"]?.position, places["\(prefix)3"]?.position) == (1, 3))
                try expect(try await target.admit(.all, limit: 10).claims.isEmpty)
                // The one that was let begin and has not yet is told so; the other one goes on, and its end makes room.
                let claims = (try await target.claim("\(prefix)0"), try await target.claim("\(prefix)4"))
                guard let (_, told) = claims.0.run, let (over, _) = claims.1.run else {
                    return try expect(false, "runs of the copy are not claimed")
                }
                try expect(told.contains { $0.content.kind == .begin })
                try expect(await over.write("end", to: target, status: .success).isDurable)
                let next = try await target.admit(.all, limit: 10).claims.map(\.run)
                try expect(next == ["\(prefix)1"])
                await memory.close()
            }
            await first.close()
        },
        StoreCheck("what was copied from another store can be gone on with") { backend in
            let first = try await backend.open()
            guard let target = first as? any LastingStore else { return await first.close() }
            let source = LastingMemory(MemoryBackend().journal())
            for number in 0..<5 {
                let run = TestRun("r\(number)")
                await run.write("one", to: source, time: 100)
                await run.write("two", to: source, time: 200)
                try await source.release([run.journaled])
            }
            try expect(try await StoreCopy(from: source, to: target).run().runs == 5)
            let (run, _) = try require(try await target.claim("r3").run)
            try expect(await run.write("three", to: target).isDurable)
            try expect(run.matches(try await target.load("r3")))
            try expect(try await target.header(of: "r3")?.createdAt == 100)
            try expect(try await target.check().isEmpty)
            await source.close()
            await first.close()
        },
    ]
}

/// A store in memory that can be copied; it keeps no tokens.
private final class LastingMemory: RunJournal, ForwardingStore, TokenStore {
    let inner: MemoryJournal

    init(_ inner: MemoryJournal) { self.inner = inner }

    func submit(_ batch: JournalBatch, answer: @escaping @Sendable (JournalBatch, [JournalOutcome]) -> Void) {
        inner.submit(batch, answer: answer)
    }

    func add(_ token: AccessToken) {}
    func token(_ id: String) -> AccessToken? { nil }
    func tokens() -> [AccessToken] { [] }
    func removeToken(_ id: String) -> Bool { false }
}
