import FlatValue
import Testing
import WorkflowCore
import WorkflowEngine

@testable import WorkflowTelemetry

/// Journals that are cut where a process died, and gone on with where another took the run up.
@Suite("Spans of runs whose process died") struct InterruptionTests {
    private static let workflow = { () -> Plan in
        let definition = WorkflowDefinition(
            id: "orders", nodes: [.step("load", handler: 1), .step("send", handler: 2), .step("end", handler: 3)])
        guard let plan = try? DefinitionReader.plan(from: definition.value) else { fatalError("no plan") }
        return plan
    }()

    /// A run that dies in `send`, is taken up 50 ms later, as often as is said, and ends.
    private func log(deaths: Int = 1, _ body: (RunLog, _ death: Int) throws -> Void) throws {
        var log = RunLog()
        defer { log.deallocate() }
        var machine = RunMachine(plan: Self.workflow)
        var time: Int64 = 1_700_000_000_000_000
        func decide(_ fact: Fact) throws {
            time += 1000
            try machine.decide(fact, at: time, log: &log)
        }
        func finish(_ output: Value) throws {
            let command = try #require(machine.outstandingCommands().first { $0.kind == .invoke })
            let slice = log.arena.writing { $0.write(output) }
            try decide(
                .completed(frame: command.frame, serial: command.serial, output: slice, next: Fact.usualNext))
        }
        try decide(.started(input: .none, metadata: .none, ctx: .none))
        try finish(1)
        let death = log.count
        for _ in 0..<deaths {
            time += 50_000
            try decide(.recovered(cause: log.arena.writing { $0.write(["reason": "crash"]) }))
        }
        try finish(2)
        try finish(3)
        try body(log, death)
    }

    private func prefix(of log: RunLog, _ count: Int) -> RunLog {
        var copy = RunLog()
        copy.append(
            events: UnsafeRawBufferPointer(
                rebasing: log.eventBytes(from: 0)[..<(count * MemoryLayout<Event>.stride)]), arena: log.arena.bytes)
        return copy
    }

    @Test func `what was under way ends with the process and begins again, in one trace`() throws {
        try log { log, _ in
            let all = SpanBuilder.spans(plan: Self.workflow, runID: "run-1", log: log)
            #expect(all.faults == [])
            #expect(
                all.lines == [
                    "- > run interrupted", "run > load ok", "run > send interrupted", "- > run ok", "run > send ok",
                    "run > end ok",
                ])
        }
    }

    @Test func `a step that died twice has a part in each stretch, with an id and a parent of its own`() throws {
        try log(deaths: 2) { log, _ in
            let all = SpanBuilder.spans(plan: Self.workflow, runID: "run-1", log: log)
            #expect(all.faults == [])
            let roots = all.filter { $0.shortName == "run" }
            let parts = all.filter { $0.shortName == "send" }
            try #require(roots.count == 3 && parts.count == 3)
            for (place, part) in parts.enumerated() {
                let stretch = place == 0 ? nil : place + 1
                #expect(
                    part.id == SpanID(run: "run-1", path: "send", attempt: 1, occurrence: 1, stretch: stretch))
                #expect(roots[place].id == SpanID(run: "run-1", path: "", attempt: 1, occurrence: place + 1))
                #expect(part.parent == roots[place].id)
                #expect(part.links.map(\.span) == (place == 0 ? [] : [parts[place - 1].id]))
            }
        }
    }

    @Test func `both processes together give the whole trace, and the same spans as the journal read later`() throws {
        try log { log, death in
            var seen = prefix(of: log, death)
            defer { seen.deallocate() }
            var first = SpanBuilder(plan: Self.workflow, runID: "run-1")
            let sentBefore = first.take(seen)
            #expect(sentBefore.lines == ["- > load ok"])
            var second = SpanBuilder(plan: Self.workflow, runID: "run-1")
            let sentAfter = second.take(log, past: RunPast(count: death))
            let whole = SpanBuilder.spans(plan: Self.workflow, runID: "run-1", log: log)
            var union = sentAfter
            for span in sentBefore where !union.contains(where: { $0.id == span.id }) { union.append(span) }
            #expect(union.faults == [])
            #expect(union.count == whole.count)
            for span in whole { #expect(union.contains(span), "\(span.name)") }
            // A span that both sent is the same span.
            for span in sentBefore { #expect(whole.contains(span)) }
        }
    }

    @Test func `a run that is followed entry by entry has the spans of one that is read later`() throws {
        try log { log, _ in
            var builder = SpanBuilder(plan: Self.workflow, runID: "run-1")
            var live: [Span] = []
            for count in 1...log.count {
                var seen = prefix(of: log, count)
                live += builder.take(seen)
                seen.deallocate()
            }
            #expect(live == SpanBuilder.spans(plan: Self.workflow, runID: "run-1", log: log))
        }
    }
}
