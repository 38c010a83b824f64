internal import WorkflowCore

/// Going on with runs that a journal holds.
extension WorkflowEngine {
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
