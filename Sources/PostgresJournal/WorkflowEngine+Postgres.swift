public import WorkflowEngine

extension WorkflowEngine {
    /// An engine that keeps its runs in a database, so that they outlive the process and its machine.
    ///
    /// ```swift
    /// let store = try PostgresJournal("postgresql://app@db.example/runs")
    /// let engine = WorkflowEngine(store: store)
    /// let runs = try await engine.recover([order])
    /// ```
    ///
    /// - Parameters:
    ///   - store: closed by the caller, after ``WorkflowEngine/shutdown()``.
    ///   - workers: how many threads run steps; at least 1.
    ///   - clock: the time that timers, timeouts and events go by.
    ///   - limits: what the code of a run may take.
    ///   - host: answers what scripts ask of the world outside; nothing unless given.
    ///   - log: gets what handlers log; called on the workers' threads.
    public convenience init(
        store: PostgresJournal, workers: Int = 2, clock: any EngineClock = SystemClock(),
        limits: EngineLimits = EngineLimits(), host: any HostGateway = NoHostOperations(),
        log: @escaping @Sendable (LogRecord) -> Void = { _ in }
    ) {
        self.init(workers: workers, clock: clock, limits: limits, host: host, journal: store, log: log)
    }

    /// Ends the engine and closes its store: stops code that runs, ends the workers, and lets the runs go, so that
    /// others may take them up at once.
    ///
    /// - Parameter grace: how long what is under way may take to end by itself.
    public func shutdown(closing store: PostgresJournal, grace: Duration = .zero) async {
        await shutdown(grace: grace)
        await store.close()
    }
}
