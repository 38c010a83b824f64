import FlatValue
import Testing

@testable import WorkflowCore

/// Slot 1 passes its input on, slot 2 fails, slot 5 gives two items.
private var callbacks: [CallbackSlot: TestRun.Callback] {
    [
        1: { .value($0) }, 2: { _ in .failure("no") }, 3: { _ in .value("a") },
        5: { _ in .value([["n": 1], ["n": 2]]) },
    ]
}

private func plan(_ nodes: [NodeDefinition]) throws -> Plan {
    try DefinitionReader.plan(from: WorkflowDefinition(id: "test", nodes: nodes).value)
}

/// A run that went as far as its callbacks let it.
private func recorded(_ nodes: [NodeDefinition], _ more: [CallbackSlot: TestRun.Callback] = [:]) throws -> TestRun {
    let run = try TestRun(nodes, callbacks: callbacks.merging(more) { $1 })
    try run.start(["n": 0])
    try run.drive()
    return run
}

/// Starts what a fork gives, as the engine does, and runs it to its end.
private func resumed(
    _ fork: Fork, of run: TestRun, on plan: Plan, input: Value? = nil, _ more: [CallbackSlot: TestRun.Callback] = [:]
) throws -> TestRun {
    let next = TestRun(plan: plan, callbacks: callbacks.merging(more) { $1 })
    fork.events.withUnsafeBytes { events in
        next.begin(events, UnsafeRawBufferPointer(rebasing: run.log.arena.bytes[..<fork.arena]))
    }
    let given = input.map { next.store($0) } ?? .none
    try next.decide(.forked(cause: next.store(["reason": "forked"]), frame: fork.frame, input: given))
    try next.drive()
    return next
}

private func starts(_ run: TestRun, after count: Int) -> [String] {
    run.events.filter { $0.sequence > count && $0.type == "step:start" }.compactMap(\.path)
}

@Suite struct ForkTests {
    @Test func `a fork takes what was recorded before the first start of its step`() throws {
        let run = try recorded([.step("a", handler: 1), .step("b", handler: 1), .step("c", handler: 1)])
        let fork = try ForkPlanner.fork(run.log, from: run.plan, to: run.plan, at: .before("b"))
        #expect(fork.steps == 1)
        let next = try resumed(fork, of: run, on: run.plan)
        #expect(starts(next, after: fork.events.count) == ["b", "c"])
        #expect(next.result.status == .success)
        #expect(next.result.steps.map(\.path) == ["a", "b", "c"])
    }

    @Test func `another input takes the place of the recorded one`() throws {
        let run = try recorded([.step("a", handler: 1), .step("b", handler: 1)])
        let fork = try ForkPlanner.fork(run.log, from: run.plan, to: run.plan, at: .before("b"))
        let next = try resumed(fork, of: run, on: run.plan, input: ["n": 7])
        #expect(next.result.result == ["n": 7])
        #expect(next.result.snapshots(of: "b")[0].input == ["n": 7])
    }

    @Test(arguments: ["each[2]/inner", "both[right]/last", "way/in", "loop[2]/again"])
    func `a fork begins at any depth, and the run ends as the first one did`(path: String) throws {
        let nodes: [NodeDefinition] = [
            .foreach("each", items: 5, body: [.step("first", handler: 1), .step("inner", handler: 1)]),
            .parallel("both", branches: ["left": [.step("one", handler: 1)], "right": [.step("last", handler: 1)]]),
            .branch("way", resolve: 3, cases: ["a": [.step("in", handler: 1)], "b": [.step("out", handler: 1)]]),
            .loop("loop", condition: 4, body: [.step("again", handler: 1)]),
        ]
        final class Count { var turns = 0 }
        func condition() -> [CallbackSlot: TestRun.Callback] {
            let count = Count()
            return [
                4: { _ in
                    count.turns += 1
                    return .value(Value(count.turns < 3))
                }
            ]
        }
        let run = try recorded(nodes, condition())
        #expect(run.result.status == .success)
        let fork = try ForkPlanner.fork(run.log, from: run.plan, to: run.plan, at: .before(path))
        let left: [CallbackSlot: TestRun.Callback] = path.hasPrefix("loop") ? [4: { _ in .value(false) }] : condition()
        let next = try resumed(fork, of: run, on: run.plan, left)
        // The branches of a parallel begin together, so both are taken anew.
        #expect(starts(next, after: fork.events.count).prefix(2).contains(path))
        #expect(next.result.result == run.result.result)
        next.expectSoundEnd()
    }

