public import FlatValue
internal import Synchronization
internal import WorkflowCore
public import WorkflowEngine

/// What the command line gives scripts: requests over HTTP, files, the environment, programs, models and MCP servers, each within
/// the permissions of its run.
///
/// A run has what its journal grants it: what it was started with, or what all may do at the time of its start. The process decides
/// where nothing is recorded. Runs with the same permissions share one service, with its connections.
public final class GrantedEffects: HostGateway {
    public let usualGrant: Value
    private let usual: Permissions
    /// Whether nothing is recorded of runs that are given nothing.
    private let recordsNothing: Bool
    private let secrets: Secrets
    private let cache: (any CacheStore)?
    private let refused: (@Sendable (_ run: String) async -> Bool)?
    private let services = Mutex(Services())

    private struct Services {
        var all: [HostEffectsService] = []
        /// The service of each grant, as journals have it.
        var granted: [(grant: Value, service: HostEffectsService)] = []
    }

    /// - Parameter usual: what runs may do that were given nothing of their own.
    public convenience init(_ usual: Permissions) { self.init(usual: usual, secrets: Secrets()) }

    /// - Parameters:
    ///   - usual: what runs may do whose journal does not say.
    ///   - secrets: what requests may carry that scripts do not see.
    ///   - cache: where answers of models are kept that may be given again; nil for nowhere.
    ///   - refused: hears of a run of whose permissions nothing is recorded and that asks for more than `usual`. Where it gives true
    ///     the call is not answered, so that the run can be given back as it stands. With it, and without anything that is usual,
    ///     runs record nothing unless they are given something. Nil to answer `permission_denied`.
    package init(
        usual: Permissions, secrets: Secrets = Secrets(), cache: (any CacheStore)? = nil,
        refused: (@Sendable (_ run: String) async -> Bool)? = nil
    ) {
        self.refused = refused
        self.usual = usual
        recordsNothing = refused != nil && usual == Permissions()
        usualGrant = recordsNothing ? .null : usual.grant
        self.secrets = secrets
        self.cache = cache
    }

    public func begin(_ call: HostCall, answer: @escaping @Sendable (HostAnswer) -> Void) -> (any HostOperation)? {
        if let grant = call.grant { return service(granted: grant).begin(call, answer: answer) }
        guard let refused else { return service(usual).begin(call, answer: answer) }
        let unanswered = UnansweredCall()
        let operation = service(usual).begin(call) { result in
            guard !result.ok, result.value["code"] == "permission_denied" else { return answer(result) }
            unanswered.isRefused.store(true, ordering: .releasing)
            Task { if !(await refused(call.run)) { answer(result) } }
        }
        return operation ?? (unanswered.isRefused.load(ordering: .acquiring) ? unanswered : nil)
    }

    public func excess(of grant: Value) -> String? {
        if grant.isNull { return nil }
        let recorded = Permissions(grant: grant)
        if usual.covers(recorded) { return nil }
        let excess = usual.missing(of: recorded)
        return excess == Permissions() ? nil : excess.arguments
    }

    public func narrowed(_ grant: Value?, by limits: [Value]) -> Value {
        if limits.isEmpty || grant == nil && recordsNothing { return grant ?? .null }
        return limits.reduce(grant.map(Permissions.init(grant:)) ?? usual) { $0.narrowed(by: $1) }.grant
    }

    private func service(granted grant: Value) -> HostEffectsService {
        if let known = services.withLock({ $0.granted.first { $0.grant == grant }?.service }) { return known }
        let service = service(Permissions(grant: grant))
        services.withLock { $0.granted.append((grant, service)) }
        return service
    }

    private func service(_ permissions: Permissions) -> HostEffectsService {
        services.withLock { services in
            if let known = services.all.first(where: { $0.permissions == permissions }) { return known }
            let made = HostEffectsService(permissions: permissions, secrets: secrets, cache: cache)
            services.all.append(made)
            return made
        }
    }
}

/// A call that is refused, and answered later or never.
private final class UnansweredCall: HostOperation {
    let isRefused = Atomic<Bool>(false)

    func cancel() {}
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
