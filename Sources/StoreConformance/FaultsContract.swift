internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// Every journal keeps damage to the run that it is in, and loses nothing to a store that cannot be written for a while.
extension StoreContract {
    static let faults: [StoreCheck] = [
        StoreCheck("a damaged run fails alone, is named, and can be removed") { backend in
            let (first, second) = (try await backend.open(), try await backend.open())
            for id in ["r1", "r2"] { await TestRun(id).write("payload", to: first) }
            await first.close()
            guard try await backend.damage("r1") else { return await second.close() }
            let claims = try await second.claim(["r1", "r2"])
            try expect(claims[0].failure?.reason == .storeCorrupt)
            try expect(try claims[1].get().isClaimed)
            try expect(try await second.check().map(\.run) == ["r1"])
            try await expectFailure { _ = try await second.load("r1") }
            try expect(try await second.delete("r1"))
            try expect(try await second.check().isEmpty)
            try expect(try await second.load("r2") != nil)
            await second.close()
        },
        StoreCheck("what is written while the store takes nothing is written when it does again") { backend in
            let journal = try await backend.open()
            let run = TestRun("r1")
            try expect(await run.write("one", to: journal).isDurable)
            guard let resume = try await backend.interrupt() else { return await journal.close() }
            run.add(.stepEvent, "two")
            let batch = JournalBatch()
            run.submit(in: batch)
            async let outcomes = journal.write(batch)
            try await resume()
            try expect(await outcomes[0].isDurable)
            try expect(await run.write("three", to: journal).isDurable)
            try expect(run.matches(try await journal.load("r1")))
            try expect(try await journal.header(of: "r1")?.owner?.isSelf == true)
            await journal.close()
        },
        StoreCheck("a claim is answered for each run, in order") { backend in
            let (first, second) = (try await backend.open(), try await backend.open())
            let ids = (0..<100).map { "r\($0)" }
            for id in ids { await TestRun(id).write(to: first) }
            await first.close()
            let claims = try await second.claim(ids.reversed())
            var claimed: [String] = []
            for claim in claims { if let (run, _) = try claim.get().run { claimed.append(run.journaled.id) } }
            try expect(claimed == ids.reversed())
            try expect(try await second.claim([]).isEmpty)
            await second.close()
        },
    ]
}

extension Result {
    fileprivate var failure: Failure? { if case .failure(let error) = self { error } else { nil } }
}
