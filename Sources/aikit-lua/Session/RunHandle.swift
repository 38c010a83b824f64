internal import WorkflowCore
internal import WorkflowEngine

/// A run that the session drives, with what its display needs to know.
struct RunHandle: Sendable {
    var run: WorkflowRun
    var plan: Plan

    init(_ run: WorkflowRun) {
        self.run = run
        plan = run.definition.plan
    }

    var id: String { run.id }
}