    @Test func `a path that the run never came to is named, with what is near`() throws {
        let run = try recorded([.step("first", handler: 1), .step("second", handler: 2), .step("third", handler: 1)])
        func message(_ path: String) -> String? {
            do throws(ForkError) {
                _ = try ForkPlanner.fork(run.log, from: run.plan, to: run.plan, at: .before(path))
                return nil
            } catch {
                return error.message
            }
        }
        #expect(message("secnd") == "the run has no step at 'secnd'; did you mean 'second'?")
        #expect(message("third") == "the run never came to 'third'")
    }

    @Test func `a retry keeps what the siblings of the failed step had done`() throws {
        let nodes: [NodeDefinition] = [
            .parallel(
                "both",
                branches: [
                    "good": [.step("fine", handler: 1), .step("more", handler: 1)], "bad": [.step("poor", handler: 2)],
                ],
                waitsForAll: true),
            .step("end", handler: 1),
        ]
        let run = try recorded(nodes)
        #expect(run.result.status == .failed)
        let fork = try ForkPlanner.fork(run.log, from: run.plan, to: run.plan, at: .failure)
        #expect(fork.path == "both[bad]/poor")
        let next = try resumed(fork, of: run, on: run.plan, [2: { .value($0) }])
        #expect(starts(next, after: fork.events.count) == ["both[bad]/poor", "end"])
        #expect(next.result.status == .success)
        #expect(next.result.snapshots(of: "poor").count == 1)
        next.expectSoundEnd()
    }

    @Test func `a retry gives the failed step all of its attempts again`() throws {
        let nodes: [NodeDefinition] = [
            .step("a", handler: 1), .step("b", handler: 2, retry: .init(maxAttempts: 2, initial: .milliseconds(1))),
        ]
        let run = try recorded(nodes)
        try run.fireNext()
        #expect(run.result.status == .failed)
        let fork = try ForkPlanner.fork(run.log, from: run.plan, to: run.plan, at: .failure)
        let next = try resumed(fork, of: run, on: run.plan)
        #expect(next.result.status == .waiting)
        try next.fireNext()
        #expect(next.result.status == .failed)
        #expect(next.result.snapshots(of: "b").map(\.attempts) == [2])
    }

    @Test func `a cancelled run goes on where it was stopped`() throws {
        let run = try recorded([.step("a", handler: 1), .human("ask"), .step("b", handler: 1)])
        try run.cancel()
        try run.drive()
        #expect(run.result.status == .cancelled)
        let fork = try ForkPlanner.fork(run.log, from: run.plan, to: run.plan, at: .failure)
        let next = try resumed(fork, of: run, on: run.plan)
        #expect(next.result.status == .waitingHuman)
        try next.reply(["ok": true])
        try next.drive()
        #expect(next.result.result == ["ok": true])
    }

