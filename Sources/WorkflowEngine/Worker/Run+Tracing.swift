package import FlatValue
internal import WorkflowCore

/// Says whether the spans of a run are sent that has any.
///
/// - Parameters:
///   - run: its id.
///   - traceparent: the trace that it was started in; nil for one of its own.
package typealias TraceSampling = @Sendable (_ run: String, _ traceparent: String?) -> Bool

extension Run {
    /// What the run was started with for its trace, `{ telemetry?, traceparent? }`; nil for nothing.
    private var startedTrace: Value? { machine.trace.isNone ? nil : Value(log.value(machine.trace)) }

    /// The trace that the run was started in; nil for one of its own.
    package var traceparent: String? {
        machine.trace.isNone ? nil : log.value(machine.trace)["traceparent"]?.string
    }

    /// Whether the workflow or whoever started the run refuses to have spans of it.
    package var isTraceOff: Bool { isTraceOff(startedWith: startedTrace) }

    private func isTraceOff(startedWith trace: Value?) -> Bool {
        plan.details[0].telemetry?.bool == false || trace?["telemetry"]?.bool == false
    }

    /// Whether the spans of the run are sent. Where nothing is sent it is what the caller says of its own trace.
    package var isTraceSampled: Bool { isTraceSampled(startedWith: startedTrace) }

    /// - Parameter trace: what the run is to be started with for its trace.
    package func isTraceSampled(startedWith trace: Value?) -> Bool {
        let parent = trace?["traceparent"]?.string
        if let sampling, !isTraceOff(startedWith: trace) { return sampling(id, parent) }
        return parent.flatMap { TraceParentText.parts(of: $0) }.map { $0.flags & 1 == 1 } ?? false
    }
}
