internal import Synchronization
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

@Suite("Every journal carries messages to the owner of a run")
struct InboxConformance {
    private let signal = InboxMessage.Content(kind: .signal, target: "paid", payload: ["amount": 3])

    @Test(.timeLimit(.minutes(1)), arguments: Adapter.allCases)
    func `a message reaches the owner once, and its answer the sender`(_ adapter: Adapter) async throws {
        let backend = try adapter.makeBackend()
        let (owner, sender) = (try backend.open(), try backend.open())
        let (messages, delivered) = AsyncStream.makeStream(of: InboxMessage.self)
        let run = TestRun("r1")
        await run.write(to: owner)
        owner.watchInbox { for message in $0 { delivered.yield(message) } }

        let number = try #require(try await sender.post(signal, to: "r1"))
        #expect(try await sender.answer(to: number) == nil)
        var iterator = messages.makeAsyncIterator()
        let message = try #require(await iterator.next())
        #expect(message.content == signal)
        #expect(message.run == "r1")
        await run.write("signalled", to: owner, settling: message.number)
        #expect(try await sender.answer(to: number) == .taken)
        await owner.close()
        await sender.close()
    }

    @Test(arguments: Adapter.allCases)
    func `messages to a run that nobody drives come with its claim`(_ adapter: Adapter) async throws {
        let backend = try adapter.makeBackend()
        let (first, second) = (try backend.open(), try backend.open())
        await TestRun("r1").write(to: first)
        await first.close()
        let number = try #require(try await second.post(signal, to: "r1"))
        let (run, messages) = try #require(try await second.claim("r1").run)
        #expect(messages.map(\.number) == [number])
        #expect(messages.map(\.content) == [signal])
        await run.write("signalled", to: second, settling: number)
        try await second.release([run.journaled])
        #expect(try #require(try await second.claim("r1").run).1.isEmpty)
        await second.close()
    }

    @Test(arguments: Adapter.allCases)
    func `a message is answered only by an entry that is written`(_ adapter: Adapter) async throws {
        let backend = try adapter.makeBackend()
        let journal = try backend.open()
        let run = TestRun("r1")
        await run.write(to: journal)
        let number = try #require(try await journal.post(signal, to: "r1"))
        try await journal.release([run.journaled])
        #expect(await run.write("lost", to: journal, settling: number).isConflict)
        #expect(try await journal.answer(to: number) == nil)
        #expect(try #require(try await journal.claim("r1").run).1.map(\.number) == [number])
        await journal.close()
    }

    @Test(arguments: Adapter.allCases)
    func `a refusal says why, and only the first answer counts`(_ adapter: Adapter) async throws {
        let journal = try adapter.makeBackend().open()
        await TestRun("r1").write(to: journal)
        let number = try #require(try await journal.post(signal, to: "r1"))
        try await journal.answer(number, with: .refused(code: "invalid", message: "no"))
        try await journal.answer(number, with: .taken)
        #expect(try await journal.answer(to: number) == .refused(code: "invalid", message: "no"))
        await journal.close()
    }

    @Test(arguments: Adapter.allCases)
    func `a run that ends refuses what it did not take, and takes no more`(_ adapter: Adapter) async throws {
        let journal = try adapter.makeBackend().open()
        let run = TestRun("r1")
        await run.write(to: journal)
        let number = try #require(try await journal.post(signal, to: "r1"))
        await run.write(to: journal, status: .success)
        #expect(try await journal.answer(to: number) == .ended)
        #expect(try await journal.post(signal, to: "r1") == nil)
        #expect(try await journal.post(signal, to: "nowhere") == nil)
        await journal.close()
    }

    @Test(arguments: Adapter.allCases)
    func `a message can be taken back until it is answered`(_ adapter: Adapter) async throws {
        let journal = try adapter.makeBackend().open()
        await TestRun("r1").write(to: journal)
        let first = try #require(try await journal.post(signal, to: "r1"))
        let second = try #require(try await journal.post(signal, to: "r1"))
        try await journal.answer(second, with: .taken)
        #expect(try await journal.withdraw(first))
        #expect(try await !journal.withdraw(second))
        await journal.close()
    }
}
