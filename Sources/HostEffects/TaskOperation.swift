internal import FlatValue
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// An operation that a task carries out; it answers once, unless it is cancelled before.
final class TaskOperation: HostOperation {
    private let task: Task<Void, Never>
    private let state: State

    /// Whether there is still an answer to give.
    private final class State: Sendable {
        let isOpen = Atomic<Bool>(true)

        func close() -> Bool { isOpen.exchange(false, ordering: .relaxed) }
    }

    convenience init(
        on threads: ThreadPool, answer: @escaping @Sendable (HostAnswer) -> Void,
        _ body: @escaping @Sendable () async throws -> Value
    ) {
        self.init(on: threads, answer: answer, answering: { .success(try await body()) })
    }

    /// - Parameter body: gives the whole answer, with what the journal keeps of the operation.
    init(
        on threads: ThreadPool, answer: @escaping @Sendable (HostAnswer) -> Void,
        answering body: @escaping @Sendable () async throws -> HostAnswer
    ) {
        let state = State()
        self.state = state
        // The request lives as long as the suspended step that waits for it, and the worker cancels it with the step.
        task = Task.detached(executorPreference: threads) {
            let result: HostAnswer
            do {
                result = try await body()
            } catch let failure as HostFailure {
                result = failure.answer
            } catch {
                result = .failure(code: "host_failed", message: "\(error)")
            }
            if state.close() { answer(result) }
        }
    }

    func cancel() {
        _ = state.close()
        task.cancel()
    }
}
