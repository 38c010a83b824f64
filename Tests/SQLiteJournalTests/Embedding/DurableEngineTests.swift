internal import FlatValue
internal import SQLiteJournal
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

@Suite("An engine that keeps its runs in a file")
struct DurableEngineTests {
    @Test func `a run that waits is taken up by the next engine, by one at a time`() async throws {
        let directory = try TemporaryDirectory()
        let workflow = try Workflow(id: "order") { code in
            [
                .step("reserve", handler: code.inline { _, _ in "reserved" }), .human("check"),
                .step("ship", handler: code.inline { answer, context in [answer, Value(context.idempotencyKey)] }),
            ]
        }
        let first = try SQLiteJournal(path: directory.store)
        let engine = WorkflowEngine(store: first, workers: 1)
        let record = try await engine.createRun(workflow, id: "o1").run()
        #expect(record.status == .waitingHuman)

        let second = try SQLiteJournal(path: directory.store)
        let other = WorkflowEngine(store: second, workers: 1)
        await #expect(throws: RunFailure.self) { try await other.takeUp("o1", of: [workflow]) }
        await engine.shutdown(closing: first)
        let run = try await other.takeUp("o1", of: [workflow])
        let end = try await run.resume(data: true)
        #expect(end.result().result == [true, "o1/ship#1"])
        await #expect(throws: RunFailure.self) { try await other.takeUp("o1", of: [workflow]) }
        await #expect(throws: RunFailure.self) { try await other.takeUp("none", of: [workflow]) }
        await other.shutdown(closing: second)
    }

    @Test func `timers that came due in between fire when the runs are recovered`() async throws {
        let directory = try TemporaryDirectory()
        let clock = VirtualClock()
        let began = clock.now()
        let workflow = try Workflow(id: "later") { code in
            [
                .human("ask", timeout: .seconds(86_400), fallback: "nobody"),
                .step("end", handler: code.inline { answer, _ in answer }),
            ]
        }
        let first = try SQLiteJournal(path: directory.store, clock: clock)
        // Its own clock stands still, so that the first engine does not see the time come.
        let engine = WorkflowEngine(store: first, workers: 1, clock: StandingClock(time: began))
        #expect(try await engine.createRun(workflow).run().status == .waitingHuman)
        await engine.shutdown(closing: first)

        let second = try SQLiteJournal(path: directory.store, clock: clock)
        let next = WorkflowEngine(store: second, workers: 1, clock: StandingClock(time: began + 86_400_000_001))
        let runs = try await next.recover([workflow])
        #expect(runs.count == 1)
        #expect(try await runs.first?.finished().result().result == "nobody")
        await next.shutdown(closing: second)
    }
}

/// A clock at which nothing ever comes due.
private struct StandingClock: EngineClock {
    var time: Int64

    func now() -> Int64 { time }
    func skip(to deadline: Int64) -> Bool { false }
}
