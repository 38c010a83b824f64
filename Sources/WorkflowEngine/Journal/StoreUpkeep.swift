package import WorkflowCore

/// What keeps a store small and sound.
package protocol StoreUpkeep: AnyObject, Sendable {
    /// Removes runs that are over, and what only they needed: large payloads, generations, messages.
    func prune(_ filter: PruneFilter) async throws(JournalError) -> PruneReport

    /// Removes one run; false if there is none. A run that somebody drives is an error.
    func delete(_ run: String) async throws(JournalError) -> Bool

    func statistics() async throws(JournalError) -> StoreStatistics

    /// Reads everything and says what is wrong, in words for a person; empty if nothing is.
    func check() async throws(JournalError) -> [String]

    /// Writes what is outstanding, lets all runs go and ends the journal's thread; later calls fail.
    func close() async
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

    package init(
        workflow: String? = nil, statuses: Set<RunMachine.Status> = [.success, .failed, .cancelled],
        endedBefore: Int64 = .max, keep: Int = 0, dryRun: Bool = false
    ) {
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

/// Everything that a store of runs can do.
package typealias RunStore = RunJournal & RunReading & RunOwning & RunInbox & GenerationStore & StoreUpkeep
    & ScheduleStore
