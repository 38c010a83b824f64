internal import WorkflowCore

/// Going on with runs that a journal holds.
extension WorkflowEngine {
    /// Builds a run anew that this engine's journal has claimed; from then on this engine drives it. Where that fails, the run is
    /// let go.
    ///
    /// - Parameter workflow: gives the workflow of the run in the generation that it is pinned to as it is claimed: another process
    ///   may have moved it since it was looked at.
    /// - Throws: what `workflow` throws; ``RunFailure`` when its code cannot be loaded, with the code `no_store` for an engine that
    ///   keeps no runs.
    package func takeUp(
        _ claimed: ClaimedRun, of workflow: (ClaimedRun) async throws -> Workflow
    ) async throws -> WorkflowRun {
        try await takeUp(claimed, holdingSuspects: false, of: workflow).run
    }

    /// As above; a run that may have been the cause of its process's deaths is held back if asked.
    func takeUp(
        _ claimed: ClaimedRun, holdingSuspects: Bool, of workflow: (ClaimedRun) async throws -> Workflow
    ) async throws -> (run: WorkflowRun, isHeld: Bool) {
        try await storedRuns().holding(claimed) {
            let workflow = try await workflow(claimed)
            if claimed.journaled.allowance == nil {
                claimed.journaled.allowance = family.grant(of: claimed.journaled.id)
            }
            return try await revive(
                claimed.journaled, claimed.stored, claimed.messages, of: workflow, holdingSuspects: holdingSuspects)
        }
    }

    /// The store of the engine's runs.
    ///
    /// - Throws: ``RunFailure`` with the code `no_store` for an engine that keeps no runs.
    func storedRuns() throws(RunFailure) -> any RunStore {
        guard let journal else { throw RunFailure(code: RunFailure.Code.noStore, message: "this engine keeps no runs") }
        return journal
    }

    /// Builds a run anew from its journal; from then on this engine drives it.
    ///
    /// A step whose code was under way begins again, with the same idempotency key.
    ///
    /// - Parameters:
    ///   - journaled: the run as this engine's journal gave it when it was claimed.
    ///   - stored: all that the journal has of it.
    ///   - messages: what waited for it in the inbox when it was claimed.
    ///   - definition: the workflow in the generation with which the run was started.
    ///   - sampling: says whether the run's spans are sent, in place of what the engine says.
    /// - Throws: ``RunFailure`` when the code of the generation cannot be loaded.
    package func restore(
        _ journaled: JournaledRun, _ stored: StoredRun, messages: [InboxMessage] = [], of definition: Workflow,
        sampling: TraceSampling? = nil
    ) async throws -> WorkflowRun {
        try await revive(journaled, stored, messages, of: definition, holdingSuspects: false, sampling: sampling).run
    }

    /// Builds a run anew; one that may have been the cause of its process's deaths is held back if asked.
    func revive(
        _ journaled: JournaledRun, _ stored: StoredRun, _ messages: [InboxMessage], of definition: Workflow,
        holdingSuspects: Bool, sampling: TraceSampling? = nil
    ) async throws -> (run: WorkflowRun, isHeld: Bool) {
        live?.giveWay(journaled.id)
        // What a worker replays has to be whole, and to fit.
        _ = try stored.decoded(on: definition.plan)
        let restored = createRun(definition, id: journaled.id, grant: journaled.origin.grant)
        restored.followSuccessors()
        if let sampling { restored.sample(sampling) }
        let isHeld = try await withCheckedThrowingContinuation {
            (continuation: CheckedContinuation<Bool, any Error>) in
            let posted = restored.worker.perform { worker in
                do {
                    let run = try worker.makeRun(definition, id: journaled.id)
                    worker.observe(run, restored)
                    run.journaled = journaled
                    stored.events.withUnsafeBytes { events in
                        stored.arena.withUnsafeBytes { run.replay(events: events, arena: $0) }
                    }
                    run.goOn(at: worker.now)
                    run.isHeld = holdingSuspects && run.machine.isSuspect
                    restored.attach(run)
                    worker.handOver(run)
                    for message in messages { worker.take(message, for: run) }
                    if run.machine.isQueued { restored.runQueued(run) }
                    worker.enqueue(run)
                    continuation.resume(returning: run.isHeld)
                } catch {
                    continuation.resume(throwing: RunFailure.loadFailed(error))
                }
            }
            if !posted { continuation.resume(throwing: RunFailure.engineStopped) }
        }
        live?.add(restored)
        return (restored, isHeld)
    }
}
