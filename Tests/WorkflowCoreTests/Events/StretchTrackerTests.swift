import FlatValue
import Testing

@testable import WorkflowCore

/// Where the stretches of a trace begin and end.
@Suite("Stretches of a trace") struct StretchTrackerTests {
    private static func plan(_ nodes: [NodeDefinition]) throws -> Plan {
        try DefinitionReader.plan(from: WorkflowDefinition(id: "orders", nodes: nodes).value)
    }

    /// In which later stretch the newest attempt of frame 1 goes on, where all steps of the plan run: at the start of each step, and
    /// at each return of the run.
    private func later(_ log: RunLog, _ plan: Plan) -> [Int?] {
        var tracker = StretchTracker(plan: plan)
        var seen: [Int?] = []
        for index in 0..<log.count {
            _ = tracker.follow(log[index], log)
            if log[index].kind == .stepStart || log[index].kind == .workflowResumed {
                seen.append(tracker.laterStretch(of: 1))
            }
        }
        return seen
    }

    @Test
    func `a step that was under way when its process died goes on in the next stretch, and the next step begins in it`()
        throws
    {
        let plan = try Self.plan([.step("a", handler: 1), .step("b", handler: 2)])
        var log = RunLog()
        defer { log.deallocate() }
        var machine = RunMachine(plan: plan)
        var time: Int64 = 1_700_000_000_000_000
        func decide(_ fact: Fact) throws {
            time += 1000
            try machine.decide(fact, at: time, log: &log)
        }
        try decide(.started(input: .none, metadata: .none, ctx: .none))
        for _ in 0..<2 { try decide(.recovered(cause: log.arena.writing { $0.write(["reason": "crash"] as Value) })) }
        let command = try #require(machine.outstandingCommands().first { $0.kind == .invoke })
        try decide(
            .completed(
                frame: command.frame, serial: command.serial, output: log.arena.writing { $0.write(Value(1)) },
                next: Fact.usualNext))
        #expect(later(log, plan) == [nil, 2, 3, nil])
    }
}
