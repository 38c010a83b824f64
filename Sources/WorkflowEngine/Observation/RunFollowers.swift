internal import Synchronization
internal import WorkflowCore

/// Those who follow all runs that an engine drives.
final class RunFollowers: Sendable {
    private let isEmpty = Atomic<Bool>(true)
    private let followers = Mutex<[JournalFollower]>([])

    func add(_ follower: JournalFollower) {
        followers.withLock { $0.append(follower) }
        isEmpty.store(false, ordering: .releasing)
    }

    /// The feeds of a run that is about to be driven; worker's thread.
    func feeds(of handle: WorkflowRun, _ run: Run) -> [any EventFeed] {
        if isEmpty.load(ordering: .acquiring) { return [] }
        // What a run has when it is taken up was made by others; of a fork the log says so.
        let past = run.deliveredEvents > 0 ? run.deliveredEvents : nil
        let isTold = past != nil && run.journaled?.ownerEnd.hasToldAll != false
        return followers.withLock { followers in followers.map { $0.feed(of: handle, past: past, isTold: isTold) } }
    }

    /// The store has got something of a run that nobody drives, behind a number of entries.
    func noteWritten(_ run: JournaledRun, _ plan: Plan, after count: Int) {
        if isEmpty.load(ordering: .acquiring) { return }
        let past = RunPast(count: count, told: run.ownerEnd.hasToldAll ? count : 0)
        for follower in followers.withLock({ $0 }) { follower.noteWritten(run.id, plan, past) }
    }
}

extension OwnerEnd {
    /// Whether who drove a run before has told of all that had ended: a process that died may not have come to it.
    fileprivate var hasToldAll: Bool {
        switch self {
        case .none, .released: true
        case .diedOfAnother, .diedAlone, .diedInCompany: false
        }
    }
}
