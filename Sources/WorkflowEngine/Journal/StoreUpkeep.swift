package import WorkflowCore

/// What keeps a store small and sound.
package protocol StoreUpkeep: AnyObject, Sendable {
    /// What people call the store: the path of its file, the address of its database. Without anything secret.
    var name: String { get }

    /// Removes runs that are over, and what only they needed: large payloads, generations, messages.
    func prune(_ filter: PruneFilter) async throws(JournalError) -> PruneReport

    /// Removes one run, also a damaged one; false if there is none. A run that somebody drives is an error.
    func delete(_ run: String) async throws(JournalError) -> Bool

    /// Writes what changes nothing, as safely as events are written.
    ///
    /// - Throws: what keeps the store from being written.
    func checkWritable() async throws(JournalError)

    func statistics() async throws(JournalError) -> StoreStatistics

    /// Reads everything, changes nothing, and says what is wrong; empty if nothing is. Whether the events of a run fit its plan
    /// is for ``StoredRun/decoded(on:)`` to say.
    func check() async throws(JournalError) -> [StoreProblem]

    /// The runs that cannot be read, which ``RunReading/list(_:)`` leaves out; cheaper than ``check()``.
    func unreadable() async throws(JournalError) -> [StoreProblem]

    /// Writes what is outstanding, lets all runs go and ends the journal's thread; later calls fail.
    func close() async
}

/// Something wrong in a store.
package struct StoreProblem: Sendable, Equatable {
    /// The run that it is about, which no other one is affected by; nil for the store as a whole.
    package var run: String?
    /// The first entry of the run's journal that does not fit, as the store numbers entries; nil where none is to blame.
    package var entry: Int64?
    /// The first event that does not fit, or that entry's first event; from 1.
    package var event: Int?
    /// For people.
    package var reason: String

    package init(run: String? = nil, entry: Int64? = nil, event: Int? = nil, reason: String) {
        self.run = run
        self.entry = entry
        self.event = event
        self.reason = reason
    }
}

/// Which runs are pruned; only runs that are over ever are.
package struct PruneFilter: Sendable {
    package var workflow: String?
    package var statuses: Set<RunMachine.Status>
    /// Runs whose last event is older than this, in microseconds since 1970.
    package var endedBefore: Int64
    /// How many of the newest runs that would go are spared.
    package var keep: Int
    /// Says what would go and leaves everything.
    package var dryRun: Bool
    /// Writes the whole store anew, so that it is as small as it can be.
    package var vacuum: Bool

    package init(
        workflow: String? = nil, statuses: Set<RunMachine.Status> = [.success, .failed, .cancelled],
        endedBefore: Int64 = .max, keep: Int = 0, dryRun: Bool = false, vacuum: Bool = false
    ) {
        self.vacuum = vacuum
        self.workflow = workflow
        self.statuses = statuses.filter(\.isTerminal)
        self.endedBefore = endedBefore
        self.keep = keep
        self.dryRun = dryRun
    }

    /// Whether a run goes, unless it is spared.
    package func admits(_ run: RunHeader) -> Bool {
        statuses.contains(run.status) && run.updatedAt < endedBefore && (workflow == nil || workflow == run.workflow)
    }
}

package struct PruneReport: Sendable, Equatable {
    package var runs = 0
    package var events = 0
    package var generations = 0
    /// Large payloads and files of scripts that nothing refers to any more.
    package var contents = 0
    /// By how many bytes the store became smaller on disk.
    package var freed = 0

    package init() {}
}

package struct StoreStatistics: Sendable, Equatable {
    package var runs: [RunMachine.Status: Int] = [:]
    package var events = 0
    package var generations = 0
    package var contents = 0
    /// What the store takes on disk, and how much of it is free for reuse; 0 for a store in memory.
    package var bytes = 0
    package var freeBytes = 0

    package init() {}
}

/// A store that lasts, with the tokens of those who may use it.
package typealias LastingStore = RunStore & TokenStore

/// Everything that a store of runs can do.
package typealias RunStore = RunJournal & RunReading & RunOwning & RunInbox & GenerationStore & StoreUpkeep
    & ScheduleStore
