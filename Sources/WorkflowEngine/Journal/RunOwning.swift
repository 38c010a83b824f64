/// Taking runs over and letting them go.
///
/// A journal owns the runs that it made or claimed, under one lease for all of them that it renews by itself. When the lease is
/// lost (the process hung, and another one claimed), all runs that it owned are lost with it: their entries end in
/// ``JournalOutcome/conflict`` from then on. What it makes or claims afterwards it owns again.
package protocol RunOwning: AnyObject, Sendable {
    /// Takes over runs that nobody drives; one answer for each, in order.
    ///
    /// A run whose owner's process is gone can be claimed at once, one whose owner only hangs when its lease has run out.
    func claim(_ runs: [String]) async throws(JournalError) -> [Claim]

    /// Lets runs go, so that anybody may claim them; entries for them are refused from then on.
    func release(_ runs: [JournaledRun]) async throws(JournalError)

    /// Puts other events in the place of a run's events, one for one, and pins the run to another generation; the values
    /// stay where they are. The run must be owned by this journal and have exactly as many events.
    func rewrite(_ run: JournaledRun, events: [UInt8], generation: String) async throws(JournalError)
}

/// What came of claiming a run.
package enum Claim: Sendable {
    /// The run is this journal's, with all of its events and the messages that wait for it.
    case claimed(JournaledRun, StoredRun, [InboxMessage])
    /// Somebody drives it; a message may be posted to them.
    case owned(RunHeader)
    /// It is over.
    case over(RunHeader)
    case missing
}

extension RunOwning {
    package func claim(_ run: String) async throws(JournalError) -> Claim { try await claim([run])[0] }
}
