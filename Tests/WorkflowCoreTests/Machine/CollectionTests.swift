import FlatValue
import Testing

@testable import WorkflowCore

@Suite struct `Deciding on items and branches in parallel` {
    @Test func `a foreach keeps the order of its items and its limit`() throws {
        let run = try TestRun(
            [.foreach("all", items: 1, concurrency: 2, body: [.step("one", handler: 2)])],
            callbacks: [1: { _ in .value([10, 20, 30, 40]) }, 2: { .value(Value(($0.int ?? 0) + 1)) }])
        try run.start()
        try run.carryOut(run.pending.removeFirst())
        #expect(run.pending.map(\.kind) == [.invoke, .invoke])
        // The second item answers first.
        try run.carryOut(run.pending.remove(at: 1))
        #expect(run.pending.count == 2)
        while let last = run.pending.popLast(), last.kind != .finish { try run.carryOut(last) }
        #expect(run.value(run.machine.outcome) == [11, 21, 31, 41])
        run.expectSoundEnd()
    }

    @Test func `a foreach over nothing gives an empty list`() throws {
        let run = try TestRun(
            [.foreach("all", items: 1, body: [.step("one", handler: 2)])], callbacks: [1: { _ in .value([]) }])
        try run.start()
        try run.drive()
        #expect(run.machine.outcome.isNone == false)
        #expect(run.value(run.machine.outcome).tag == .array)
    }

    @Test func `fail-fast stops the siblings at once`() throws {
        let run = try TestRun(
            [.parallel("both", branches: ["bad": [.step("x", handler: 1)], "slow": [.step("y", handler: 2)]])],
            callbacks: [1: { _ in .failure("no") }])
        try run.start()
        try run.carryOut(run.pending.removeFirst())
        #expect(run.pending.map(\.kind) == [.stop])
        #expect(run.machine.status == .running)
        try run.drive()
        #expect(
            run.story.suffix(4) == [
                "step:error both[bad]/x", "step:cancelled both[slow]/y", "step:error both", "workflow:error",
            ])
        #expect(run.result.error?["message"]?.string?.contains("both[bad]/x: no") == true)
        run.expectSoundEnd()
    }

    @Test func `wait-all collects every error`() throws {
        let run = try TestRun(
            [
                .parallel(
                    "all",
                    branches: [
                        "a": [.step("x", handler: 1)], "b": [.step("y", handler: 2)], "c": [.step("z", handler: 3)],
                    ],
                    waitsForAll: true)
            ], callbacks: [1: { _ in .failure("first") }, 3: { _ in .failure("third") }])
        try run.start()
        try run.drive()
        let error = try #require(run.result.error)
        let message = try #require(error["message"]?.string)
        #expect(message.contains("2 of 3 branches failed"))
        #expect(message.contains("a: first") && message.contains("c: third"))
        #expect(error["details"]?["errors"]?.entries?.map(\.key) == ["a", "c"])
        #expect(run.story.contains("step:success all[b]/y"))
        run.expectSoundEnd()
    }

    @Test func `a failing item stops the others and opens no more`() throws {
        let run = try TestRun(
            [.foreach("all", items: 1, concurrency: 2, body: [.step("one", handler: 2)])],
            callbacks: [1: { _ in .value([1, 2, 3, 4]) }, 2: { $0.int == 1 ? .failure("no") : .value($0) }])
        try run.start()
        try run.drive()
        #expect(
            run.story.filter { $0.hasPrefix("step:start all[") } == ["step:start all[1]/one", "step:start all[2]/one"])
        #expect(run.machine.status == .failed)
        run.expectSoundEnd()
    }

    @Test(arguments: [1, 2, 5]) func `a foreach that continues gives results and errors by item`(_ width: Int) throws {
        let run = try TestRun(
            [
                .foreach(
                    "all", items: 1, concurrency: width, continuesAfterErrors: true,
                    body: [.foreach("inner", items: 3, concurrency: 2, body: [.step("one", handler: 2)])])
            ],
            callbacks: [
                1: { _ in .value([1, 2, 3, 4]) }, 3: { .value([$0, $0]) },
                2: { ($0.int ?? 0) % 2 == 0 ? .failure("even") : .value($0) },
            ])
        try run.start()
        try run.drive()
        #expect(run.machine.status == .success)
        let output = try #require(run.result.result)
        #expect(output["results"] == [[1, 1], .null, [3, 3], .null])
        #expect(output["errors"]?.array?.map { $0["index"]?.int } == [2, 4])
        #expect(output["errors"]?.array?.first?["message"]?.string?.contains("even") == true)
        #expect(run.story.filter { $0.hasPrefix("step:start all[") && !$0.contains("/one") }.count == 4)
        run.expectSoundEnd()
    }
}
