public import WorkflowCore

extension WorkflowRun {
    /// The run's events, each once and in order, from the first one on; it ends when the run is over.
    ///
    /// Events wait in the stream until they are taken, however long that takes.
    public func events() -> AsyncStream<RunEvent> {
        let (stream, continuation) = AsyncStream.makeStream(of: RunEvent.self, bufferingPolicy: .unbounded)
        let token = follow(StreamFeed(continuation, plan: definition.plan, runID: id))
        continuation.onTermination = { [weak self] _ in self?.unfollow(token) }
        return stream
    }

    /// Calls `body` with every event, each once and in order, from the first one on.
    ///
    /// A watcher that is slow or that throws harms nobody: it is called off the worker's thread, and one that throws is not
    /// called again.
    ///
    /// - Returns: what ends the watching; it also ends when the run is over.
    @discardableResult
    public func watch(_ body: @escaping @Sendable (RunEvent) async throws -> Void) -> WatchDisposer {
        let events = events()
        return WatchDisposer(
            task: Task {
                for await event in events {
                    // What was in the stream already would be handed out in spite of the cancel.
                    try Task.checkCancellation()
                    try await body(event)
                }
            })
    }
}

/// Ends a watch. The watch goes on when the disposer is dropped.
public struct WatchDisposer: Sendable {
    let task: Task<Void, any Error>

    public func dispose() { task.cancel() }

    /// Waits until the watcher has had the last event.
    public func finished() async { _ = await task.result }
}

/// Renders a run's events into a stream, on the worker's thread.
private final class StreamFeed: EventFeed {
    private let continuation: AsyncStream<RunEvent>.Continuation
    /// Only the worker's thread touches these.
    nonisolated(unsafe) private var renderer: EventRenderer
    nonisolated(unsafe) private var taken = 0

    init(_ continuation: AsyncStream<RunEvent>.Continuation, plan: Plan, runID: String) {
        self.continuation = continuation
        renderer = EventRenderer(plan: plan, runID: runID)
    }

    func take(_ run: Run) {
        while taken < run.log.count {
            if let event = renderer.render(run.log[taken], log: run.log) { continuation.yield(event) }
            taken += 1
        }
        if run.machine.isOver { continuation.finish() }
    }

    func finish() { continuation.finish() }
}
