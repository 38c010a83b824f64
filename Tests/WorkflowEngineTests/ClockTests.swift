import FlatValue
import MemoryJournal
import Platform
internal import Synchronization
internal import Testing
internal import WorkflowCore

@testable import WorkflowEngine

/// A clock whose time of the day can be set while the time that passes goes on.
private final class SettableClock: EngineClock {
    private let offset = Atomic<Int64>(0)

    func now() -> Int64 { SystemClock().now() + offset.load(ordering: .relaxed) }
    func elapsed() -> Int64 { SystemClock().elapsed() }
    func skip(to deadline: Int64) -> Bool { false }

    func step(_ microseconds: Int64) { offset.wrappingAdd(microseconds, ordering: .relaxed) }
}

/// A journal during whose first write of a wait the clock is set.
private final class SettingJournal: RunJournal, ForwardingStore {
    let inner = MemoryJournal()
    private let clock: SettableClock
    private let step: Int64
    private let done = Atomic<Bool>(false)

    init(_ clock: SettableClock, by step: Int64) { (self.clock, self.step) = (clock, step) }

    var hasSet: Bool { done.load(ordering: .relaxed) }

    func submit(_ batch: JournalBatch, answer: @escaping @Sendable (JournalBatch, [JournalOutcome]) -> Void) {
        if batch.entries.contains(where: { $0.wakeAt != 0 }), !done.exchange(true, ordering: .relaxed) {
            clock.step(step)
        }
        inner.submit(batch, answer: answer)
    }
}

@Suite("Clocks that are set, and times that are true")
struct ClockTests {
    private static let hour: Int64 = 3_600_000_000

    @Test(arguments: [-hour, hour], [false, true])
    func `a wait ends on time when the clock is set meanwhile`(step: Int64, isRetry: Bool) async throws {
        let clock = SettableClock()
        let attempts = Counter()
        let workflow = try Workflow(id: "waits") { code in
            if isRetry {
                [
                    .step(
                        "again",
                        handler: code.inline { _, _ in
                            if attempts.increment() == 1 { throw StepError(message: "once") }
                            return 1
                        }, retry: .init(maxAttempts: 2, backoff: "constant", initial: .milliseconds(200)))
                ]
            } else {
                [.delay("short", .fixed(.milliseconds(200)))]
            }
        }
        try await withEngine(clock: clock) { engine in
            let start = ContinuousClock.now
            let run = engine.createRun(workflow)
            try run.start()
            await run.reached(isRetry ? "step:retry" : "step:waiting")
            clock.step(step)
            // A turn of the worker sees the clock.
            engine.workers[0].perform { _ in }
            let record = try await run.finished()
            let took = start.duration(to: .now)
            #expect(record.status == .success)
            #expect(took >= .milliseconds(195) && took < .seconds(60), "\(took)")
        }
    }

    @Test(arguments: [false, true])
    func `a wait ends on time when the clock is set back before it is durable`(isRetry: Bool) async throws {
        let clock = SettableClock()
        let journal = SettingJournal(clock, by: -Self.hour)
        let attempts = Counter()
        let workflow = try Workflow(id: "waits") { code in
            if isRetry {
                let handler = code.inline { _, _ in
                    if attempts.increment() == 1 { throw StepError(message: "once") }
                    return 1
                }
                return [
                    .step(
                        "again", handler: handler,
                        retry: .init(maxAttempts: 2, backoff: "constant", initial: .milliseconds(200)))
                ]
            }
            return [.delay("short", .fixed(.milliseconds(200)))]
        }
        let engine = WorkflowEngine(workers: 1, clock: clock, host: NoHostOperations(), journal: journal)
        defer { engine.shutdown() }
        let run = engine.createRun(workflow)
        let patience = Task {
            try await Task.sleep(for: .seconds(30))
            run.cancel()
        }
        #expect(try await run.run().status == .success)
        #expect(journal.hasSet)
        patience.cancel()
    }

    @Test func `a wait of hours ends when the time of the day has come`() async throws {
        let clock = SettableClock()
        let workflow = try Workflow(id: "long") { _ in [.delay("long", .fixed(.seconds(7200)))] }
        try await withEngine(clock: clock) { engine in
            let run = engine.createRun(workflow)
            try run.start()
            await run.reached("step:waiting")
            clock.step(2 * Self.hour)
            engine.workers[0].perform { _ in }
            #expect(try await run.finished().status == .success)
        }
    }

    @Test func `the time of a step that computes is recorded`() async throws {
        let workflow = try Workflow(id: "busy") { code in
            let burn = code.inline { _, _ in
                let end = ContinuousClock.now + .milliseconds(60)
                while ContinuousClock.now < end {}
                return 1
            }
            return [.step("a", handler: burn), .step("b", handler: burn)]
        }
        try await withEngine { engine in
            let result = try await engine.createRun(workflow).run().result()
            for id in ["a", "b"] {
                let snapshot = try #require(result.snapshots(of: id).first)
                let took = (snapshot.finishedAt ?? 0) - snapshot.startedAt
                #expect(took >= 59 && took < 1000, "\(id): \(took)")
            }
        }
    }

    @Test func `a clock that jumps waits for the workers that compute`() async throws {
        let clock = VirtualClock()
        let gate = Gate()
        let seen = Mutex<Int64>(0)
        let busy = try Workflow(id: "busy") { code in
            [
                .step(
                    "compute",
                    handler: code.inline { _, _ in
                        let before = clock.now()
                        gate.open()
                        let end = ContinuousClock.now + .milliseconds(100)
                        while ContinuousClock.now < end {}
                        seen.withLock { $0 = clock.now() - before }
                        return .null
                    })
            ]
        }
        let month = try Workflow(id: "month") { _ in [.delay("month", .fixed(.seconds(30 * 86_400)))] }
        try await withEngine(workers: 2, clock: clock) { engine in
            let computing = engine.createRun(busy)
            try computing.start()
            await gate.passed()
            let waiting = engine.createRun(month)
            #expect(waiting.worker !== computing.worker)
            #expect(try await waiting.run().status == .success)
            #expect(try await computing.finished().status == .success)
            #expect(seen.withLock { $0 } == 0)
        }
    }

    @Test(arguments: [Duration.seconds(3_155_760_000), .seconds(9e18)])
    func `a wait of a century or more does not end the process`(length: Duration) async throws {
        guard let workflow = try? Workflow(id: "far", { _ in [.delay("far", .fixed(length))] }) else { return }
        try await withEngine { engine in
            let run = engine.createRun(workflow)
            try run.start()
            await run.reached("step:waiting")
            run.cancel()
            #expect(try await run.finished().status == .cancelled)
        }
    }
}
