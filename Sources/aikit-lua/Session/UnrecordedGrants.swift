internal import FlatValue
internal import HostEffects
internal import Synchronization
internal import WorkflowEngine

/// Runs of whose permissions nothing is recorded, as older versions began them in services, in a process that gives them none: each
/// goes on until it asks for some, and is then to be given back as it stands. Any thread.
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
    /// - Returns: whether it is one of these, which is to be given back.
    func refuse(_ run: String) -> Bool {
        state.withLock { state in
            guard state.runs.contains(run) else { return false }
            state.refused.insert(run)
            return true
        }
    }

    func isRefused(_ run: String) -> Bool { state.withLock { $0.refused.contains(run) } }

    /// Why such a run is given back.
    static let reason = "it needs permissions, and an older version began it, which did not record them"
}
