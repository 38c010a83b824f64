internal import HostEffects
internal import LuaWorkflows
internal import WorkflowCore
internal import WorkflowEngine

/// Makes the engine and the run that a command line asks for.
struct RunLoader: Sendable {
    let plan: RunPlan
    let mailbox: Mailbox

    /// Loads the script and makes the run; nothing of the workflow has run when this returns.
    func load() async throws -> WorkflowRun {
        let mailbox = mailbox
        let engine = WorkflowEngine(
            workers: plan.workers, host: HostEffectsService(permissions: plan.permissions), journal: nil,
            log: { mailbox.post(.log($0)) })
        let options = LuaScriptOptions(
            print: { mailbox.post(.text($0)) }, log: { mailbox.post(.log($0)) })
        let script = try await LuaScript.load(path: plan.script, on: engine, options: options)
        return engine.createRun(try choose(plan.workflow, in: script.workflows), id: plan.runID)
    }
}

/// The workflow of an id, or the only one.
func choose(_ id: String?, in workflows: [Workflow]) throws(UsageError) -> Workflow {
    let ids = workflows.map(\.id)
    guard let id else {
        if workflows.count == 1 { return workflows[0] }
        throw UsageError(
            "the script has \(workflows.count) workflows; choose one with --workflow: \(ids.joined(separator: ", "))")
    }
    if let workflow = workflows.first(where: { $0.id == id }) { return workflow }
    let hint = nearest(to: id, in: ids).map { "did you mean '\($0)'?" } ?? "it has: \(ids.joined(separator: ", "))"
    throw UsageError("the script has no workflow '\(id)'; \(hint)")
}
