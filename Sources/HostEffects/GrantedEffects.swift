public import FlatValue
internal import Synchronization
internal import WorkflowCore
public import WorkflowEngine

/// What the command line gives scripts: requests over HTTP, files, the environment, programs, models and MCP servers, each within
/// the permissions of its run.
///
/// A run has what its journal grants it, and what the process allows where nothing is recorded. Runs with the same permissions share one service, with its connections.
public final class GrantedEffects: HostGateway {
    private let usual: Permissions
    private let secrets: Secrets
    private let cache: (any CacheStore)?
    private let services = Mutex<[HostEffectsService]>([])

    /// - Parameter usual: what runs may do that were given nothing of their own.
    public convenience init(_ usual: Permissions) { self.init(usual: usual, secrets: Secrets()) }

    /// - Parameters:
    ///   - usual: what runs may do whose journal does not say.
    ///   - secrets: what requests may carry that scripts do not see.
    ///   - cache: where answers of models are kept that may be given again; nil for nowhere.
    package init(usual: Permissions, secrets: Secrets = Secrets(), cache: (any CacheStore)? = nil) {
        self.usual = usual
        self.secrets = secrets
        self.cache = cache
    }

    public func begin(_ call: HostCall, answer: @escaping @Sendable (HostAnswer) -> Void) -> (any HostOperation)? {
        service(call.grant.map(Permissions.init(grant:)) ?? usual).begin(call, answer: answer)
    }

    public func narrowed(_ grant: Value?, by limits: [Value]) -> Value {
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

extension WorkflowEngine {
    /// Makes a run of a workflow that may do what is given here, in place of what the engine's ``GrantedEffects`` give all; a store
    /// keeps it with the run.
    public func createRun(_ workflow: Workflow, id: String? = nil, permissions: Permissions) -> WorkflowRun {
        createRun(workflow, id: id, grant: permissions.grant)
    }
}

extension StartRequest {
    /// What the run may do, in place of what the engine's ``GrantedEffects`` give all; nil for that.
    public var permissions: Permissions? {
        get { grant.isNull ? nil : Permissions(grant: grant) }
        set { grant = newValue?.grant ?? .null }
    }
}
