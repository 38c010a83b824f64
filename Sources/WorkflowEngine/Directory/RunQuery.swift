public import FlatValue
internal import Synchronization
public import WorkflowCore

/// Which runs a list shows; what is nil does not matter.
///
/// ```swift
/// var query = RunQuery(workflow: "order", statuses: [.failed])
/// query.tags = ["region": ["eu"]]
/// for run in try await directory.runs(query) { print(run.id) }
/// ```
public struct RunQuery: Sendable {
    public var workflow: String?
    public var statuses: Set<RunStatus>?
    /// The hash of the script that the run began with.
    public var generation: String?
    /// Runs that were forked, retried or started from this one.
    public var lineage: String?
    /// When the run began, in microseconds since 1970, both ends included.
    public var created: ClosedRange<Int64>?
    /// The same of its newest event.
    public var updated: ClosedRange<Int64>?
    /// Names of tags, each with the texts, numbers and booleans of which the run has one; all names have to hold.
    public var tags: [String: [Value]] = [:]
    /// Only unfinished runs that nobody drives and that could be taken up.
    public var unowned = false
    /// The most runs to give.
    public var limit: Int
    /// Only runs that began before this one, for the next page.
    public var before: String?

    public init(workflow: String? = nil, statuses: Set<RunStatus>? = nil, limit: Int = 1000) {
        self.workflow = workflow
        self.statuses = statuses
        self.limit = limit
    }

    /// - Throws: ``RunFailure`` with the code `invalid_tags` for a tag that no run can have.
    func filter() throws(RunFailure) -> RunFilter {
        var filter = RunFilter(
            workflow: workflow, generation: generation, lineage: lineage, statuses: statuses, created: created,
            updated: updated, unowned: unowned, limit: max(limit, 0), before: before)
        if unowned, statuses == nil { filter.statuses = RunFilter.abandoned.statuses }
        for (name, values) in tags.sorted(by: { $0.key < $1.key }) {
            var wanted: [RunTag] = []
            for value in values {
                do throws(RunTagFault) {
                    wanted += try RunTags(Value(entries: [(name, value)])).tags
                } catch {
                    throw RunFailure(code: "invalid_tags", message: error.description)
                }
            }
            filter.tags.append(wanted)
        }
        return filter
    }
}

/// What a store knows of a run without reading its events.
public struct RunSummary: Sendable, Equatable {
    public var id: String
    public var workflow: String
    /// The hash of the script that the run began with; empty for workflows written in Swift.
    public var generation: String
    /// The run that this one was forked, retried or started from.
    public var lineage: String?
    public var status: RunStatus
    /// When it began, and the time of its newest event, in microseconds since 1970.
    public var createdAt: Int64
    public var updatedAt: Int64
    /// When its earliest timer is due, in microseconds since 1970; nil for none.
    public var wakeAt: Int64?
    /// How many events it has, those that only the journal keeps among them: what ``RunDirectory/events(of:after:)`` goes on after.
    public var sequence: Int
    /// What it is found by, an object.
    public var tags: Value
    /// It waits until the limits of its workflow let it begin.
    public var isQueued: Bool
    /// Who drives it, for people; nil when nobody does.
    public var owner: String?

    init(_ header: RunHeader) {
        id = header.id
        workflow = header.workflow
        generation = header.generation
        lineage = header.lineage
        status = header.status
        createdAt = header.createdAt
        updatedAt = header.updatedAt
        wakeAt = header.wakeAt == 0 || header.status.isTerminal ? nil : header.wakeAt
        sequence = header.sequence
        tags = header.tags.value
        isQueued = header.isHeld
        owner = header.owner?.name
    }
}

extension RunDirectory {
    /// The runs that a query asks for, the newest first.
    public func runs(_ query: RunQuery = RunQuery()) async throws -> [RunSummary] {
        try await list(try query.filter()).map(RunSummary.init)
    }

    /// What the store knows of a run; nil where there is none.
    public func summary(of id: String) async throws -> RunSummary? {
        try await store.header(of: id).map(RunSummary.init)
    }

    /// The run of an id that this engine drives; nil for all others.
    public func drivenRun(_ id: String) -> WorkflowRun? { live.find(id) }

    /// Goes on with every unfinished run that nobody drives and that could go on by itself, in the code that it began with.
    ///
    /// Once, as at the start of a program; ``RecoveryService`` looks again and again.
    ///
    /// - Returns: the runs, which this engine drives from now on, and those that could not be taken up.
    public func recover() async throws -> (runs: [WorkflowRun], failures: [RecoveryFailure]) {
        let runs = Mutex<[WorkflowRun]>([])
        let failures = try await engine.recover(
            load: { try await self.catalog.workflow($0.workflow, generation: $0.generation, of: $0.id) },
            began: { run in runs.withLock { $0.append(run) } })
        return (runs.withLock { $0 }, failures)
    }
}
