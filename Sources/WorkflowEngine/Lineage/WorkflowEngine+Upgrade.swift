internal import FlatValue
package import WorkflowCore

/// Moving runs that nobody drives to other code.
extension RunOwning where Self: RunJournal {
    /// Moves a claimed run to another generation, if all that it recorded fits.
    ///
    /// The journal keeps every event; their numbers become those of the new plan, and one event says that the run was moved.
    ///
    /// - Parameters:
    ///   - journaled: the run as this journal gave it when it was claimed.
    ///   - stored: all that the journal has of it.
    ///   - old: the plan of the generation that the run is on.
    ///   - definition: the workflow in the generation that it is moved to, which the journal has to have.
    /// - Returns: what fits; the run has been moved if all does.
    package func upgrade(
        _ journaled: JournaledRun, _ stored: StoredRun, from old: Plan, to definition: Workflow, at time: Int64
    ) async throws(JournalError) -> Upgrade {
        let decoder = try stored.decoded(on: old)
        let upgrade = Upgrade(decoder.log, from: old, to: definition.plan)
        guard let events = upgrade.events else { return upgrade }
        var moved = stored
        moved.events = events.withUnsafeBytes { Array($0) }
        moved.header.origin.fingerprint = definition.plan.fingerprint
        let links = stored.links(with: moved.events)
        journaled.link = links.last
        let run = try ParkedRun(journaled, moved, plan: definition.plan)
        run.resume(
            cause: ["reason": "upgraded", "generation": Value(stored.header.generation)], at: time)
        try await rewrite(
            journaled,
            RunRewriting(
                events: moved.events, generation: definition.generation.id, fingerprint: definition.plan.fingerprint,
                links: links),
            appending: run.batch())
        return upgrade
    }
}
