internal import FlatValue
import Platform
internal import Synchronization
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

/// Runs `body` with an engine of its own, and ends the engine's threads afterwards.
func withEngine<Result>(
    workers: Int = 1, clock: any EngineClock = SystemClock(), _ body: (WorkflowEngine) async throws -> Result
) async throws -> Result {
    let engine = WorkflowEngine(workers: workers, clock: clock)
    defer { engine.shutdown() }
    return try await body(engine)
}

/// Holds tasks up until the test opens it.
final class Gate: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream(of: Void.self) }

    func open() { continuation.finish() }

    /// Waits until the gate opens or the task is cancelled.
    func passed() async { for await _ in stream {} }
}

/// Counts, from any thread.
final class Counter: Sendable {
    private let count = Atomic<Int>(0)

    var value: Int { count.load(ordering: .sequentiallyConsistent) }

    @discardableResult
    func increment() -> Int { count.add(1, ordering: .sequentiallyConsistent).newValue }
}

extension WorkflowRun {
    /// Every event of the run until it is over.
    func allEvents() async -> [RunEvent] {
        var all: [RunEvent] = []
        for await event in events() { all.append(event) }
        return all
    }

    /// Waits until the run has told of such an event.
    func reached(_ type: String, path: String? = nil) async {
        for await event in events() where event.name == type && (path == nil || event.path == path) { return }
    }
}

extension RunRecord {
    var output: Value? { result().result }
    var errorMessage: String? { result().error?["message"]?.string }
    var errorCode: String? { result().error?["code"]?.string }
}

extension [RunEvent] {
    /// The events as `type path`, for comparison.
    var lines: [String] {
        map { event in
            guard let path = event.path else { return event.name }
            return "\(event.type) \(path)"
        }
    }
}
