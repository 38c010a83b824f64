internal import FlatValue
internal import WorkflowCore

/// What the engine lets the code of one run take, so that one script cannot keep a worker or the memory of all.
public struct EngineLimits: Sendable {
    /// CPU time of one callback that is no step handler: `resolve`, `condition`, `items`, `collect`, the functions of a schema.
    ///
    /// Zero for any.
    public var callbackTime: Duration
    /// CPU time of one attempt of a step without a `timeout` of its own; time in which it waits for the host does not count.
    ///
    /// Zero for any.
    public var handlerTime: Duration
    /// The bytes that a run may record: values, events, and what lies between. A run that would record more fails with the code
    /// `run_too_large`. At most 2 GiB; by default 1 GiB, and less where the process may not take much memory.
    public var runSize: Int

    public init(
        callbackTime: Duration = .seconds(5), handlerTime: Duration = .seconds(60), runSize: Int? = nil
    ) {
        self.callbackTime = callbackTime
        self.handlerTime = handlerTime
        self.runSize = min(max(runSize ?? MemoryAllowance.runSize, 1), 1 << 31)
    }
}

extension Duration {
    /// The duration in nanoseconds, between 0 and about 292 years.
    var clampedNanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? UInt64(Int64.max) : UInt64(clamping: whole) + UInt64(clamping: attoseconds / 1_000_000_000)
    }
}
