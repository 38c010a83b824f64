/// Taking runs over and letting them go.
///
/// A journal owns the runs that it made or claimed, under one lease for all of them that it renews by itself. When the lease is
/// lost (the process hung, and another one claimed), all runs that it owned are lost with it: their entries end in
/// ``JournalOutcome/conflict`` from then on. What it makes or claims afterwards it owns again.
package protocol RunOwning: QueueStore {
    /// Takes over runs that nobody drives; one answer for each, in order.
    ///
    /// A run whose owner's process is gone can be claimed at once, one whose owner only hangs when its lease has run out. A run
    /// that cannot be read fails alone, and stays as it is.
    func claim(_ runs: [String]) async throws(JournalError) -> [Result<Claim, JournalError>]

    /// Lets runs go, so that anybody may claim them; entries for them are refused from then on.
    func release(_ runs: [JournaledRun]) async throws(JournalError)

    /// Moves a run to other code, in one transaction: puts other events in the place of its events, one for one, while the
    /// values stay where they are, pins it to another generation, and appends what a batch has.
    ///
    /// The run must be owned by this journal and have exactly as many events; the batch has entries of this run only.
    func rewrite(_ run: JournaledRun, _ rewriting: RunRewriting, appending batch: JournalBatch)
        async throws(JournalError)
}

/// What a run becomes when it is moved to other code.
package struct RunRewriting: Sendable {
    /// All events of the run in their new form, 32 bytes each.
    package let events: [UInt8]
    package let generation: String
    /// Of the plan that the events are of from now on.
    package let fingerprint: String
    /// The links of all entries with these events.
    package let links: [EntryLink]

    package init(events: [UInt8], generation: String, fingerprint: String, links: [EntryLink]) {
        self.events = events
        self.generation = generation
        self.fingerprint = fingerprint
        self.links = links
    }
}

/// What came of claiming a run.
package enum Claim: Sendable {
    case claimed(ClaimedRun)
    /// Somebody drives it; a message may be posted to them.
    case owned(RunHeader)
    /// It is over.
    case over(RunHeader)
    case missing
}

/// A run that is its journal's from now on.
package struct ClaimedRun: Sendable {
    package let journaled: JournaledRun
    /// All of its events.
    package let stored: StoredRun
    /// What waits for it in its inbox, oldest first.
    package let messages: [InboxMessage]

    package init(_ journaled: JournaledRun, _ stored: StoredRun, _ messages: [InboxMessage]) {
        self.journaled = journaled
        self.stored = stored
        self.messages = messages
    }
}

extension RunOwning {
    package func claim(_ run: String) async throws(JournalError) -> Claim {
        try await claim([run]).first?.get() ?? .missing
    }

    /// Does something with a claimed run, which is let go where that fails.
    package func holding<Result>(
        _ run: ClaimedRun, _ body: () async throws -> Result
    ) async throws -> Result {
        do {
            return try await body()
        } catch {
            try? await release([run.journaled])
            throw error
        }
    }
}
