internal import Synchronization
internal import WorkflowCore

/// The chains of runs that an engine is to end: a run that is about to begin in place of another one of such a chain is cancelled at
/// its beginning, so that a cancel catches up with a chain whose runs are over before they are found.
final class ChainStops: Sendable {
    /// Why a chain is to end, by the id of its first run.
    private let reasons = Mutex<[String: String]>([:])
    private let isEmpty = Atomic<Bool>(true)

    /// Ends a chain, until ``remove(_:)`` or until a run of it has ended without another one in its place.
    func add(_ chain: String, reason: String) {
        reasons.withLock {
            $0[chain] = reason
            isEmpty.store(false, ordering: .releasing)
        }
    }

    func remove(_ chain: String) {
        reasons.withLock {
            $0[chain] = nil
            isEmpty.store($0.isEmpty, ordering: .releasing)
        }
    }

    /// Why a run that is about to begin in place of another one is not to go on; nil where it is.
    func reason(for run: String) -> String? {
        if isEmpty.load(ordering: .acquiring) { return nil }
        return reasons.withLock { $0[RunChain.split(run).base] }
    }

    /// A run is over.
    func ended(_ record: RunRecord) {
        if isEmpty.load(ordering: .acquiring) || record.restartedAs != nil { return }
        remove(RunChain.split(record.id).base)
    }
}
