import FlatValue
import Testing

@testable import WorkflowCore

/// Slot 1 passes its input on, 2 fails, 3 gives two items, 11 undoes.
@Suite struct `Undoing what was done` {
    private static var callbacks: [CallbackSlot: TestRun.Callback] {
        [
            1: { .value($0) }, 2: { _ in .failure("no") }, 3: { _ in .value([["n": 1], ["n": 2]]) },
            11: { _ in .value("undone") },
        ]
    }

    private func run(
        _ nodes: [NodeDefinition], onSuccess: UInt32? = nil, onFailure: UInt32? = nil, onCancel: UInt32? = nil,
        _ more: [CallbackSlot: TestRun.Callback] = [:]
    ) throws -> TestRun {
        let definition = WorkflowDefinition(
            id: "test", onSuccess: onSuccess, onFailure: onFailure, onCancel: onCancel, nodes: nodes)
        let run = TestRun(
            plan: try DefinitionReader.plan(from: definition.value),
            callbacks: Self.callbacks.merging(more) { $1 })
        try run.start(["n": 0])
        try run.drive()
        return run
    }

    private func undone(_ run: TestRun) -> [String] {
        run.events.filter { $0.type == "step:compensate:success" }.compactMap(\.path)
    }

    private func compensation(_ run: TestRun) -> Value? { run.result.error?["compensation"] }

