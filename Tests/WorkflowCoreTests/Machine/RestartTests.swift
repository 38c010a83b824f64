import FlatValue
import Testing

@testable import WorkflowCore

@Suite struct `Ending in favour of another run` {
    private func run(_ nodes: [NodeDefinition], onSuccess: UInt32? = nil) throws -> TestRun {
        let definition = WorkflowDefinition(id: "test", onSuccess: onSuccess, nodes: nodes)
        let run = TestRun(
            plan: try DefinitionReader.plan(from: definition.value),
            callbacks: [1: { .value($0) }, 2: { _ in .value([1, 2]) }, 11: { _ in .value("called") }])
        try run.start(["n": 0])
        return run
    }

    /// Drives a run until a step runs, and has it restart.
    private func restart(_ run: TestRun, _ step: String, as id: String = "r~2") throws {
        let node = try #require(run.plan.details.firstIndex { $0.id == step })
        while let index = run.pending.firstIndex(where: { $0.kind != .wait && $0.kind != .finish }) {
            let command = run.pending[index]
            if command.kind == .invoke, command.node == Int32(node) {
                return try ask(run, command.frame, id)
            }
            run.pending.remove(at: index)
            try run.carryOut(command)
        }
    }

    private func ask(_ run: TestRun, _ frame: Int32, _ id: String = "r~2") throws {
        try run.decide(.restartAsked(frame: frame, request: run.store(["input": ["n": 1], "run": Value(id)])))
    }

    @Test func `all that is under way stops, and the run succeeds once the other one has begun`() throws {
        let run = try run(
            [
                .step("before", handler: 1, compensate: 11),
                .parallel("both", branches: ["a": [.step("a", handler: 1)], "b": [.waitFor("b", event: "never")]]),
                .step("after", handler: 1),
            ], onSuccess: 11)
        try restart(run, "a")
        try run.drive()
        #expect(run.story.suffix(3) == ["step:cancelled both", "workflow:ending", "workflow:success"])
        #expect(!run.story.contains { $0.hasPrefix("step:compensate") || $0.hasPrefix("workflow:handler") })
        #expect(run.result.restartedAs == "r~2")
        #expect(run.machine.successor(from: run.log)?.input == ["n": 1])
        run.expectSoundEnd()
    }

    @Test func `a cancel before the end is decided wins, and a second restart is refused`() throws {
        let run = try run([.step("a", handler: 1)])
        try restart(run, "a")
        #expect(throws: Refusal.stale) { try ask(run, 1) }
        try run.decide(.cancelAsked(request: run.store(["reason": "enough"])))
        try run.drive()
        #expect(run.result.status == .cancelled)
        #expect(run.result.restartedAs == nil)
        run.expectSoundEnd()
    }

    @Test func `ids of a chain count on`() {
        #expect(RunChain.next(after: "a") == "a~2")
        #expect(RunChain.next(after: "a~2") == "a~3")
        #expect(RunChain.next(after: "a~b") == "a~b~2")
        #expect(RunChain.next(after: "~2") == "~2~2")
        #expect(RunChain.next(after: "a~1") == "a~1~2")
        #expect(RunChain.next(after: "a~02") == "a~02~2")
        #expect(RunChain.next(after: "a~99999999999999999999") == "a~99999999999999999999~2")
    }
}
