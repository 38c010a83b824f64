import FlatValue
import Testing

@testable import WorkflowCore

@Suite struct `Deciding on a cancel` {
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
}
