import FlatValue
import Testing

@testable import WorkflowCore

@Suite struct `Deciding on facts` {
    @Test func `a sequence hands each output to the next step`() throws {
        let run = try TestRun(
            [.step("a", handler: 1), .step("b", handler: 2)],
            callbacks: [1: { _ in .value(["n": 1]) }, 2: { .value(["got": $0]) }])
        try run.start()
        try run.drive()
        #expect(
            run.story == [
                "workflow:start", "step:start a", "step:success a", "step:start b", "step:success b",
                "workflow:success",
            ])
        #expect(run.value(run.machine.outcome) == ["got": ["n": 1]])
        run.expectSoundEnd()
    }

    @Test func `facts before the start and after the end are refused`() throws {
        let run = try TestRun([.step("a", handler: 1)])
        #expect(throws: Refusal.outOfOrder) { try run.signal("x") }
        #expect(throws: Refusal.outOfOrder) { try run.decide(.recovered(cause: .none)) }
        try run.start()
        #expect(throws: Refusal.outOfOrder) { try run.start() }
        try run.drive()
        #expect(throws: Refusal.over) { try run.cancel() }
        #expect(throws: Refusal.over) { try run.start() }
    }

    @Test func `a cancel before the start ends the run with nothing else in it`() throws {
        let run = try TestRun([.step("a", handler: 1)])
        try run.cancel()
        #expect(run.story == ["workflow:cancelled"])
        #expect(throws: Refusal.over) { try run.start() }
    }

    @Test func `an answer counts once`() throws {
        let run = try TestRun([.step("a", handler: 1), .step("b", handler: 1)])
        try run.start()
        let frame = try run.frame(at: "a")
        let serial = try run.serial(at: "a")
        let answer = Fact.completed(frame: frame, serial: serial, output: run.store(1), next: Fact.usualNext)
        run.pending.removeFirst()
        try run.decide(answer)
        #expect(throws: Refusal.stale) { try run.decide(answer) }
        #expect(throws: Refusal.stale) {
            try run.decide(.failed(frame: frame, serial: serial, error: run.store([:]), retryable: true, chance: 0))
        }
        #expect(throws: Refusal.stale) { try run.decide(.stopped(frame: frame, serial: serial)) }
        #expect(throws: Refusal.stale) { try run.decide(.timerFired(frame: frame, serial: serial)) }
        #expect(throws: Refusal.stale) {
            try run.decide(.completed(frame: 99, serial: 1, output: run.store(1), next: Fact.usualNext))
        }
        try run.drive()
        run.expectSoundEnd()
    }

    @Test func `a step that waits takes no output`() throws {
        let run = try TestRun([.human("ask")])
        try run.start()
        try run.drive()
        let frame = try run.frame(at: "ask")
        let serial = try run.serial(at: "ask")
        #expect(throws: Refusal.stale) {
            try run.decide(.completed(frame: frame, serial: serial, output: run.store(1), next: Fact.usualNext))
        }
        #expect(throws: Refusal.stale) {
            try run.decide(.failed(frame: frame, serial: serial, error: run.store([:]), retryable: true, chance: 0))
        }
        #expect(throws: Refusal.stale) {
            try run.decide(.inputSettled(frame: frame, serial: serial, input: run.store(1)))
        }
        #expect(run.machine.status == .waitingHuman)
    }

    @Test func `a second reply is refused`() throws {
        let run = try TestRun([.human("ask"), .step("after", handler: 1)])
        try run.start()
        try run.drive()
        let frame = try run.frame(at: "ask")
        let serial = try run.serial(at: "ask")
        try run.reply(["yes": true])
        #expect(throws: Refusal.self) {
            try run.decide(.replied(frame: frame, serial: serial, response: run.store(["yes": false])))
        }
        try run.drive()
        #expect(run.value(run.machine.outcome) == ["yes": true])
        run.expectSoundEnd()
    }

    @Test func `a refused input ends the run with one event`() throws {
        let run = try TestRun([.step("a", handler: 1)])
        try run.decide(.inputRefused(error: run.store(["code": "invalid_input", "message": "city: missing"])))
        #expect(run.story == ["workflow:error"])
        #expect(run.machine.status == .failed)
    }

    @Test func `a branch runs its case, its otherwise, or goes on`() throws {
        for (answer, expected) in [("storm", ["warn"]), (nil, ["brief"])] as [(Value, [String])] {
            let run = try TestRun(
                [
                    .branch(
                        "risk", resolve: 1, cases: ["storm": [.step("warn", handler: 2)]],
                        otherwise: [.step("brief", handler: 2)]),
                    .step("join", handler: 2),
                ], callbacks: [1: { _ in .value(answer) }])
            try run.start()
            try run.drive()
            #expect(run.story.filter { $0.hasPrefix("step:start risk/") } == expected.map { "step:start risk/\($0)" })
            #expect(run.story.contains("step:success join"))
            run.expectSoundEnd()
        }
        let run = try TestRun(
            [.branch("risk", resolve: 1, cases: ["storm": [.step("warn", handler: 2)]])],
            callbacks: [1: { _ in .value(nil) }])
        try run.start(["wind": 3])
        try run.drive()
        #expect(run.story == ["workflow:start", "step:start risk", "step:success risk", "workflow:success"])
        #expect(run.value(run.machine.outcome) == ["wind": 3])
    }

    @Test func `a loop feeds each output to the next iteration`() throws {
        let run = try TestRun(
            [.loop("grow", condition: 1, body: [.step("double", handler: 2)])],
            callbacks: [
                1: { .value(Value(($0.int ?? 0) < 20)) }, 2: { .value(Value(($0.int ?? 0) * 2)) },
            ])
        try run.start(3)
        try run.drive()
        #expect(run.value(run.machine.outcome) == ["last_result": 24, "all_results": [6, 12, 24]])
        #expect(run.story.filter { $0.hasPrefix("step:start grow[") }.last == "step:start grow[3]/double")
        run.expectSoundEnd()
    }

    @Test func `a loop that never runs has no last result`() throws {
        let run = try TestRun(
            [.loop("grow", condition: 1, body: [.step("double", handler: 2)])], callbacks: [1: { _ in .value(false) }])
        try run.start(3)
        try run.drive()
        #expect(run.value(run.machine.outcome) == ["last_result": nil, "all_results": []])
    }

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

    @Test func `a failed attempt is tried again after its backoff`() throws {
        var calls = 0
        let run = try TestRun(
            [.step("a", handler: 1, retry: .init(maxAttempts: 3, initial: .milliseconds(100)))],
            callbacks: [
                1: { _ in
                    calls += 1
                    return calls < 3 ? .failure("not yet") : .value("done")
                }
            ])
        try run.start()
        try run.drive()
        #expect(run.machine.status == .waiting)
        let first = try #require(run.pending.first)
        #expect(first.kind == .wait && first.time == run.time + 100_000)
        try run.fireNext()
        #expect(run.pending.first.map { $0.time - run.time } == 200_000)
        try run.fireNext()
        #expect(
            run.story == [
                "workflow:start", "step:start a", "step:retry a", "step:start a", "step:retry a", "step:start a",
                "step:success a",
                "workflow:success",
            ])
        #expect(run.result.steps.first?.attempts == 3)
        run.expectSoundEnd()
    }

    @Test(
        arguments: [
            (2, 2_000_000), ("30s", 30_000_000), (0.05, 100_000), ("soon", 100_000), (-1, 100_000), (1e300, 100_000),
            ("999d", 86_400_000_000),
        ] as [(Value, Int64)])
    func `an attempt waits at least as long as the error asks`(asked: Value, wait: Int64) throws {
        let run = try TestRun(
            [.step("a", handler: 1, retry: .init(maxAttempts: 2, initial: .milliseconds(100)))],
            callbacks: [1: { .value($0) }])
        try run.start()
        let error = run.store(["code": "busy", "message": "busy", "retry_after": asked])
        let fact = try Fact.failed(
            frame: run.frame(at: "a"), serial: run.serial(at: "a"), error: error, retryable: true, chance: 0)
        run.pending.removeFirst()
        try run.decide(fact)
        #expect(run.pending.first.map { $0.time - run.time } == wait)
    }

    @Test func `an error that is not retryable is not tried again`() throws {
        let run = try TestRun(
            [.step("a", handler: 1, retry: .init(maxAttempts: 3))],
            callbacks: [1: { _ in .failure("no", retryable: false) }])
        try run.start()
        try run.drive()
        #expect(run.story == ["workflow:start", "step:start a", "step:error a", "workflow:error"])
    }

    @Test func `backoffs grow as they say and stay below their maximum`() {
        let constant = RetryPolicy(backoff: .constant, initial: 50_000)
        let linear = RetryPolicy(backoff: .linear, initial: 50_000)
        let exponential = RetryPolicy(backoff: .exponential, initial: 50_000, maximum: 300_000)
        #expect((1...4).map { constant.delay(after: $0, chance: 0) } == [50, 50, 50, 50])
        #expect((1...4).map { linear.delay(after: $0, chance: 0) } == [50, 100, 150, 200])
        #expect((1...4).map { exponential.delay(after: $0, chance: 0) } == [50, 100, 200, 300])
        let shaken = RetryPolicy(backoff: .constant, initial: 100_000, jitter: 0.5)
        #expect(shaken.delay(after: 1, chance: 0.999) < 51)
    }

    @Test func `a dynamic next may go back, within bounds`() throws {
        var jumps = 0
        let run = try TestRun(
            [.step("a", handler: 1), .step("b", handler: 1, next: .chosen(by: 2))],
            callbacks: [
                2: { _ in
                    jumps += 1
                    return .value(jumps <= 3 ? "a" : Value.null)
                }
            ])
        try run.start()
        try run.drive()
        #expect(run.result.snapshots(of: "a").map(\.occurrence) == [1, 2, 3, 4])
        run.expectSoundEnd()

        let endless = try TestRun(
            [.step("a", handler: 1, next: .chosen(by: 2))], callbacks: [2: { _ in .value("a") }])
        try endless.start()
        try endless.drive()
        #expect(endless.result.error?["code"] == "too_many_jumps")
    }

    @Test func `a signal that came before its wait is taken`() throws {
        let run = try TestRun([.step("a", handler: 1), .waitFor("paid", event: "payment"), .step("b", handler: 1)])
        try run.start()
        try run.signal("payment", ["amount": 5])
        try run.signal("other")
        try run.drive()
        #expect(run.value(run.machine.outcome) == ["amount": 5])
        run.expectSoundEnd()
    }

    @Test func `each signal is taken by one wait`() throws {
        let run = try TestRun([
            .parallel("two", branches: ["l": [.waitFor("x", event: "go")], "r": [.waitFor("y", event: "go")]])
        ])
        try run.start()
        try run.signal("go", 1)
        #expect(run.machine.status == .waiting)
        try run.signal("go", 2)
        #expect(run.value(run.machine.outcome) == ["l": 1, "r": 2])
        run.expectSoundEnd()
    }

    @Test func `signals of an event are taken in the order in which they came`() throws {
        let run = try TestRun([
            .waitFor("x", event: "go"), .waitFor("y", event: "stop"), .waitFor("z", event: "go"),
            .waitFor("last", event: "go"),
        ])
        try run.start()
        try run.signal("unknown", 0)
        try run.signal("stop", 1)
        try run.signal("go", 2)
        try run.signal("go", 3)
        try run.crash()
        try run.signal("go", 4)
        #expect(run.machine.status == .success)
        #expect(run.value(run.machine.outcome) == 4)
        #expect(run.machine.signals.count == 0)
        run.expectSoundEnd()
    }

    @Test func `many signals and many waits find each other`() throws {
        let run = try TestRun(
            [
                .foreach(
                    "all", items: 1, concurrency: 50,
                    body: [.waitFor("wait", event: "go"), .waitFor("other", event: "then")])
            ], callbacks: [1: { _ in .value(Value(array: (1...50).map { Value(Int64($0)) })) }])
        try run.start()
        try run.drive()
        for index in 1...50 {
            try run.signal("then", Value(Int64(index)))
            try run.signal("go")
        }
        #expect(run.machine.status == .success)
        run.expectSoundEnd()
    }

    @Test func `a signal without a payload gives null`() throws {
        let run = try TestRun([.waitFor("x", event: "go")])
        try run.start()
        try run.decide(.signalled(signal: run.store(["name": "go"])))
        #expect(run.machine.status == .success)
        #expect(run.value(run.machine.outcome).isNull)
        #expect(run.machine.signals.count == 0)
    }

    @Test func `a wait that takes too long fails`() throws {
        let run = try TestRun([.waitFor("paid", event: "payment", timeout: .seconds(10))])
        try run.start()
        try run.fireNext()
        #expect(run.result.error?["code"] == "timeout")
        run.expectSoundEnd()
    }

    @Test func `a person's default counts when the time is over`() throws {
        let run = try TestRun([.human("ask", timeout: .seconds(60), fallback: ["decision": "drop"])])
        try run.start()
        try run.drive()
        try run.fireNext()
        #expect(run.value(run.machine.outcome) == ["decision": "drop"])
        #expect(run.story.contains("step:human:completed ask"))
        run.expectSoundEnd()
    }

    @Test func `a delay ends when its time has come`() throws {
        let run = try TestRun([.delay("pause", .fixed(.seconds(2)))])
        try run.start(["n": 1])
        #expect(run.machine.status == .waiting)
        #expect(run.pending.first?.time == run.time + 2_000_000)
        try run.fireNext()
        #expect(run.value(run.machine.outcome) == ["n": 1])
    }

    @Test func `a run is cancelled only when its code has stopped`() throws {
        let run = try TestRun([.step("slow", handler: 1), .step("after", handler: 1)])
        try run.start()
        try run.cancel()
        #expect(!run.isOver)
        let stop = try #require(run.pending.first)
        #expect(stop.kind == .stop)
        try run.drive()
        #expect(run.story == ["workflow:start", "step:start slow", "step:cancelled slow", "workflow:cancelled"])
        #expect(run.events.last?.data == ["reason": "enough"])
        run.expectSoundEnd()
    }

    @Test func `an output that comes after the cancel only says that the code has left`() throws {
        let run = try TestRun([.step("slow", handler: 1)])
        try run.start()
        let frame = try run.frame(at: "slow")
        let serial = try run.serial(at: "slow")
        try run.cancel()
        try run.decide(.completed(frame: frame, serial: serial, output: run.store(1), next: Fact.usualNext))
        #expect(run.machine.status == .cancelled)
        #expect(run.story.last == "workflow:cancelled")
    }

    @Test func `a cancel during finalize ends the run as cancelled`() throws {
        for answers in [true, false] {
            let run = try TestRun([.step("a", handler: 1)], finalize: 2)
            try run.start()
            try run.carryOut(run.pending.removeFirst())
            let conclude = try #require(run.pending.first)
            #expect(conclude.kind == .conclude)
            try run.cancel()
            if answers {
                try run.decide(
                    .completed(frame: 0, serial: conclude.serial, output: run.store(1), next: Fact.usualNext))
                run.pending.removeAll { $0.kind == .stop }
            } else {
                try run.drive()
            }
            #expect(run.machine.status == .cancelled)
            run.expectSoundEnd()
        }
    }

    @Test func `a waiting run is cancelled at once`() throws {
        let run = try TestRun([.human("ask")])
        try run.start()
        try run.drive()
        try run.cancel()
        #expect(run.machine.status == .cancelled)
        #expect(run.story.suffix(2) == ["step:cancelled ask", "workflow:cancelled"])
        #expect(throws: Refusal.over) { try run.cancel() }
        run.expectSoundEnd()
    }

    @Test func `asking twice to cancel changes nothing`() throws {
        let run = try TestRun([.step("slow", handler: 1)])
        try run.start()
        try run.cancel("first")
        let count = run.log.count
        try run.cancel("second")
        #expect(run.log.count == count)
        try run.drive()
        #expect(run.events.last?.data == ["reason": "first"])
    }

    @Test func `each wait of several people has its own path`() throws {
        let run = try TestRun(
            [.foreach("each", items: 1, concurrency: 3, body: [.human("ask")])],
            callbacks: [1: { _ in .value([1, 2, 3]) }])
        try run.start()
        try run.drive()
        #expect(run.result.pending.map(\.path) == ["each[1]/ask", "each[2]/ask", "each[3]/ask"])
        try run.reply("b", at: "each[2]/ask")
        try run.reply("a", at: "each[1]/ask")
        #expect(run.machine.status == .waitingHuman)
        try run.reply("c", at: "each[3]/ask")
        #expect(run.value(run.machine.outcome) == ["a", "b", "c"])
        run.expectSoundEnd()
    }
}
