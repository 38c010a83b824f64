import FlatValue
import Testing

@testable import WorkflowCore

@Suite struct `Random interleavings` {
    @Test(arguments: 0..<150 as Range<UInt64>)
    func `reach exactly one end`(seed: UInt64) throws {
        let random = try RandomRun(seed: seed)
        try random.finish()
        random.run.expectSoundEnd("with seed \(seed)")
    }

    @Test(arguments: 1000..<1200 as Range<UInt64>)
    func `start nothing after a cancel was asked`(seed: UInt64) throws {
        let random = try RandomRun(seed: seed, cancels: true)
        try random.finish()
        random.run.expectSoundEnd("with seed \(seed)")
        if !random.run.machine.cancelRequest.isNone, random.run.machine.ending == .workflowSuccess {
            Issue.record("a run that was asked to stop succeeded, seed \(seed)")
        }
    }

    @Test(arguments: 2000..<2150 as Range<UInt64>)
    func `survive crashes`(seed: UInt64) throws {
        let random = try RandomRun(seed: seed, cancels: true, crashes: true)
        try random.finish()
        random.run.expectSoundEnd("with seed \(seed)")
    }

    @Test(arguments: 3000..<3100 as Range<UInt64>)
    func `fail soundly where failures are many`(seed: UInt64) throws {
        let random = try RandomRun(seed: seed, cancels: true, failures: 30)
        try random.finish()
        random.run.expectSoundEnd("with seed \(seed)")
    }

    @Test(arguments: 4000..<4040 as Range<UInt64>)
    func `replay to the same state from the log alone`(seed: UInt64) throws {
        let random = try RandomRun(seed: seed, cancels: true)
        try random.finish()
        let run = random.run
        let isSame = TestRun.replay(run.plan, run.log, upTo: run.log.count) == run.machine
        #expect(isSame)
    }

    @Test(arguments: 5000..<5020 as Range<UInt64>)
    func `go on from every prefix of the log`(seed: UInt64) throws {
        let random = try RandomRun(seed: seed)
        try random.finish()
        let whole = random.run.log
        for count in 1..<max(2, min(whole.count, 60)) where !whole[count - 1].kind.isTerminal {
            // What stands before the start of the workflow is written together with it.
            guard (0..<count).contains(where: { whole[$0].kind == .workflowStart }) else { continue }
            let again = try RandomRun(seed: seed)
            again.run.take(over: whole, upTo: count)
            try again.run.crash()
            try again.finish()
            #expect(again.run.isOver, "seed \(seed), prefix \(count)")
            let isSame =
                again.run.machine == TestRun.replay(again.run.plan, again.run.log, upTo: again.run.log.count)
            #expect(isSame)
        }
        withExtendedLifetime(random) {}
    }
}
