internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// Every journal carries messages to the owner of a run.
extension StoreContract {
    static let inbox: [StoreCheck] = [
        StoreCheck("a message reaches the owner once, and its answer the sender") { backend in
            let (owner, sender) = (try await backend.open(), try await backend.open())
            let (messages, delivered) = AsyncStream.makeStream(of: InboxMessage.self)
            let run = TestRun("r1")
            await run.write(to: owner)
            owner.watchInbox { for message in $0 { delivered.yield(message) } }

            let number = try require(try await sender.post(signal, to: "r1"))
            try expect(try await sender.answer(to: number) == nil)
            var iterator = messages.makeAsyncIterator()
            let message = try require(await iterator.next())
            try expect(message.content == signal)
            try expect(message.run == "r1")
            await run.write("signalled", to: owner, settling: message.number)
            try expect(try await sender.answer(to: number) == .taken)
            await owner.close()
            await sender.close()
        },
        StoreCheck("messages arrive in the order in which they were posted, each once") { backend in
            let (owner, sender) = (try await backend.open(), try await backend.open())
            let (messages, delivered) = AsyncStream.makeStream(of: InboxMessage.self)
            await TestRun("r1").write(to: owner)
            await TestRun("r2").write(to: owner)
            owner.watchInbox { for message in $0 { delivered.yield(message) } }
            var posted: [Int64] = []
            for number in 1...20 {
                posted.append(try require(try await sender.post(signal, to: number % 2 == 0 ? "r1" : "r2")))
            }
            var received: [Int64] = []
            for await message in messages {
                received.append(message.number)
                if message.number == posted.last { break }
            }
            try expect(received == posted)
            await owner.close()
            await sender.close()
        },
        StoreCheck("messages to a run that nobody drives come with its claim") { backend in
            let (first, second) = (try await backend.open(), try await backend.open())
            await TestRun("r1").write(to: first)
            await first.close()
            let number = try require(try await second.post(signal, to: "r1"))
            let (run, messages) = try require(try await second.claim("r1").run)
            try expect(messages.map(\.number) == [number])
            try expect(messages.map(\.content) == [signal])
            await run.write("signalled", to: second, settling: number)
            try await second.release([run.journaled])
            try expect(try require(try await second.claim("r1").run).1.isEmpty)
            await second.close()
        },
        StoreCheck("a message is answered only by an entry that is written") { backend in
            let journal = try await backend.open()
            let run = TestRun("r1")
            await run.write(to: journal)
            let number = try require(try await journal.post(signal, to: "r1"))
            try await journal.release([run.journaled])
            try expect(await run.write("lost", to: journal, settling: number).isConflict)
            try expect(try await journal.answer(to: number) == nil)
            try expect(try require(try await journal.claim("r1").run).1.map(\.number) == [number])
            await journal.close()
        },
        StoreCheck("a refusal says why, and only the first answer counts") { backend in
            let journal = try await backend.open()
            await TestRun("r1").write(to: journal)
            let number = try require(try await journal.post(signal, to: "r1"))
            let details: Value = ["issues": [["path": "a\u{0}", "code": "invalid_type"]]]
            let refusal = InboxAnswer.refused(code: "invalid", message: "no", details: details)
            try await journal.answer(number, with: refusal)
            try await journal.answer(number, with: .taken)
            try expect(try await journal.answer(to: number) == refusal)
            let other = try require(try await journal.post(signal, to: "r1"))
            try await journal.answer(other, with: .refused(code: "invalid", message: "no"))
            try expect(try await journal.answer(to: other) == .refused(code: "invalid", message: "no"))
            await journal.close()
        },
        StoreCheck("a run that ends refuses what it did not take, and takes no more") { backend in
            let journal = try await backend.open()
            let run = TestRun("r1")
            await run.write(to: journal)
            let number = try require(try await journal.post(signal, to: "r1"))
            await run.write(to: journal, status: .success)
            try expect(try await journal.answer(to: number) == .ended)
            try expect(try await journal.post(signal, to: "r1") == nil)
            try expect(try await journal.post(signal, to: "nowhere") == nil)
            await journal.close()
        },
        StoreCheck("a message to a chain reaches whoever drives it, also when its run is over by then") { backend in
            let (owner, sender, other) = (try await backend.open(), try await backend.open(), try await backend.open())
            let run = TestRun("r1")
            await run.write(to: owner)
            let next = TestRun("r1~2", lineage: "r1")
            await next.write(to: other)
            let (messages, delivered) = AsyncStream.makeStream(of: InboxMessage.self)
            other.watchInbox { for message in $0 { delivered.yield(message) } }
            let cancel = InboxMessage.Content(.cancelChain(reason: "enough"))
            let number = try require(try await sender.post(cancel, to: "r1"))
            await run.write(to: owner, status: .success)
            try expect(try await sender.answer(to: number) == nil)
            var iterator = messages.makeAsyncIterator()
            let message = try require(await iterator.next())
            try expect(message.number == number && message.run == "r1" && message.content == cancel)
            await next.write("cancelled", to: other, settling: message.number)
            try expect(try await sender.answer(to: number) == .taken)
            try expect(try await sender.post(cancel, to: "r1") == nil)
            for journal in [owner, sender, other] { await journal.close() }
        },
        StoreCheck("a message can be taken back until it is answered") { backend in
            let journal = try await backend.open()
            await TestRun("r1").write(to: journal)
            let first = try require(try await journal.post(signal, to: "r1"))
            let second = try require(try await journal.post(signal, to: "r1"))
            try await journal.answer(second, with: .taken)
            try expect(try await journal.withdraw(first))
            try expect(try await !journal.withdraw(second))
            await journal.close()
        },
    ]

    private static let signal = InboxMessage.Content(kind: .signal, target: "paid", payload: ["amount": 3])
}
