internal import FlatValue
internal import HostEffects
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// Runs of whose permissions nothing is recorded, as older versions began them in services, in a process that gives them none: each
/// goes on until it, or a run that it has started, asks for some, and is then to be given back as it stands. Any thread.
final class UnrecordedGrants: Sendable {
    private let state = Mutex(State())

    private struct State {
        var runs: Set<String> = []
        var refused: Set<String> = []
    }

    /// What a run that is taken up may do here: what is recorded, and what the command line adds.
    ///
    /// - Returns: nil where nothing is recorded and nothing added.
    func allowance(of run: JournaledRun, adding permissions: Permissions) -> Value? {
        guard run.origin.grant.isNull, permissions == Permissions() else {
            return Permissions(grant: run.origin.grant).union(permissions).grant
        }
        state.withLock { _ = $0.runs.insert(run.id) }
        return nil
    }

    /// What a run is given that takes its beginning from another one: what that one has, and what the command line adds.
    ///
    /// - Returns: null where nothing is recorded of the other one and nothing added, so that nothing is recorded of it either.
    func grant(of run: String, from source: RunOrigin, adding permissions: Permissions) -> Value {
        guard source.grant.isNull, permissions == Permissions() else {
            return Permissions(grant: source.grant).union(permissions).grant
        }
        state.withLock { _ = $0.runs.insert(run) }
        return .null
    }

    /// Takes note of a run that was refused something.
    ///
    /// - Returns: the run that is to be given back: one of these, over whatever runs in between it started that one, or what goes
    ///   on in its place; nil where there is none.
    func refuse(_ run: String, in store: any RunStore) async -> String? {
        var (current, drives) = (run, run)
        var seen: Set<String> = []
        while seen.insert(current).inserted {
            let isKnown = state.withLock { state in
                guard state.runs.contains(current) else { return false }
                state.refused.insert(drives)
                return true
            }
            if isKnown { return drives }
            guard let header = try? await store.header(of: current), header.origin.grant.isNull,
                let lineage = header.lineage
            else { return nil }
            if RunChain.split(lineage).base != RunChain.split(current).base { drives = lineage }
            current = lineage
        }
        return nil
    }

    func isRefused(_ run: String) -> Bool { state.withLock { $0.refused.contains(run) } }

    /// Whether any run is to be given back.
    var hasRefused: Bool { state.withLock { !$0.refused.isEmpty } }

    /// Why such a run is given back.
    static let reason = "it needs permissions, and an older version began it, which did not record them"
}
