import FlatValue
import Synchronization
import Testing
import WorkflowCore
import WorkflowEngine

@testable import WorkflowTelemetry

/// The spans of a workflow that runs in an engine of its own until it is over, or waits and has no answer left.
///
/// - Parameter answers: what each person says, in order.
func spans(
    telemetry: Value? = ["record_inputs": true], id: String = "run-1", input: Value = [:], answers: [Value] = [],
    clock: any EngineClock = TickingClock(), _ body: (inout StepHandlers) -> [NodeDefinition]
) async throws -> [Span] {
    SpanBuilder.spans(
        of: try await record(id: id, telemetry: telemetry, input: input, answers: answers, clock: clock, body))
}

/// The record of such a run.
func record(
    id: String = "run-1", telemetry: Value? = nil, input: Value = [:], answers: [Value] = [],
    clock: any EngineClock = TickingClock(), _ body: (inout StepHandlers) -> [NodeDefinition]
) async throws -> RunRecord {
    let engine = WorkflowEngine(workers: 1, clock: clock)
    defer { engine.shutdown() }
    let run = engine.createRun(try Workflow(id: "orders", body), id: id)
    try run.start(input: input, metadata: nil, ctx: nil, trace: telemetry.map { ["telemetry": $0] })
    var record = try await run.settled()
    for answer in answers {
        record = try await run.resume(step: record.result().pendingHuman?.path, data: answer)
    }
    return record
}

/// A clock that goes on by a millisecond at each look, so that no two moments are the same, and jumps over waits.
final class TickingClock: EngineClock {
    private let time = Mutex<Int64>(1_700_000_000_000_000)

    func now() -> Int64 {
        time.withLock { time in
            time += 1000
            return time
        }
    }

    func skip(to deadline: Int64) -> Bool {
        time.withLock { $0 = max($0, deadline) }
        return true
    }
}

extension [Span] {
    /// Each span as `parent > name [status]`, in the order of their starts.
    var lines: [String] {
        sorted { ($0.start, depth($0), $0.shortName) < ($1.start, depth($1), $1.shortName) }.map { span in
            let parent = first { $0.id == span.parent }?.shortName ?? "-"
            return "\(parent) > \(span.shortName)\(span.statusText)"
        }
    }

    private func depth(_ span: Span) -> Int { first { $0.id == span.parent }.map { depth($0) + 1 } ?? 0 }

    func named(_ name: String) -> Span? { first { $0.shortName == name } }

    /// What is wrong with the spans as a trace: parents that are missing, children outside of their parent, ids given twice.
    var faults: [String] {
        var faults: [String] = []
        for span in self {
            if filter({ $0.id == span.id }).count > 1 { faults.append("\(span.name): its id is given twice") }
            if span.end < span.start { faults.append("\(span.name) ends before it starts") }
            guard let id = span.parent else { continue }
            guard let parent = first(where: { $0.id == id }) else {
                faults.append("\(span.name): its parent is missing")
                continue
            }
            if span.start < parent.start || span.end > parent.end {
                faults.append("\(span.name) is not within \(parent.name)")
            }
        }
        return faults
    }
}

extension Span {
    /// The step's path and attempt, or `run`.
    var shortName: String {
        guard case .string(let path)? = attributes[Names.stepPath] else { return "run" }
        guard case .int(let attempt)? = attributes[Names.stepAttempt], attempt > 1 else { return path }
        return "\(path)#\(attempt)"
    }

    var statusText: String {
        let kinds = events.map(\.name).filter { $0.hasPrefix("workflow.") && $0 != Names.retry }
        let marks = kinds.map { " " + $0.dropFirst("workflow.".count) }.joined()
        switch status {
        case .unset: return marks
        case .ok: return " ok" + marks
        case .error: return " error" + marks
        }
    }

    func text(_ key: String) -> String? {
        if case .string(let text)? = attributes[key] { text } else { nil }
    }
}