    @Test func `a run that did not fail is not retried`() throws {
        for nodes: [NodeDefinition] in [[.step("a", handler: 1)], [.human("ask")]] {
            let run = try recorded(nodes)
            #expect(throws: ForkError.self) {
                try ForkPlanner.fork(run.log, from: run.plan, to: run.plan, at: .failure)
            }
        }
    }

    // MARK: Another definition

    @Test func `a fork onto other code finds its nodes by id where their numbers have changed`() throws {
        let run = try recorded([
            .branch("way", resolve: 3, cases: ["a": [.step("in", handler: 1)], "b": [.step("out", handler: 1)]]),
            .step("b", handler: 1),
        ])
        let other = try plan([
            .branch(
                "way", resolve: 3,
                cases: ["0": [.step("new", handler: 1)], "a": [.step("in", handler: 1), .step("then", handler: 1)]]),
            .step("x", handler: 1), .step("b", handler: 1),
        ])
        let fork = try ForkPlanner.fork(run.log, from: run.plan, to: other, at: .before("way/then"))
        let next = try resumed(fork, of: run, on: other)
        #expect(starts(next, after: fork.events.count) == ["way/then", "x", "b"])
        #expect(next.result.status == .success)
    }

    @Test func `what does not fit before the fork is refused, with the reason`() throws {
        let run = try recorded([.step("a", handler: 1), .step("b", handler: 1), .step("c", handler: 1)])
        func refusal(_ nodes: [NodeDefinition]) throws -> String? {
            do throws(ForkError) {
                _ = try ForkPlanner.fork(run.log, from: run.plan, to: try! plan(nodes), at: .before("c"))
                return nil
            } catch {
                return error.message
            }
        }
        let c = NodeDefinition.step("c", handler: 1)
        #expect(try refusal([.step("a", handler: 1), .step("b", handler: 1), c]) == nil)
        #expect(try refusal([.step("a", handler: 1), c]) == nil, "what ran before c and is gone is not taken over")
        let renamed: [NodeDefinition] = [.step("a", handler: 1), .step("B", handler: 1), c]
        #expect(
            try refusal(renamed)
                == "'b' is not in the new definition; fork from there, or from a step before it")
        #expect(
            try refusal([.step("a", handler: 1), .human("b"), c])?.contains("was a step and is a human now") == true)
        #expect(
            try refusal([.step("a", handler: 1), .step("x", handler: 1), .step("b", handler: 1), c])?
                .hasPrefix("'b' ran, but 'x' comes before it now") == true)
        #expect(
            try refusal([.step("a", handler: 1, outputSchema: ["type": "string"]), .step("b", handler: 1), c])?
                .hasPrefix("'a' the recorded output does not fit output_schema") == true)
    }

    @Test func `the first step whose code has changed is found`() throws {
        let nodes: [NodeDefinition] = [.step("a", handler: 1), .step("b", handler: 1), .step("c", handler: 1)]
        let run = try recorded(nodes)
        #expect(throws: ForkError(code: .unchanged, message: "no step that the run came to has changed")) {
            try ForkPlanner.fork(run.log, from: run.plan, to: run.plan, at: .change)
        }
        let inserted = try plan([nodes[0], .step("new", handler: 1), nodes[1], nodes[2]])
        #expect(try ForkPlanner.fork(run.log, from: run.plan, to: inserted, at: .change).path == "new")
        let removed = try plan([nodes[0], nodes[2]])
        #expect(try ForkPlanner.fork(run.log, from: run.plan, to: removed, at: .change).path == "c")
    }

    @Test(arguments: 0..<60 as Range<UInt64>)
    func `every step of a random run can be forked from`(seed: UInt64) throws {
        let random = try RandomRun(seed: seed)
        try random.finish()
        let run = random.run
        let undone = run.result.steps.indices.filter { run.result.steps[$0].compensation?.status == .success }.min()
        for path in Set(run.result.steps.map(\.path)).sorted().prefix(8) {
            // What began after a step that was undone may lie behind its completion.
            let first = run.result.steps.firstIndex { $0.path == path } ?? 0
            if let undone, first > undone {
                _ = try? ForkPlanner.fork(run.log, from: run.plan, to: run.plan, at: .before(path))
                continue
            }
            let fork = try ForkPlanner.fork(run.log, from: run.plan, to: run.plan, at: .before(path))
            let machine = TestRun.replay(run.plan, run.log, upTo: fork.events.count)
            #expect((0..<fork.events.count).allSatisfy { fork.events[$0] == run.log[$0] })
            let phase = machine.frames[Int(fork.frame)].phase
            #expect(phase == .ready)
        }
    }
}
