internal import FlatValue
internal import Synchronization
internal import WorkflowCore

/// What an engine knows of runs that begin others.
final class RunFamily: Sendable {
    /// Chains of runs that are to end.
    let stops = ChainStops()
    /// Those who follow all runs.
    let followers = RunFollowers()
    private let state = Mutex(State())
    private let isEmpty = Atomic<Bool>(true)
    /// Read at the beginning of each run, so that it takes no lock.
    private let sampler = AtomicLazyReference<Sampler>()

    private final class Sampler: Sendable {
        let sampling: TraceSampling

        init(_ sampling: @escaping TraceSampling) { self.sampling = sampling }
    }

    /// A run that another one has started.
    struct Child {
        /// The newest of its chain.
        var run: WorkflowRun
        let parent: String
        let workflow: String
        /// The digest of what it began with.
        let digest: String
    }

    private struct State {
        var catalog: (any WorkflowCatalog)?
        /// Runs that others have started, of an engine that keeps none in a store, by the id that they were started with, until the
        /// run is over that started them: the newest of each chain.
        var runs: [String: Child] = [:]
        var children: [String: [String]] = [:]
        /// What runs may do of which that is not recorded, by their ids.
        var grants: [String: Value] = [:]
        /// How many waits of a run there are for each other one, by the first ids of their chains.
        var waits: [String: [String: Int]] = [:]
    }

    var catalog: (any WorkflowCatalog)? { state.withLock(\.catalog) }

    func adopt(_ catalog: any WorkflowCatalog) {
        state.withLock { if $0.catalog == nil { $0.catalog = catalog } }
    }

    /// Says whether the spans of a run are sent; nil where nothing is sent.
    var sampling: TraceSampling? { sampler.load()?.sampling }

    /// Has ``sampling`` say it, unless somebody else does.
    func sample(_ sampling: @escaping TraceSampling) { _ = sampler.storeIfNil(Sampler(sampling)) }

    /// Says what a run may do once it is taken up, if that is not recorded with it: a grant; null for what the process decides.
    func allow(_ id: String, _ grant: Value) { state.withLock { $0.grants[id] = grant.isNull ? Value?.none : grant } }

    /// What ``allow(_:_:)`` has said of a run; nil for nothing.
    func grant(of id: String) -> Value? { state.withLock { $0.grants[id] } }

    func find(_ id: String) -> WorkflowRun? { state.withLock { $0.runs[id]?.run } }

    /// Whether a run has started another one.
    func isChild(_ id: String, of parent: String) -> Bool { state.withLock { $0.runs[id]?.parent == parent } }

    /// Adds a run that is about to be started.
    ///
    /// - Returns: false where it is there already.
    /// - Throws: ``RunFailure`` with `id_taken` or `other_input` where another one has its id.
    func add(_ child: Child) throws(RunFailure) -> Bool {
        let id = child.run.id
        let known = try state.withLock { state throws(RunFailure) -> Child? in
            // It would wait for itself.
            if child.parent == id { throw RunFailure.ownChild(id) }
            if let known = state.runs[id] { return known }
            var above: String? = child.parent
            while let run = above {
                if run == id {
                    throw RunFailure(
                        code: RunFailure.Code.idTaken, message: "run '\(id)' was not started by run '\(child.parent)'")
                }
                above = state.runs[run]?.parent
            }
            state.runs[id] = child
            state.children[child.parent, default: []].append(id)
            isEmpty.store(false, ordering: .releasing)
            return nil
        }
        guard let known else { return true }
        if known.workflow != child.workflow {
            throw RunFailure(
                code: RunFailure.Code.idTaken,
                message: "run '\(id)' is one of another workflow, not of '\(child.workflow)'")
        }
        if known.parent != child.parent {
            throw RunFailure(
                code: RunFailure.Code.idTaken, message: "run '\(id)' was not started by run '\(child.parent)'")
        }
        guard known.digest == child.digest else {
            throw RunFailure(code: RunFailure.Code.otherInput, message: "run '\(id)' was started with another input")
        }
        return false
    }

    /// The runs that a run waits for, by the first id of their chain, as often as it does.
    func awaited(by parent: String) -> [String] {
        state.withLock { state in
            (state.waits[RunChain.split(parent).base] ?? [:]).flatMap {
                Array(repeating: $0.key, count: $0.value)
            }
        }
    }

    /// Knows of a wait while `body` goes on.
    func waiting<Result>(_ wait: ChainWait, _ body: () async throws -> Result) async rethrows -> Result {
        state.withLock { $0.waits[wait.waiter, default: [:]][wait.awaited, default: 0] += 1 }
        defer {
            state.withLock { state in
                let left = (state.waits[wait.waiter]?[wait.awaited] ?? 0) - 1
                state.waits[wait.waiter]?[wait.awaited] = left > 0 ? left : nil
                if state.waits[wait.waiter]?.isEmpty == true { state.waits[wait.waiter] = nil }
            }
        }
        return try await body()
    }

    /// Keeps the run that follows on one in its place, so that of a chain that nobody waits for the newest run alone is kept.
    ///
    /// - Returns: false where it is not the newest run of a chain that another one started.
    func succeeded(_ run: WorkflowRun, by successor: WorkflowRun) -> Bool {
        if isEmpty.load(ordering: .acquiring) { return false }
        let first = RunChain.split(run.id).base
        return state.withLock { state in
            guard state.runs[first]?.run === run else { return false }
            state.runs[first]?.run = successor
            return true
        }
    }

    /// The run that goes on in place of one that has ended in favour of it; nil where this engine did not begin it.
    func advance(_ id: String, from run: WorkflowRun) -> WorkflowRun? {
        state.withLock { state in
            // Somebody else may have advanced before.
            if let known = state.runs[id]?.run, known !== run { return known }
            guard let next = run.takeSuccessor() else { return nil }
            state.runs[id]?.run = next
            return next
        }
    }

    /// A run is over; called on its worker's thread.
    func ended(_ record: RunRecord) {
        stops.ended(record)
        // The last reference to a run may be given up here, and not under the lock.
        withExtendedLifetime(forget(childrenOf: record.id)) {}
    }

    /// Forgets the runs that one has started.
    ///
    /// - Returns: the newest of each chain.
    func forget(childrenOf parent: String) -> [WorkflowRun] {
        if isEmpty.load(ordering: .acquiring) { return [] }
        return state.withLock { state in
            let ids = state.children.removeValue(forKey: parent) ?? []
            isEmpty.store(state.children.isEmpty, ordering: .releasing)
            return ids.compactMap { state.runs.removeValue(forKey: $0)?.run }
        }
    }
}
