extension WorkflowEngine {
    /// Runs `body`, and the child tasks that it begins, on the thread of one of the engine's workers, which carries out the runs that
    /// they start. Neither the start of a short run nor its end costs a change of threads then, which costs more than such a run.
    ///
    /// Code that computes for long, or blocks its thread, holds up the runs of that worker; and one worker is one thread, so call
    /// this once for each to use all of them:
    ///
    /// ```swift
    /// try await withThrowingTaskGroup { group in
    ///     for part in parts {
    ///         group.addTask { try await engine.onWorker { try await score(part, on: engine) } }
    ///     }
    ///     try await group.waitForAll()
    /// }
    /// ```
    ///
    /// What of it goes on once the engine has ended does so on a thread of its own.
    public func onWorker<Result, Failure: Error>(
        isolation: isolated (any Actor)? = #isolation, _ body: () async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        try await withTaskExecutorPreference(WorkerExecutor(pickWorker()), isolation: isolation) {
            () async throws(Failure) -> Result in
            // The preference counts from the next time on that the task is enqueued.
            await Task.yield()
            return try await body()
        }
    }
}
