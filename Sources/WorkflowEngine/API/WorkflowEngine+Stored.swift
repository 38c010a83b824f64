/// Going on with runs that a journal holds.
extension WorkflowEngine {
    /// Builds a run anew from its journal; from then on this engine drives it.
    ///
    /// - Parameters:
    ///   - journaled: the run as this engine's journal gave it when it was claimed.
    ///   - stored: all that the journal has of it.
    ///   - definition: the workflow in the generation with which the run was started.
    /// - Throws: ``RunFailure`` when the code of the generation cannot be loaded.
    package func restore(
        _ journaled: JournaledRun, _ stored: StoredRun, of definition: Workflow
    ) async throws -> WorkflowRun {
        let restored = createRun(definition, id: journaled.id)
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            restored.worker.perform { worker in
                do {
                    let run = try worker.makeRun(definition, id: journaled.id)
                    run.observer = restored
                    run.journaled = journaled
                    stored.events.withUnsafeBytes { events in
                        stored.arena.withUnsafeBytes { run.replay(events: events, arena: $0) }
                    }
                    restored.attach(run)
                    worker.enqueue(run)
                    continuation.resume()
                } catch {
                    continuation.resume(throwing: RunFailure(code: "load_failed", message: "\(error)"))
                }
            }
        }
        return restored
    }
}
