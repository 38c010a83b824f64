package import FlatValue
package import WorkflowCore

/// What the store knows of a run without reading its events.
package struct RunHeader: Sendable, Equatable {
    package var id: String
    package var workflow: String
    package var generation: String
    /// The run that this one was forked or retried from.
    package var lineage: String?
    package var origin: RunOrigin
    package var status: RunMachine.Status
    /// The times of the first and of the newest event, in microseconds since 1970.
    package var createdAt: Int64
    package var updatedAt: Int64
    /// When the earliest timer is due, in microseconds since 1970; 0 for none.
    package var wakeAt: Int64
    /// How many events and how many arena bytes the run has.
    package var sequence: Int
    package var arena: Int
    /// It waits in the queue until its limits let it begin.
    package var isHeld = false
    /// Whoever drove the run has let it go, so that it goes on wherever it is taken up; false for one whose owner died, which waits
    /// in the queue or is over.
    package var isReleased = false
    /// What it is found by.
    package var tags = RunTags.none
    /// Who drives the run; nil once it is over or when its owner is gone.
    package var owner: RunOwner?

    package init(
        id: String, workflow: String, generation: String, lineage: String? = nil, origin: RunOrigin = RunOrigin(),
        status: RunMachine.Status,
        createdAt: Int64, updatedAt: Int64, wakeAt: Int64, sequence: Int, arena: Int, owner: RunOwner?
    ) {
        self.id = id
        self.workflow = workflow
        self.generation = generation
        self.lineage = lineage
        self.origin = origin
        self.status = status
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.wakeAt = wakeAt
        self.sequence = sequence
        self.arena = arena
        self.owner = owner
    }
}

extension RunHeader {
    /// The run stands still until a person or a signal comes. A wait for a signal that has a time limit does not count:
    /// the header does not tell it from a sleep.
    var waitsForSomebody: Bool { status == .waitingHuman || (status == .waiting && wakeAt == 0) }
}

/// With what a run was started, as its journal keeps it; nothing of it ever changes.
package struct RunOrigin: Sendable, Equatable {
    /// What the run's host calls may do: the permissions of its start, as whoever grants them writes them. Null for none.
    package var grant: Value
    /// ``Plan/fingerprint`` of the plan that the run was started on; nil for runs that older versions started.
    package var fingerprint: String?
    /// Of the input, the metadata and the ctx that the run was started with, to tell a repeated start from another one; nil for
    /// runs that older versions started.
    package var inputDigest: String?

    package init(grant: Value = .null, fingerprint: String? = nil, inputDigest: String? = nil) {
        self.grant = grant
        self.fingerprint = fingerprint
        self.inputDigest = inputDigest
    }

    /// The digest of what a run is started with; the order of keys does not matter.
    package static func digest(input: Value, metadata: Value?, ctx: Value?) -> String {
        var digest = Fingerprint()
        for value in [input, metadata ?? .null, ctx ?? .null] { digest.add(value.json) }
        return digest.text
    }
}

/// A process that drives runs, under a lease that it keeps renewing.
package struct RunOwner: Sendable, Equatable {
    /// The store's number for it, which is never used again.
    package var number: Int64
    /// For people: the host and the process id.
    package var name: String
    /// Until when it is taken to be alive, in microseconds since 1970.
    package var leaseUntil: Int64
    /// It is the journal that was asked.
    package var isSelf: Bool

    package init(number: Int64, name: String, leaseUntil: Int64, isSelf: Bool) {
        self.number = number
        self.name = name
        self.leaseUntil = leaseUntil
        self.isSelf = isSelf
    }
}

/// A run with its events, or with those after a certain one.
package struct StoredRun: Sendable {
    package var header: RunHeader
    /// The sequence of the event before the first one in here; 0 when this is the whole run.
    package var after: Int
    /// The events, 32 bytes each.
    package var events: [UInt8]
    /// The arena bytes that came with them.
    package var arena: [UInt8]
    /// The entries that all of this came in.
    package var entries: [StoredEntry] = []
    /// What is taken of the memory for what it holds.
    package var memory: TellingMemory?

    package init(header: RunHeader, after: Int, events: [UInt8], arena: [UInt8]) {
        self.header = header
        self.after = after
        self.events = events
        self.arena = arena
    }

    /// Adds the events to a log that has those before them; the caller of ``RunReading/load(_:after:)`` gave that log's count.
    package func append(to log: inout RunLog) {
        precondition(log.count == after)
        events.withUnsafeBytes { events in arena.withUnsafeBytes { log.append(events: events, arena: $0) } }
    }
}
