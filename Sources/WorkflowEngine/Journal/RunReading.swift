package import WorkflowCore

/// Looking at runs, whoever owns them.
package protocol RunReading: AnyObject, Sendable {
    /// The run of an id, or nil.
    func header(of run: String) async throws(JournalError) -> RunHeader?

    /// The events of a run that follow on event `sequence`, or nil if there is no such run.
    func load(_ run: String, after sequence: Int) async throws(JournalError) -> StoredRun?

    /// The runs that pass a filter, newest first.
    func list(_ filter: RunFilter) async throws(JournalError) -> [RunHeader]

    /// How many runs of a workflow there are in each status.
    func counts(of workflow: String) async throws(JournalError) -> [RunMachine.Status: Int]

    /// The same for each workflow that has runs.
    func counts() async throws(JournalError) -> [String: [RunMachine.Status: Int]]

    /// The processes that drive runs or did until their lease ran out and nobody has taken their runs; the oldest first.
    func nodes() async throws(JournalError) -> [StoreNode]

    /// A number that changes whenever anybody writes to the store; cheap enough to be asked many times a second.
    func changeCount() async throws(JournalError) -> Int64
}

extension RunReading {
    /// A run with all of its events, or nil.
    package func load(_ run: String) async throws(JournalError) -> StoredRun? { try await load(run, after: 0) }

    package func counts(of workflow: String) async throws(JournalError) -> [RunMachine.Status: Int] {
        try await list(RunFilter(workflow: workflow)).reduce(into: [:]) { $0[$1.status, default: 0] += 1 }
    }

    package func counts() async throws(JournalError) -> [String: [RunMachine.Status: Int]] {
        try await list(RunFilter()).reduce(into: [:]) { $0[$1.workflow, default: [:]][$1.status, default: 0] += 1 }
    }
}

/// Which runs a list shows; what is nil does not matter.
package struct RunFilter: Sendable {
    package var workflow: String?
    /// Only runs of these workflows; nil for any.
    package var workflows: Set<String>?
    /// What the id begins with, byte for byte; empty for anything.
    package var prefix = ""
    package var generation: String?
    /// Runs that were forked or retried from this one.
    package var lineage: String?
    package var statuses: Set<RunMachine.Status>?
    /// In microseconds since 1970, both ends included.
    package var created: ClosedRange<Int64>?
    /// Of the newest event.
    package var updated: ClosedRange<Int64>?
    /// Only runs that nobody drives and that could be taken up: those whose owner let them go or died, if they do not wait
    /// in the queue.
    package var unowned: Bool
    /// Each is a name with one of some values; all have to hold.
    package var tags: [[RunTag]] = []
    package var limit: Int
    /// Only runs that began before this one, for the next page.
    package var before: String?

    package init(
        workflow: String? = nil, generation: String? = nil, lineage: String? = nil,
        statuses: Set<RunMachine.Status>? = nil, created: ClosedRange<Int64>? = nil, updated: ClosedRange<Int64>? = nil,
        unowned: Bool = false, limit: Int = .max, before: String? = nil
    ) {
        self.workflow = workflow
        self.generation = generation
        self.lineage = lineage
        self.statuses = statuses
        self.created = created
        self.updated = updated
        self.unowned = unowned
        self.limit = limit
        self.before = before
    }

    /// The runs that a recovering process takes over: unfinished, and driven by nobody.
    package static var abandoned: RunFilter {
        RunFilter(statuses: Set(RunMachine.Status.allCases.filter { !$0.isTerminal }), unowned: true)
    }

    /// The first text behind all that begin with ``prefix``, in the order of bytes, which is that of Unicode's numbers; nil where
    /// there is none.
    package var prefixEnd: String? {
        var scalars = Array(prefix.unicodeScalars)
        while let last = scalars.popLast() {
            // The numbers in between belong to no character.
            guard let next = Unicode.Scalar(last.value == 0xD7FF ? 0xE000 : last.value + 1) else { continue }
            return String(String.UnicodeScalarView(scalars + [next]))
        }
        return nil
    }

    package func admitsTags(of run: RunHeader) -> Bool {
        tags.allSatisfy { $0.contains(where: run.tags.tags.contains) }
    }

    /// Whether a run passes by what a header says that knows nothing of owners and the queue.
    package func admitsStored(_ run: RunHeader) -> Bool {
        if let workflow, run.workflow != workflow { return false }
        if let statuses, !statuses.contains(run.status) { return false }
        if let created, !created.contains(run.createdAt) { return false }
        if let workflows, !workflows.contains(run.workflow) { return false }
        if let generation, run.generation != generation { return false }
        if let lineage, run.lineage != lineage { return false }
        if let updated, !updated.contains(run.updatedAt) { return false }
        if !prefix.isEmpty, !run.id.utf8.starts(with: prefix.utf8) { return false }
        return admitsTags(of: run)
    }

    package func admits(_ run: RunHeader) -> Bool {
        if !admitsStored(run) { return false }
        return !unowned || run.owner == nil && !run.isHeld
    }
}
