import FlatValue
import Platform
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

@Suite("Time")
struct TimeTests {
    @Test func `a delay of a month takes no time by a clock that jumps`() async throws {
        let clock = VirtualClock()
        let began = clock.now()
        let workflow = try Workflow(id: "month") { _ in [.delay("month", .fixed(.seconds(30 * 86_400)))] }
        try await withEngine(clock: clock) { engine in
            let record = try await engine.createRun(workflow).run()
            #expect(record.status == .success)
            #expect(clock.now() - began >= 30 * 86_400 * 1_000_000)
        }
    }

    /// Stands at a time that a host has chosen.
    private struct StandingClock: EngineClock {
        let time: Int64

        func now() -> Int64 { time }
        func skip(to deadline: Int64) -> Bool { false }
    }

    @Test(.timeLimit(.minutes(1)), arguments: [Int64.max, Int64.max - 1, 0, Int64.min])
    func `work is done at whatever time a clock shows`(_ time: Int64) async throws {
        let workflow = try Workflow(id: "late") { code in [.step("now", handler: code.inline { _, _ in 1 })] }
        try await withEngine(clock: StandingClock(time: time)) { engine in
            let record = try await engine.createRun(workflow).run()
            #expect(record.status == .success)
        }
    }

    @Test func `a clock that jumps stays where times can be added to it`() {
        let clock = VirtualClock(startingAt: .max)
        #expect(clock.now().addingReportingOverflow(3_155_760_000_000_000).overflow == false)
        #expect(!clock.skip(to: .max))
        clock.set(.min)
        #expect(clock.now().subtractingReportingOverflow(3_155_760_000_000_000).overflow == false)
        #expect(clock.skip(to: .max))
    }

    @Test func `a step is tried again after each backoff, as often as it may be, and its error stays`() async throws {
        let clock = VirtualClock()
        let began = clock.now()
        let attempts = Counter()
        let workflow = try Workflow(id: "retry") { code in
            [
                .step(
                    "flaky",
                    handler: code.inline { _, context in
                        #expect(attempts.increment() == context.attempt)
                        throw StepError(code: "flaky", message: "attempt \(context.attempt)")
                    },
                    retry: .init(maxAttempts: 4, backoff: "exponential", initial: .seconds(1), factor: 2))
            ]
        }
        try await withEngine(clock: clock) { engine in
            let run = engine.createRun(workflow)
            let record = try await run.run()
            #expect(attempts.value == 4)
            #expect(record.errorMessage?.contains("attempt 4") == true)
            #expect(clock.now() - began >= 7_000_000)
            #expect(await run.allEvents().filter { $0.type == "step:retry" }.count == 3)
        }
    }

    @Test func `an error that says so is not tried again`() async throws {
        let attempts = Counter()
        let workflow = try Workflow(id: "final") { code in
            [
                .step(
                    "refused",
                    handler: code.inline { _, _ in
                        attempts.increment()
                        throw StepError(code: "refused", message: "no", retryable: false)
                    }, retry: .init(maxAttempts: 5))
            ]
        }
        try await withEngine(clock: VirtualClock()) { engine in
            let record = try await engine.createRun(workflow).run()
            #expect(record.errorCode == "refused")
            #expect(attempts.value == 1)
        }
    }

    @Test func `a step whose time is over fails when its code has left, and may be tried again`() async throws {
        let left = Counter()
        let workflow = try Workflow(id: "timeout") { code in
            [
                .step(
                    "slow",
                    handler: code.async { _, context in
                        #expect(left.value == context.attempt - 1)
                        defer { left.increment() }
                        try await Task.sleep(for: .seconds(3600))
                        return .null
                    }, retry: .init(maxAttempts: 2, initial: .milliseconds(1)), timeout: .milliseconds(20))
            ]
        }
        try await withEngine { engine in
            let record = try await engine.createRun(workflow).run()
            #expect(left.value == 2)
            #expect(record.errorCode == "timeout")
            #expect(record.result().snapshots(of: "slow").first?.attempts == 2)
        }
    }

    @Test func `a signal that comes before its wait is kept for it`() async throws {
        let gate = Gate()
        let workflow = try Workflow(id: "signals") { code in
            [
                .step(
                    "held",
                    handler: code.async { input, _ in
                        await gate.passed()
                        return input
                    }),
                .waitFor("paid", event: "payment"),
            ]
        }
        try await withEngine { engine in
            let run = engine.createRun(workflow)
            try run.start()
            await run.reached("step:start", path: "held")
            try await run.signal("payment", payload: ["amount": 5])
            gate.open()
            let record = try await run.finished()
            #expect(record.output == ["amount": 5])
        }
    }

    @Test func `a wait for a signal that does not come ends with its timeout`() async throws {
        let workflow = try Workflow(id: "deaf") { _ in [.waitFor("paid", event: "payment", timeout: .seconds(60))] }
        try await withEngine(clock: VirtualClock()) { engine in
            let record = try await engine.createRun(workflow).finishedRun()
            #expect(record.status == .failed)
            #expect(record.errorCode == "timeout")
        }
    }
}

extension WorkflowRun {
    /// Starts the run and waits until it is over, though it may wait for somebody meanwhile.
    fileprivate func finishedRun() async throws -> RunRecord {
        try start()
        return try await finished()
    }
}
