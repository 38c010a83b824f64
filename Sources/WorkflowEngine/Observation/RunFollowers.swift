internal import Synchronization
internal import WorkflowCore

/// Those who follow all runs that an engine drives.
final class RunFollowers: Sendable {
    private let isEmpty = Atomic<Bool>(true)
    private let followers = Mutex<[JournalFollower]>([])
    /// What runs had before this process wrote to them without driving them, until it drives them.
    private let written = Mutex<[String: RunPast]>([:])

    func add(_ follower: JournalFollower) {
        followers.withLock { $0.append(follower) }
        isEmpty.store(false, ordering: .releasing)
    }

    /// The feeds of a run that is about to be driven; worker's thread.
    func feeds(of handle: WorkflowRun, _ run: Run) -> [any EventFeed] {
        if isEmpty.load(ordering: .acquiring) { return [] }
        // What a run has when it is taken up was made by others; of a fork the log says so.
        var past = run.deliveredEvents > 0 ? run.deliveredEvents : nil
        var isTold = past != nil && run.journaled?.ownerEnd.hasToldAll != false
        if past != nil, let before = written.withLock({ $0.removeValue(forKey: handle.id) }) {
            (past, isTold) = (before.count, before.told > 0)
        }
        return followers.withLock { followers in followers.map { $0.feed(of: handle, past: past, isTold: isTold) } }
    }

    /// This process has written to a run behind a number of entries, and drives it next: what has ended with what it wrote is told
    /// of by the feeds of the run.
    func noteTakingUp(_ run: JournaledRun, after count: Int) {
        if isEmpty.load(ordering: .acquiring) { return }
        written.withLock { $0[run.id] = RunPast(count: count, told: run.ownerEnd.hasToldAll ? count : 0) }
    }

    /// Somebody else drives a run that was noted so: what has ended with what was written to it is read in the store.
    func noteTakenElsewhere(_ run: String, _ plan: Plan) {
        guard let past = written.withLock({ $0.removeValue(forKey: run) }) else { return }
        for follower in followers.withLock({ $0 }) { follower.noteWritten(run, plan, past) }
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
