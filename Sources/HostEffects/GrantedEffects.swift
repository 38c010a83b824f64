package import FlatValue
internal import Synchronization
internal import WorkflowCore
package import WorkflowEngine

/// Gives each run what its journal grants it, and what the process allows to runs of which nothing is recorded.
///
/// Runs with the same permissions share one service, with its connections.
package final class GrantedEffects: HostEffects {
    private let usual: Permissions
    private let secrets: Secrets
    private let cache: (any CacheStore)?
    private let services = Mutex<[HostEffectsService]>([])

    /// - Parameters:
    ///   - usual: what runs may do whose journal does not say.
    ///   - secrets: what requests may carry that scripts do not see.
    ///   - cache: where answers of models are kept that may be given again; nil for nowhere.
    package init(usual: Permissions, secrets: Secrets = Secrets(), cache: (any CacheStore)? = nil) {
        self.usual = usual
        self.secrets = secrets
        self.cache = cache
    }

    package func begin(
        _ request: HostRequest, for caller: HostCaller, answer: @escaping @Sendable (HostAnswer) -> Void
    ) -> (any HostOperation)? {
        service(caller.grant.map(Permissions.init(grant:)) ?? usual).begin(request, for: caller, answer: answer)
    }

    package func narrowed(_ grant: Value?, by limits: [Value]) -> Value {
        if limits.isEmpty { return grant ?? .null }
        return limits.reduce(grant.map(Permissions.init(grant:)) ?? usual) { $0.narrowed(by: $1) }.grant
    }

    private func service(_ permissions: Permissions) -> HostEffectsService {
        services.withLock { services in
            if let known = services.first(where: { $0.permissions == permissions }) { return known }
            let made = HostEffectsService(permissions: permissions, secrets: secrets, cache: cache)
            services.append(made)
            return made
        }
    }
}
