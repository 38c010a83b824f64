package import FlatValue
package import WorkflowCore

extension WorkflowEngine {
    /// Calls a function of a workflow that belongs to no step and to no run, on a worker. It has to answer at once.
    ///
    /// - Parameter name: as the script names it, for messages.
    /// - Throws: ``RunFailure`` with the code of the error that the function raised, `may_not_wait` or `timeout`.
    package func ask(
        _ workflow: Workflow, _ slot: CallbackSlot, named name: String, _ argument: Value
    ) async throws -> Value {
        if let driver = workflow.generation.driver {
            return try await driver.ask(workflow, slot, named: name, argument)
        }
        let worker = pickWorker()
        return try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Value, any Error>) in
            let posted = worker.perform { worker in
                do {
                    let run = try worker.makeRun(workflow, id: nil)
                    let before = worker.enter(run)
                    let answer = argument.withBytes { worker.ask(slot, named: name, $0, of: run) }
                    worker.leave(run, before)
                    continuation.resume(
                        with: answer.mapError { error in
                            RunFailure(
                                code: "hook_failed", message: error.message, details: ["code": Value(error.code)])
                        })
                } catch {
                    continuation.resume(throwing: RunFailure.loadFailed(error))
                }
            }
            if !posted { continuation.resume(throwing: RunFailure.engineStopped) }
        }
    }
}