    @Test func `a later failure undoes the completed steps, the last one first`() throws {
        var outputs: [Value] = []
        let run = try run(
            [
                .step("a", handler: 1, compensate: 11), .step("plain", handler: 1),
                .step("b", handler: 5, compensate: 11), .step("c", handler: 2, compensate: 11),
            ],
            [
                5: { _ in .value(["b": true]) },
                11: {
                    outputs.append($0)
                    return .value(.null)
                },
            ])
        #expect(
            run.story.suffix(7) == [
                "step:error c", "workflow:ending", "step:compensate:start b", "step:compensate:success b",
                "step:compensate:start a", "step:compensate:success a", "workflow:error",
            ])
        #expect(outputs == [["b": true], ["n": 0]])
        #expect(run.result.status == .failed)
        #expect(run.result.error?["message"] == "no")
        #expect(compensation(run) == ["undone": ["b", "a"], "failed": []])
        #expect(run.result.snapshots(of: "a").first?.compensation?.status == .success)
        #expect(run.result.snapshots(of: "plain").first?.compensation == nil)
        run.expectSoundEnd()
    }

    @Test func `a run without anything to undo ends as it always did`() throws {
        let failed = try run([.step("a", handler: 1), .step("b", handler: 2)])
        #expect(failed.story.suffix(2) == ["step:error b", "workflow:error"])
        #expect(compensation(failed) == nil)
        let succeeded = try run([.step("a", handler: 1, compensate: 11)])
        #expect(succeeded.story.suffix(2) == ["step:success a", "workflow:success"])
        #expect(succeeded.result.result == ["n": 0])
    }

    @Test func `an undoing is retried by the step's policy, and what fails for good is named`() throws {
        var attempts = 0
        let run = try run(
            [
                .step("a", handler: 1, compensate: 11),
                .step("b", handler: 1, retry: .init(maxAttempts: 2), compensate: 12),
                .step("c", handler: 1, retry: .init(maxAttempts: 3), compensate: 13), .step("d", handler: 2),
            ],
            [
                12: { _ in .failure("never") },
                13: { _ in
                    attempts += 1
                    return attempts < 3 ? .failure("not yet") : .value(.null)
                },
            ])
        #expect(run.result.status == .waiting)
        try run.fireNext()
        try run.crash()
        while !run.isOver { try run.fireNext() }
        #expect(attempts == 3)
        let failed = try #require(compensation(run)?["failed"]?.array)
        #expect(compensation(run)?["undone"] == ["c", "a"])
        #expect(failed.map { $0["path"] } == ["b"])
        #expect(failed.first?["error"]?["message"] == "never")
        #expect(run.result.snapshots(of: "c").first?.compensation?.attempts == 3)
        #expect(run.result.snapshots(of: "b").first?.compensation?.status == .failed)
        run.expectSoundEnd()
    }

    @Test func `steps in every construct are undone with the paths at which they ran`() throws {
        var turns = 0
        let inner = WorkflowDefinition(id: "inner", nodes: [.step("w", handler: 1, compensate: 11)])
        let run = try run(
            [
                .parallel(
                    "both",
                    branches: [
                        "l": [.step("x", handler: 1, compensate: 11)], "r": [.step("y", handler: 1, compensate: 11)],
                    ]),
                .foreach("each", items: 3, body: [.step("item", handler: 1, compensate: 11)]),
                .loop("again", condition: 4, body: [.step("turn", handler: 1, compensate: 11)]),
                .workflow(inner), .step("end", handler: 2),
            ],
            [
                4: { _ in
                    turns += 1
                    return .value(Value(turns < 3))
                }
            ])
        let paths = [
            "inner/w", "again[2]/turn", "again[1]/turn", "each[2]/item", "each[1]/item", "both[r]/y", "both[l]/x",
        ]
        #expect(undone(run) == paths)
        #expect(compensation(run)?["undone"] == Value(array: paths.map { Value($0) }))
        let events = run.events.filter { $0.path == "again[2]/turn" && $0.name.hasPrefix("step:compensate") }
        #expect(events.map(\.occurrence) == [2, 2])
        run.expectSoundEnd()
    }

    @Test func `a cancel undoes as well, and cannot be asked for again`() throws {
        let run = try run([.step("a", handler: 1, compensate: 11), .human("ask")])
        try run.cancel()
        let count = run.log.count
        try run.cancel("again")
        #expect(run.log.count == count)
        try run.drive()
        #expect(
            run.story.suffix(5) == [
                "step:cancelled ask", "workflow:ending", "step:compensate:start a", "step:compensate:success a",
                "workflow:cancelled",
            ])
        #expect(run.result.status == .cancelled)
        #expect(run.result.error?["reason"] == "enough")
        #expect(compensation(run)?["undone"] == ["a"])
        run.expectSoundEnd()
    }

    @Test func `completion handlers get what the run came to and do not change it`() throws {
        var told: [Value] = []
        let note: TestRun.Callback = {
            told.append($0)
            return .failure("the handler fails", retryable: false)
        }
        let good = try run([.step("a", handler: 1, compensate: 11)], onSuccess: 21, [21: note])
        #expect(
            good.story.suffix(4) == [
                "workflow:ending", "workflow:handler:start", "workflow:handler:error", "workflow:success",
            ])
        let bad = try run(
            [.step("a", handler: 1, compensate: 11), .step("b", handler: 2)], onSuccess: 21, onFailure: 22, [22: note])
        #expect(
            bad.story.suffix(6) == [
                "workflow:ending", "step:compensate:start a", "step:compensate:success a", "workflow:handler:start",
                "workflow:handler:error", "workflow:error",
            ])
        #expect(told.first == ["n": 0])
        #expect(good.result.result == ["n": 0])
        #expect(told.last?["message"] == "no")
        #expect(told.last?["compensation"]?["undone"] == ["a"])
        good.expectSoundEnd()
        bad.expectSoundEnd()
    }

    @Test func `a process that dies anywhere on the way undoes each step once`() throws {
        func make() throws -> TestRun {
            try run(
                [
                    .step("a", handler: 1, compensate: 11),
                    .foreach("each", items: 3, body: [.step("b", handler: 1, compensate: 11)]),
                    .step("c", handler: 2),
                ], onFailure: 11)
        }
        let whole = try make()
        let first = try #require((0..<whole.log.count).first { whole.log[$0].kind == .workflowStart })
        for count in (first + 1)..<whole.log.count {
            let again = TestRun(plan: whole.plan, callbacks: Self.callbacks)
            again.take(over: whole.log, upTo: count)
            try again.crash()
            try again.drive()
            #expect(undone(again) == ["each[2]/b", "each[1]/b", "a"], "after event \(count)")
            #expect(again.events.count { $0.type == "workflow:handler:success" } == 1, "after event \(count)")
            #expect(compensation(again) == compensation(whole))
            again.expectSoundEnd("after event \(count)")
        }
    }

    @Test func `what kills the process is given up, and the rest is undone`() throws {
        let run = try run([
            .step("a", handler: 1, compensate: 11), .step("b", handler: 1, compensate: 11), .human("ask"),
        ])
        try run.cancel()
        for _ in 0..<3 { try run.crash() }
        try run.drive()
        #expect(compensation(run)?["undone"] == ["a"])
        #expect(compensation(run)?["failed"]?.array?.first?["error"]?["code"] == "poisoned")
        run.expectSoundEnd()
    }

    @Test func `a run that is given up names what was not undone`() throws {
        let run = try run([.step("a", handler: 1, compensate: 11), .human("ask")])
        try run.cancel()
        try run.decide(.abandoned(error: run.store(["code": "run_too_large", "message": "full"])))
        #expect(run.result.status == .failed)
        let failed = try #require(compensation(run)?["failed"]?.array)
        #expect(failed.map { $0["path"] } == ["a"])
        #expect(failed.first?["error"]?["code"] == "not_tried")
    }

    @Test func `a timeout of the run does not count any more once its end is decided`() throws {
        let nodes: [NodeDefinition] = [
            .step("a", handler: 1, retry: .init(maxAttempts: 2, initial: .seconds(60)), compensate: 12),
            .step("b", handler: 2),
        ]
        let definition = WorkflowDefinition(id: "test", nodes: nodes)
        var attempts = 0
        let run = TestRun(
            plan: try DefinitionReader.plan(from: definition.value),
            callbacks: Self.callbacks.merging([
                12: { _ in
                    attempts += 1
                    return attempts < 2 ? .failure("not yet") : .value(.null)
                }
            ]) { $1 })
        let input = run.store(["n": 0])
        let limits = RunLimits.write(timeout: 1_000_000, startAt: 0, input: input, into: &run.log.arena)
        try run.decide(.started(input: input, metadata: .none, ctx: .none, limits: limits))
        try run.drive()
        // The earliest timer is that of the run's timeout.
        #expect(throws: Refusal.stale) { try run.fireNext() }
        try run.fireNext()
        #expect(run.result.status == .failed)
        #expect(compensation(run)?["undone"] == ["a"])
    }

    @Test func `a retry does again what was undone, and a fork takes nothing over that was undone`() throws {
        let run = try run([
            .step("first", handler: 1), .step("a", handler: 1, compensate: 11), .step("b", handler: 2),
        ])
        let fork = try ForkPlanner.fork(run.log, from: run.plan, to: run.plan, at: .failure)
        #expect(fork.path == "a")
        #expect(fork.steps == 1)
        #expect(throws: ForkError.self) {
            try ForkPlanner.fork(run.log, from: run.plan, to: run.plan, at: .before("b"))
        }
        let before = try ForkPlanner.fork(run.log, from: run.plan, to: run.plan, at: .before("a"))
        #expect(before.path == "a")
    }

    @Test func `a journal that undoes something else is refused`() throws {
        let run = try run([
            .step("a", handler: 1, compensate: 11), .step("b", handler: 1, compensate: 11), .step("c", handler: 2),
        ])
        func refusal(_ change: (inout [Event]) -> Void) -> JournalDamage? {
            var events = (0..<run.log.count).map { run.log[$0] }
            change(&events)
            return events.withUnsafeBytes { bytes in
                do throws(JournalDamage) {
                    _ = try JournalDecoder(plan: run.plan, events: bytes, arena: run.log.arena.bytes)
                    return nil
                } catch {
                    return error
                }
            }
        }
        #expect(refusal { _ in } == nil)
        let start = try #require((0..<run.log.count).first { run.log[$0].kind == .closingStart })
        #expect(refusal { $0[start].item = 0 } != nil)
        #expect(refusal { $0[start].item = 99 } != nil)
        #expect(refusal { $0[start].item = -1 } != nil)
        #expect(refusal { $0[start].frame = 7 } != nil)
        #expect(refusal { $0[start].frame = -7 } != nil)
        #expect(refusal { $0[start].node = 0 } != nil)
        #expect(refusal { $0[start].attempt = 0 } != nil)
        #expect(refusal { $0[start].attempt = 2 } != nil)
        #expect(refusal { $0.insert($0[start], at: start + 1) } != nil)
        #expect(refusal { $0.remove(at: start) } != nil)
        #expect(refusal { $0[start - 1].item = 4 } != nil)
        #expect(refusal { $0[start - 1].item = 900 } != nil)
        #expect(refusal { $0.insert($0[start - 1], at: start) } != nil)
        let opening = try #require((0..<run.log.count).first { run.log[$0].kind == .bodyOpened })
        #expect(refusal { $0.insert($0[opening], at: start) } != nil)
    }
}
