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
