import FlatValue
import Testing

@testable import WorkflowCore

@Suite struct `Recovering` {
    @Test func `outstanding commands are issued again`() throws {
        let run = try TestRun([
            .parallel(
                "all",
                branches: ["a": [.step("x", handler: 1)], "b": [.delay("y", .fixed(.seconds(5)))], "c": [.human("z")]])
        ])
        try run.start()
        try run.carryOut(
            try #require(run.pending.first { $0.kind == .invoke && run.machine.path(of: $0.frame) == "all[c]/z" }))
        run.pending.removeAll { run.machine.path(of: $0.frame) == "all[c]/z" }
        let before = Set(run.pending.map { "\($0.kind) \($0.frame) \($0.serial) \($0.time)" })
        try run.crash()
        #expect(Set(run.pending.map { "\($0.kind) \($0.frame) \($0.serial) \($0.time)" }) == before)
        #expect(run.story.last == "workflow:resumed")
        try run.drive()
        try run.fireNext()
        try run.reply(true)
        run.expectSoundEnd()
    }

    @Test func `a step that kills the process three times is poisoned`() throws {
        let run = try TestRun([.step("ok", handler: 1), .step("killer", handler: 1), .step("after", handler: 1)])
        try run.start()
        try run.carryOut(run.pending.removeFirst())
        try run.crash()
        try run.crash()
        #expect(!run.isOver)
        try run.crash()
        #expect(run.isOver)
        #expect(run.result.error?["code"] == "poisoned")
        #expect(run.result.error?["step"] == "killer")
        run.pending.removeAll { $0.kind != .finish }
        run.expectSoundEnd()
    }

    /// A machine cannot be copied, which `#expect` would do.
    private func expect(_ value: Bool, is expected: Bool, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(value == expected, sourceLocation: sourceLocation)
    }

    @Test func `deaths with other runs under way raise suspicion and poison nothing`() throws {
        let run = try TestRun([.step("slow", handler: 1), .step("after", handler: 1)])
        try run.start()
        try run.crash(inCompany: true)
        expect(run.machine.isSuspect, is: false)
        expect(run.machine.hasCrashed, is: true)
        for _ in 0..<300 { try run.crash(inCompany: true) }
        expect(run.machine.isSuspect, is: true)
        #expect(!run.isOver)
        try run.crash()
        try run.crash()
        #expect(!run.isOver)
        try run.drive()
        expect(run.machine.hasCrashed, is: false)
        run.expectSoundEnd()
    }

    @Test func `waiting for a person does not count as dying`() throws {
        let run = try TestRun([.human("ask")])
        try run.start()
        try run.drive()
        for _ in 0..<5 { try run.crash() }
        try run.reply(["ok": true])
        run.expectSoundEnd()
    }

    @Test func `a cancel that was asked before the crash still counts`() throws {
        let run = try TestRun([.step("slow", handler: 1), .step("after", handler: 1)])
        try run.start()
        try run.cancel()
        try run.crash()
        #expect(run.pending.map(\.kind) == [.stop])
        try run.drive()
        #expect(run.machine.status == .cancelled)
        run.expectSoundEnd()
    }

    @Test func `a retry waits for its time over a crash`() throws {
        let run = try TestRun(
            [.step("a", handler: 1, retry: .init(maxAttempts: 2, initial: .seconds(10)))],
            callbacks: [1: { _ in .failure("no") }])
        try run.start()
        try run.drive()
        let deadline = try #require(run.pending.first).time
        try run.crash()
        #expect(run.pending.map(\.time) == [deadline])
        try run.fireNext()
        #expect(run.machine.status == .failed)
        run.expectSoundEnd()
    }

    @Test func `metadata, ctx and the store come back`() throws {
        let run = try TestRun([.step("a", handler: 1), .human("ask")], metadata: ["team": "ops"])
        try run.start(ctx: ["n": 1])
        let frame = try run.frame(at: "a")
        try run.decide(.metadataSet(frame: frame, value: run.store(["team": "dev"])))
        try run.decide(.ctxSet(frame: frame, value: run.store(["n": 2])))
        try run.decide(.storeSet(frame: frame, entry: run.store(["key": "seen", "value": 3])))
        try run.decide(.storeSet(frame: frame, entry: run.store(["key": "gone", "value": 4])))
        try run.decide(.storeSet(frame: frame, entry: run.store(["key": "gone"])))
        try run.drive()
        try run.crash()
        #expect(run.value(run.machine.metadata) == ["team": "dev"])
        #expect(run.value(run.machine.ctx) == ["n": 2])
        #expect(run.machine.store.count == 1)
        #expect(run.result.metadata == ["team": "dev"])
        #expect(run.result.ctx == ["n": 2])
    }
}
