internal import Synchronization
internal import WorkflowCore
package import WorkflowEngine

/// The effects that scripts may have, behind the permissions that were given.
///
/// Nothing is made before it is used: the HTTP client and its threads begin with the first request that is allowed.
package final class HostEffectsService: HostEffects {
    package let permissions: Permissions
    private let http = Mutex<HTTPService?>(nil)

    private let settings: HTTPSettings

    /// - Parameter settings: how requests are made; those of the process's environment unless given.
    package init(permissions: Permissions, settings: HTTPSettings = .ofProcess) {
        self.permissions = permissions
        self.settings = settings
    }

    package func begin(
        _ request: HostRequest, for caller: HostCaller, answer: @escaping @Sendable (HostAnswer) -> Void
    ) -> (any HostOperation)? {
        switch request.operation {
        case "model": return beginModel(request.payload, for: caller, answer)
        case "http": return beginHTTP(request.payload, answer)
        default:
            let failure = HostFailure(
                "unknown_operation", "the host has no operation '\(request.operation)'", retryable: false)
            answer(failure.answer)
            return nil
        }
    }

    private func beginHTTP(
        _ payload: Value, _ answer: @escaping @Sendable (HostAnswer) -> Void
    ) -> (any HostOperation)? {
        do throws(HostFailure) {
            let call = try HTTPCall(payload)
            guard permissions.allowsNet(host: call.url.host, port: call.url.port) else {
                throw HostFailure.denied("calling \(call.url.host)", flag: "--allow-net=\(call.url.permission)")
            }
            let service = service()
            return TaskOperation(answer: answer) { try await service.perform(call) }
        } catch {
            answer(error.answer)
            return nil
        }
    }

    func service() -> HTTPService {
        http.withLock { service in
            if let service { return service }
            let made = HTTPService(permissions: permissions, settings: settings)
            service = made
            return made
        }
    }
}

/// An operation that a task carries out; it answers once, unless it is cancelled before.
private final class TaskOperation: HostOperation {
    private let task: Task<Void, Never>
    private let state: State

    /// Whether there is still an answer to give.
    private final class State: Sendable {
        let isOpen = Atomic<Bool>(true)

        func close() -> Bool { isOpen.exchange(false, ordering: .relaxed) }
    }

    init(answer: @escaping @Sendable (HostAnswer) -> Void, _ body: @escaping @Sendable () async throws -> Value) {
        let state = State()
        self.state = state
        // The request lives as long as the suspended step that waits for it, and the worker cancels it with the step.
        task = Task.detached {
            let result: HostAnswer
            do {
                result = .success(try await body())
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
