public import WorkflowEngine

extension WorkflowEngine {
    /// An engine that keeps its runs in memory, where a ``RunDirectory`` finds them as in a store; they end with the
    /// process.
    public static func inMemory(
        workers: Int = 2, clock: any EngineClock = SystemClock(),
        limits: EngineLimits = EngineLimits(), host: any HostGateway = NoHostOperations(),
        log: @escaping @Sendable (LogRecord) -> Void = { _ in }
    ) -> WorkflowEngine {
        WorkflowEngine(
            workers: workers, clock: clock, limits: limits, host: host, journal: MemoryJournal(clock: clock), log: log)
    }
}
