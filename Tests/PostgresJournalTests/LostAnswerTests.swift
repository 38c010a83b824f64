import FlatValue
internal import Foundation
internal import StoreConformance
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

@testable internal import PostgresJournal

@Suite("What a server has done counts, although its answer is lost", .serialized, .enabled(if: database != nil))
struct LostAnswerTests {
    /// Something that is done with a store, to whose every answer the way may break, in turn.
    struct Deed: Sendable, CustomTestStringConvertible {
        let name: String
        /// Does it with a run, or whatever else, of a name that nobody else has. What is done after the call of its last argument is
        /// what answers are lost of.
        let body: @Sendable (any RunStore, _ other: any RunStore, String, _ begin: () -> Void) async throws -> Void

        var testDescription: String { name }
    }

    @Test(.timeLimit(.minutes(2)), arguments: Self.deeds)
    func `it is done once, and what follows goes on`(_ deed: Deed) async throws {
        let backend = PostgresBackend(try #require(database))
        let way = try LossyWay(to: Self.port)
        let (store, other) = (try backend.open(at: try Self.address(by: way)), try backend.open())
        // Both are owners, and have what comes about with the first use.
        for (name, journal) in [("a", store), ("b", other)] {
            #expect(await TestRun(name).write(to: journal).isDurable)
            _ = try await journal.header(of: "a")
        }
        for place in 0..<100 {
            try await deed.body(store, other, "\(deed.name)-\(place)") { way.lose(after: place) }
            if !way.stopLosing() {
                #expect(place > 0)
                break
            }
        }
        #expect(try await other.check().isEmpty)
        await store.close()
        await other.close()
        await backend.remove()
    }

    private static let signal = InboxMessage.Content(kind: .signal, target: "paid", payload: ["amount": 3])

    private static func left(_ id: String) -> TestRun {
        let run = TestRun(id)
        var ticket = QueueTicket()
        ticket.shares = [QueueTicket.Share(.concurrency, key: id, limit: 1)]
        ticket.isLeft = true
        run.journaled.ticket = ticket
        return run
    }

    private static let deeds: [Deed] = [
        Deed(name: "starting a run") { (store, _, id, begin) async throws in
            let run = TestRun(id)
            begin()
            #expect(await run.write(to: store).isDurable)
            #expect(await run.write(to: store).isDurable)
            let stored = try await store.load(id)
            #expect(run.matches(stored))
        },
        Deed(name: "going on with a run") { (store, _, id, begin) async throws in
            let run = TestRun(id)
            #expect(await run.write(to: store).isDurable)
            begin()
            #expect(await run.write(to: store).isDurable)
            #expect(await run.write(to: store, status: .success).isDurable)
            let stored = try await store.load(id)
            #expect(run.matches(stored))
        },
        Deed(name: "going on with a message, tags and a large value") { (store, other, id, begin) async throws in
            let run = TestRun(id)
            #expect(await run.write(to: store).isDurable)
            let message = try #require(try await other.post(signal, to: id))
            run.add(.tagsSet, ["region": "eu"])
            begin()
            let large = Value(String(repeating: "long ", count: 20_000))
            #expect(await run.write(large, to: store, settling: message).isDurable)
            #expect(try await other.answer(to: message) == .taken)
            let stored = try await store.load(id)
            #expect(run.matches(stored))
        },
        Deed(name: "starting a run that waits for its turn") { (store, other, id, begin) async throws in
            let run = left(id)
            begin()
            #expect(await run.write(to: store, status: .queued).isDurable)
            let (begun, _) = try #require(try await other.admit(.all, limit: 10).claims.first?.claim.get().run)
            #expect(begun.journaled.id == id)
            #expect(await begun.write(to: other, status: .success).isDurable)
        },
        Deed(name: "letting a run begin") { (store, other, id, begin) async throws in
            #expect(await left(id).write(to: other, status: .queued).isDurable)
            begin()
            let pass = try await store.admit(.all, limit: 10)
            #expect(pass.claims.map(\.run) == [id])
            let (begun, _) = try #require(try pass.claims.first?.claim.get().run)
            #expect(await begun.write(to: store, status: .success).isDurable)
        },
        Deed(name: "claiming a run") { (store, other, id, begin) async throws in
            let run = TestRun(id)
            #expect(await run.write(to: other).isDurable)
            let message = try #require(try await other.post(signal, to: id))
            try await other.release([run.journaled])
            begin()
            let (claimed, messages) = try #require(try await store.claim(id).run)
            #expect(messages.map(\.number) == [message])
            #expect(await claimed.write(to: store, status: .success, settling: message).isDurable)
        },
        Deed(name: "letting a run go") { (store, other, id, begin) async throws in
            let run = TestRun(id)
            #expect(await run.write(to: store).isDurable)
            begin()
            try await store.release([run.journaled])
            #expect(try await other.claim(id).isClaimed)
        },
        Deed(name: "moving a run to other code") { (store, _, id, begin) async throws in
            let run = TestRun(id)
            #expect(await run.write(to: store).isDurable)
            let stored = try #require(try await store.load(id))
            let events = stored.events
            run.journaled.link = stored.links(with: events).last
            run.add()
            let batch = JournalBatch()
            run.submit(in: batch)
            begin()
            try await store.rewrite(
                run.journaled,
                RunRewriting(events: events, generation: "g2", fingerprint: "f2", links: stored.links(with: events)),
                appending: batch)
            #expect(try await store.header(of: id)?.generation == "g2")
            #expect(await run.write(to: store, status: .success).isDurable)
            let after = try await store.load(id)
            #expect(run.matches(after))
        },
        Deed(name: "posting a message") { (store, other, id, begin) async throws in
            let run = TestRun(id)
            #expect(await run.write(to: other).isDurable)
            begin()
            let message = try #require(try await store.post(signal, to: id))
            try await other.release([run.journaled])
            #expect(try #require(try await other.claim(id).run).1.map(\.number) == [message])
        },
        Deed(name: "taking a message back") { (store, other, id, begin) async throws in
            #expect(await TestRun(id).write(to: other).isDurable)
            let message = try #require(try await other.post(signal, to: id))
            begin()
            #expect(try await store.withdraw(message))
        },
        Deed(name: "answering a message") { (store, other, id, begin) async throws in
            #expect(await TestRun(id).write(to: store).isDurable)
            let message = try #require(try await other.post(signal, to: id))
            begin()
            try await store.answer(message, with: .refused(code: "invalid", message: "no"))
            #expect(try await store.answer(to: message) == .refused(code: "invalid", message: "no"))
        },
        Deed(name: "a schedule") { (store, other, id, begin) async throws in
            begin()
            try await store.advance(id, "nightly", to: 100, run: "r")
            #expect(try await store.pause(id, "nightly", true))
            #expect(
                try await other.scheduleMarks().first { $0.workflow == id }
                    == ScheduleMark(workflow: id, schedule: "nightly", time: 100, run: "r", isPaused: true))
        },
        Deed(name: "a token") { (store, other, id, begin) async throws in
            let token = AccessToken(
                id: id, name: "n", role: .run, workflows: [], hash: [1, 2], expiresAt: 0, createdAt: 5)
            begin()
            try await (store as? any TokenStore)?.add(token)
            #expect(try await (other as? any TokenStore)?.token(id) == token)
            #expect(try await (store as? any TokenStore)?.removeToken(id) == true)
            #expect(try await (other as? any TokenStore)?.token(id) == .some(.none))
        },
        Deed(name: "a limit of all processes") { (store, other, id, begin) async throws in
            let (store, other) = (store as? any SharedLimitStore, other as? any SharedLimitStore)
            let limits = SharedLimits(concurrency: 1, callsPerMinute: 1)
            begin()
            #expect(try await store?.begin("c1", of: id, within: limits, until: 1000, at: 10) == .some(.none))
            #expect(try await other?.begin("c2", of: id, within: limits, until: 1000, at: 10) != .some(.none))
            try await store?.end("c1", of: id, amount: 3, at: 20)
        },
        Deed(name: "a cached value") { (store, other, id, begin) async throws in
            let (store, other) = (store as? any CacheStore, other as? any CacheStore)
            begin()
            try await store?.cache(id, "value", until: 100, at: 5)
            #expect(try await other?.cached(id, at: 6) == "value")
        },
        Deed(name: "code") { (store, other, id, begin) async throws in
            let generation = ScriptGeneration(hash: id, files: [.init(name: "main.lua", content: [1, 2])])
            begin()
            try await store.save(generation)
            #expect(try await other.generation(id) == generation)
        },
        Deed(name: "removing a run") { (store, other, id, begin) async throws in
            #expect(await TestRun(id).write(to: other, status: .success).isDurable)
            begin()
            let isRemoved = try await store.delete(id)
            #expect(isRemoved)
            let header = try await other.header(of: id)
            #expect(header == nil)
        },
    ]

