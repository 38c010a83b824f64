internal import FlatValue
internal import WorkflowCore

/// Starts that record nothing where the input does not fit the workflow.
extension Worker {
    /// Gives up a run with ``JournaledRun/refusesInput`` whose input does not fit, before anything of it is recorded.
    ///
    /// - Returns: false for every other run.
    func refusesInput(of run: Run, _ journaled: JournaledRun) -> Bool {
        guard run.submittedEvents == 0, let error = refusedInput(of: run) else { return false }
        journaled.refusal = error
        lose(
            run,
            JournalError(code: .invalidInput, message: error["message"]?.string ?? "the input does not fit"))
        return true
    }

    /// The error of a run that is over because its input does not fit its schema; nil for every other run.
    private func refusedInput(of run: Run) -> Value? {
        guard run.machine.isOver, run.machine.status == .failed else { return Value?.none }
        let end = run.log.count - 1
        guard end >= 0, !(0...end).contains(where: { run.log[$0].kind == .workflowStart }),
            let error = run.log.copy(run.log[end].payload),
            error["code"]?.string == JournalError.Code.invalidInput.rawValue
        else { return Value?.none }
        return error
    }
}
