import FlatValue
import Testing

@testable import WorkflowCore

@Suite struct `Deciding on what comes from outside` {
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
