internal import FlatValue
internal import WorkflowCore

/// What is called between the end that a run has come to and its terminal event.
extension Worker {
    /// Calls what undoes a step, with the step's output, or the completion handler of the workflow, with what the run came to.
    func close(_ run: Run, _ frame: Int32, _ serial: UInt32) {
        run.beginClosing()
        if let step = run.machine.undone(in: frame) {
            let node = run.plan.nodes[Int(step.node)]
            call(
                run, frame, serial, .compensate, node.compensate, step.output, within: attemptLimits(node))
        } else if let closing = run.machine.closing {
            let told = run.machine.toldOutcome(closing.outcome, &run.log)
            call(
                run, frame, serial, .completion, run.plan.completion.slot(of: closing.ending), told,
                within: limits.handler)
        }
    }
}
