package import FlatValue
package import WorkflowCore

extension StoredRun {
    /// The run's journal, checked against the plan that it was recorded on.
    ///
    /// - Throws: ``JournalError`` with the code `other_code` when the run was recorded on another plan, `store_newer` or
    ///   `store_corrupt` when its journal is none that this version can go on with. Other runs are not affected.
    package func decoded(on plan: Plan) throws(JournalError) -> JournalDecoder {
        try header.expect(plan)
        var decoder = JournalDecoder(plan: plan)
        try decoder.take(self)
        return decoder
    }
}

extension StoredRun {
    /// The values of all events of some kinds, in order; what is damaged is left out. For a look at a run whose plan is not
    /// at hand.
    package func payloads(of kinds: Set<EventKind>) -> [Value] {
        events.withUnsafeBytes { events in
            arena.withUnsafeBytes { JournalDecoder.payloads(of: kinds, events: events, arena: $0) }
        }
    }
}

extension RunHeader {
    /// Refuses a plan that the run was not recorded on.
    package func expect(_ plan: Plan) throws(JournalError) {
        guard let fingerprint = origin.fingerprint, fingerprint != plan.fingerprint else { return }
        throw JournalError(
            code: .otherCode,
            message:
                "run \(id) was recorded on other code: the steps or the schemas of workflow '\(workflow)' have changed since; "
                + "upgrade the run, or go on with the code that it began with")
    }
}

extension JournalDecoder {
    /// Takes what a store has of a run beyond what was taken before.
    package mutating func take(_ stored: StoredRun) throws(JournalError) {
        guard stored.after == log.count else {
            throw JournalError(code: .storeCorrupt, message: "the journal of run \(stored.header.id) has a gap")
        }
        var damage: JournalDamage?
        stored.events.withUnsafeBytes { events in
            stored.arena.withUnsafeBytes { arena in
                do throws(JournalDamage) { try take(events: events, arena: arena) } catch { damage = error }
            }
        }
        guard let damage else { return }
        throw JournalError(
            code: damage.isOfNewerVersion ? .storeNewer : .storeCorrupt,
            message: "the journal of run \(stored.header.id) cannot be read: \(damage); other runs are not affected")
    }
}
