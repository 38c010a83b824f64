internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

extension HostEffectsService {
    /// Calls a model, which its own permission allows, or that for its host.
    func beginModel(
        _ payload: Value, for caller: HostCaller, _ answer: @escaping @Sendable (HostAnswer) -> Void
    ) -> (any HostOperation)? {
        do throws(HostFailure) {
            let call = try ModelCall(payload)
            let url = try WebAddress(call.settings.baseURL)
            guard permissions.allowsModel(call.settings.name) || permissions.allowsNet(host: url.host, port: url.port)
            else {
                throw HostFailure.denied(
                    "calling the model \(call.settings.name)", flag: "--allow-model=\(call.settings.name)")
            }
            let service = ModelService(http: service())
            let (secrets, permissions) = (secrets, permissions)
            // A model that the operator named is where its provider serves it; elsewhere the host has to be named.
            let isNamed =
                permissions.namesModels && permissions.allowsModel(call.settings.name)
                && call.settings.baseURL == call.settings.provider.usualBaseURL
                || permissions.namesHosts && permissions.allowsNet(host: url.host, port: url.port)
            return ModelOperation(answer: answer) {
                try await service.perform(
                    call,
                    prepare: { http throws(HostFailure) in
                        try http.fill(secrets, for: permissions, isNamed: isNamed)
                    }, stream: caller.stream)
            }
        } catch {
            answer(error.answer)
            return nil
        }
    }
}

/// A call of a model that is under way; it answers once, unless it is cancelled before.
private final class ModelOperation: HostOperation {
    private let task: Task<Void, Never>
    private let state = State()

    /// Whether there is still an answer to give.
    private final class State: Sendable {
        let isOpen = Atomic<Bool>(true)
    }

    init(answer: @escaping @Sendable (HostAnswer) -> Void, _ body: @escaping @Sendable () async throws -> HostAnswer) {
        // The request lives as long as the suspended step that waits for it, and the worker cancels it with the step.
        task = Task.detached { [state] in
            let result: HostAnswer
            do {
                result = try await body()
            } catch let failure as HostFailure {
                result = failure.answer
            } catch {
                result = .failure(code: "host_failed", message: "\(error)")
            }
            if state.isOpen.exchange(false, ordering: .relaxed) { answer(result) }
        }
    }

    func cancel() {
        state.isOpen.store(false, ordering: .relaxed)
        task.cancel()
    }
}
