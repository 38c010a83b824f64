internal import Platform
internal import WorkflowCore

/// The engine's limits as a worker needs them.
struct WorkerLimits {
    /// What a callback that is no step handler may take.
    let callback: CallLimits
    /// What an attempt of a step without a timeout may take.
    let handler: CallLimits
    /// The bytes that a run may record.
    let runSize: Int

    init(_ limits: EngineLimits) {
        callback = CallLimits(cpu: limits.callbackTime.clampedNanoseconds)
        handler = CallLimits(cpu: limits.handlerTime.clampedNanoseconds)
        runSize = limits.runSize
    }
}

extension Worker {
    /// CPU time of one attempt of a step without a limit of its own, in nanoseconds; 0 for any.
    package var handlerTime: UInt64 { limits.handler.cpu }
    /// CPU time of a function that is no step's handler, in nanoseconds; 0 for any.
    package var callbackTime: UInt64 { limits.callback.cpu }

    /// What an attempt of a step that begins now may take.
    func attemptLimits(_ node: PlanNode) -> CallLimits {
        // A negative duration says that the script wants none.
        if node.duration < 0 { return .none }
        guard node.duration > 0 else { return limits.handler }
        let nanoseconds = UInt64(node.duration).multipliedReportingOverflow(by: 1000)
        let deadline = monotonicNanoseconds().addingReportingOverflow(nanoseconds.partialValue)
        return CallLimits(
            deadline: nanoseconds.overflow || deadline.overflow ? 0 : deadline.partialValue,
            until: elapsed.advanced(clampingBy: node.duration))
    }
}
