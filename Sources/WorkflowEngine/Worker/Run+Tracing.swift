package import FlatValue
internal import WorkflowCore

/// Says whether the spans of a run are sent that has any.
///
/// - Parameters:
///   - run: its id.
///   - traceparent: the trace that it was started in; nil for one of its own.
package typealias TraceSampling = @Sendable (_ run: String, _ traceparent: String?) -> Bool

extension Run {
    /// The trace that the run was started in; nil for one of its own.
    package var traceparent: String? { machine.traceparent(in: log) }

    /// Whether the workflow or whoever started the run refuses to have spans of it.
    package var isTraceOff: Bool { isRefused || isStartedWithoutTrace }

    /// Whether whoever started the run refuses to have spans of it.
    private var isStartedWithoutTrace: Bool {
        !machine.trace.given.isNone && log.value(machine.trace.given)["telemetry"]?.bool == false
    }

    /// What the runs that this one starts are started with for their traces: without spans where it has none, and in the trace of its
    /// caller; nil for nothing.
    var traceOfChildren: Value? {
        var entries: [(String, Value)] = isTraceOff ? [("telemetry", false)] : []
        if let traceparent { entries.append(("traceparent", Value(traceparent))) }
        return entries.isEmpty ? Value?.none : Value(entries: entries)
    }

    /// Whether the workflow refuses to have spans of its runs.
    private var isRefused: Bool { plan.details[0].telemetry?.bool == false }

    /// Whether the spans of the run are sent. Where nothing is sent it is what the caller says of its own trace.
    package var isTraceSampled: Bool { isSampled(in: traceparent, isOff: isTraceOff) }

    /// - Parameter trace: what the run is to be started with for its trace.
    package func isTraceSampled(startedWith trace: Value?) -> Bool {
        isSampled(
            in: trace?["traceparent"]?.string, isOff: isRefused || trace?["telemetry"]?.bool == false)
    }

    private func isSampled(in parent: String?, isOff: Bool) -> Bool {
        if let sampling, !isOff { return sampling(id, parent) }
        return parent.flatMap { TraceParentText.parts(of: $0) }.map { $0.flags & 1 == 1 } ?? false
    }
}