    // MARK: What ends meanwhile

    @Test(.timeLimit(.minutes(1)))
    func `a message that ends its run before it is posted again has arrived`() async throws {
        let backend = PostgresBackend(try #require(database))
        let way = try LossyWay(to: Self.port)
        let (store, other) = (try backend.open(at: try Self.address(by: way)), try backend.open())
        #expect(await TestRun("r").write(to: other).isDurable)
        _ = try await store.header(of: "r")
        let (address, schema) = (try PostgresAddress(try #require(database)), backend.schema)
        way.lose(after: 0) {
            let connection = try? Connection(address, PostgresJournalOptions(), isWriter: false)
            try? connection?.script(
                "UPDATE \"\(schema)\".inbox SET answer = ''; UPDATE \"\(schema)\".runs SET status = 4")
        }
        let message = try #require(try await store.post(Self.signal, to: "r"))
        #expect(try await store.answer(to: message) == .taken)
        await store.close()
        await other.close()
        await backend.remove()
    }

    // MARK: What is given up

    /// Something that fails because the server cannot be reached for long, although it was done.
    struct GivenUp: Sendable, CustomTestStringConvertible {
        let name: String
        /// The end of the answer that is lost.
        let mark: String
        let body: @Sendable (any RunStore, _ other: any RunStore, _ begin: () -> Void) async throws -> Void

        var testDescription: String { name }
    }

    @Test(.timeLimit(.minutes(1)), arguments: Self.givenUp)
    func `a run that nobody knows to be his own is let go`(_ deed: GivenUp) async throws {
        let backend = PostgresBackend(try #require(database))
        let way = try LossyWay(to: Self.port)
        let store = try backend.open(at: try Self.address(by: way), retryTime: 300_000)
        let other = try backend.open()
        #expect(await TestRun("a").write(to: store).isDurable)
        try await deed.body(store, other) {
            way.lose(after: 0, with: deed.mark) { way.isShut = true }
        }
        #expect(way.stopLosing())
        #expect(try await other.header(of: "r")?.owner != nil)
        way.isShut = false
        var claim = try await other.claim("r")
        while !claim.isClaimed {
            try await Task.sleep(for: .milliseconds(20))
            claim = try await other.claim("r")
        }
        // The owner of before knows of it as well.
        let (run, _) = try #require(claim.run)
        #expect(await run.write(to: other, status: .success).isDurable)
        #expect(try await store.claim("r").isOver)
        await store.close()
        await other.close()
        await backend.remove()
    }

    private static let givenUp: [GivenUp] = [
        GivenUp(name: "starting a run", mark: "SELECT 1") { (store, _, begin) async throws in
            begin()
            #expect(await TestRun("r").write(to: store).error?.code == "store_unavailable")
        },
        GivenUp(name: "claiming a run", mark: "COMMIT") { (store, other, begin) async throws in
            let run = TestRun("r")
            #expect(await run.write(to: other).isDurable)
            try await other.release([run.journaled])
            begin()
            await #expect(throws: JournalError.self) { try await store.claim("r") }
        },
        GivenUp(name: "letting a run begin", mark: "COMMIT") { (store, other, begin) async throws in
            #expect(await left("r").write(to: other, status: .queued).isDurable)
            begin()
            await #expect(throws: JournalError.self) { try await store.admit(.all, limit: 1) }
        },
    ]

    // MARK: The way

    private static var port: Int {
        get throws {
            let parts = try components
            return try #require(parts.port)
        }
    }

    private static var components: URLComponents {
        get throws {
            let address = try #require(database)
            return try #require(URLComponents(string: address))
        }
    }

    private static func address(by way: LossyWay) throws -> String {
        var parts = try components
        (parts.host, parts.port) = ("127.0.0.1", way.port)
        parts.queryItems =
            (parts.queryItems ?? []) + [
                URLQueryItem(name: "sslmode", value: "disable"), URLQueryItem(name: "gssencmode", value: "disable"),
            ]
        return try #require(parts.string)
    }
}
