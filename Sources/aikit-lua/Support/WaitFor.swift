internal import Platform
internal import WorkflowEngine

/// Runs asynchronous code to its end while the calling thread waits: the way from a command into the engine's API.
func waitFor<Result: Sendable>(_ body: @escaping @Sendable () async -> Result) -> Result {
    let inbox = Inbox<Result>()
    Task.detached { inbox.post(await body(), closing: true) }
    var results: [Result] = []
    while true {
        inbox.take(into: &results, waiting: nil)
        if let result = results.first { return result }
    }
}

/// The same for something that may never come to its end, as where a store does not answer; it is left behind then, and the process is to
/// end.
///
/// - Parameter deadline: in nanoseconds of the monotonic clock; nil waits for ever.
/// - Returns: whether it came to its end.
@discardableResult
func waitFor(until deadline: UInt64?, _ body: @escaping @Sendable () async -> Void) -> Bool {
    let inbox = Inbox<Void>()
    Task.detached { inbox.post(await body(), closing: true) }
    var results: [Void] = []
    while results.isEmpty {
        let now = monotonicNanoseconds()
        if let deadline, deadline <= now { return false }
        inbox.take(into: &results, waiting: deadline.map { $0 - now })
    }
    return true
}
