internal import Synchronization
internal import WorkflowCore

/// Runs that outlive their process, for programs that embed the engine.
extension WorkflowEngine {
    /// Goes on with the unfinished runs of these workflows that nobody drives: those of a process that died, and those whose
    /// timers are still to fire.
    ///
    /// What had ended is not run again; a step that was under way begins again with the same ``StepContext/idempotencyKey``. Runs
    /// that wait for a person or a signal alone are taken up with ``takeUp(_:of:)`` when there is something for them.
    ///
    /// - Returns: the runs, which go on by themselves.
    /// - Throws: ``JournalError`` when the store fails.
    public func recover(_ workflows: [Workflow]) async throws -> [WorkflowRun] {
        let runs = Mutex<[WorkflowRun]>([])
        for workflow in workflows {
            _ = try await recover(
                RecoveryScope(workflow: workflow.id), load: { _ in workflow },
                began: { run in runs.withLock { $0.append(run) } })
        }
        return runs.withLock { $0 }
    }

    /// Takes up one run of the store, whatever it waits for; from then on this engine drives it.
    ///
    /// - Throws: ``RunFailure`` with the code `missing`, `over` or `owned` when the run cannot be taken up, or `unknown_workflow`
    ///   when it is of none of these workflows, or `no_store` for an engine that keeps no runs; ``JournalError`` when the store fails.
    public func takeUp(_ id: String, of workflows: [Workflow]) async throws -> WorkflowRun {
        switch try await storedRuns().claim(id) {
        case .missing: throw RunFailure(code: RunFailure.Code.missing, message: "there is no run '\(id)'")
        case .over(let header):
            throw RunFailure(code: RunFailure.Code.over, message: "run \(id) is over (\(header.status.rawValue))")
        case .owned(let header):
            throw RunFailure(
                code: RunFailure.Code.owned,
                message: "run \(id) is driven by \(header.owner?.name ?? "another process")")
        case .claimed(let claimed):
            return try await takeUp(claimed) { claimed in
                guard let workflow = workflows.first(where: { $0.id == claimed.journaled.workflow }) else {
                    throw RunFailure(
                        code: RunFailure.Code.unknownWorkflow,
                        message: "run \(id) is one of workflow '\(claimed.journaled.workflow)'")
                }
                return workflow
            }
        }
    }
}
