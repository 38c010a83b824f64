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
}
