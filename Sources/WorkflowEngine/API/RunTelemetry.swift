public import FlatValue
internal import Synchronization
internal import WorkflowCore

/// What the trace of one run is to be, besides what its workflow says.
package struct RunTelemetry: Sendable {
    /// As the run's journal keeps it: `{ telemetry?, traceparent? }`.
    package let trace: Value

    /// - Throws: ``RunFailure`` with `invalid_telemetry`, which names the field that is wrong.
    package init(_ telemetry: Value?, traceparent: String?) throws(RunFailure) {
        var entries: [(String, Value)] = []
        if let telemetry {
            switch TelemetryFields.read(ofRun: telemetry) {
            case .success(let settings): entries.append(("telemetry", settings))
            case .failure(let fault):
                throw RunFailure(code: RunFailure.Code.invalidTelemetry, message: "telemetry \(fault.message)")
            }
        }
        if let traceparent {
            guard TraceParentText.parts(of: traceparent) != nil else {
                throw RunFailure(
                    code: RunFailure.Code.invalidTelemetry,
                    message: "traceparent takes W3C's header, such as 00-<32 digits>-<16 digits>-01")
            }
            entries.append(("traceparent", Value(traceparent)))
        }
        trace = Value(entries: entries)
    }
}

extension WorkflowEngine {
    /// Makes a run of a workflow with a trace of its own kind; nothing happens before it is started.
    ///
    /// ```swift
    /// let run = try engine.createRun(workflow, telemetry: ["user_id": "ada", "metadata": ["shop": 7]])
    /// ```
    ///
    /// - Parameters:
    ///   - id: the run's id; nil makes one.
    ///   - telemetry: a boolean, or an object with the fields that `telemetry` of a workflow has, also in camelCase. `false` leaves no
    ///     spans. Its metadata is merged over the workflow's by key; of any other field it counts before the workflow's.
    ///   - traceparent: the span of the caller, as W3C's header, in whose trace the run lies; nil for a trace of its own.
    /// - Throws: ``RunFailure`` with the code `invalid_telemetry`, whose message names the field that is wrong.
    public func createRun(
        _ definition: Workflow, id: String? = nil, telemetry: Value, traceparent: String? = nil
    ) throws(RunFailure) -> WorkflowRun {
        try createRun(definition, id: id).traced(telemetry, traceparent: traceparent)
    }
}

extension WorkflowRun {
    /// The same run, with a trace as ``WorkflowEngine/createRun(_:id:telemetry:traceparent:)`` has it.
    ///
    /// - Throws: ``RunFailure`` with `invalid_telemetry`, or `already_started` for a run that has been started.
    @discardableResult
    public func traced(_ telemetry: Value? = nil, traceparent: String? = nil) throws(RunFailure) -> WorkflowRun {
        let trace = try RunTelemetry(telemetry, traceparent: traceparent).trace
        let isFresh = state.withLock { state in
            state.trace = trace
            return state.phase == .created
        }
        if !isFresh { throw .alreadyStarted(id) }
        return self
    }
}

extension RunFailure {
    static func alreadyStarted(_ run: String) -> RunFailure {
        RunFailure(code: RunFailure.Code.alreadyStarted, message: "run \(run) has been started already")
    }
}
