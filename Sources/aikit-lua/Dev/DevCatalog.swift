internal import LuaWorkflows
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowServer

/// The workflows of the script as it is live.
struct DevCatalog: DeploymentCatalog {
    let live: LiveScript
    /// Nil without a store.
    let stored: StoredScripts?

    func workflows() async -> [Workflow] { live.generation?.script.workflows ?? [] }

    func workflow(_ id: String, generation: String, of run: String) async throws -> Workflow {
        if let script = live.generation?.script, script.generationID == generation,
            let workflow = script.workflows.first(where: { $0.id == id })
        {
            return workflow
        }
        if let stored { return try await stored.workflow(id, generation: generation, of: run) }
        throw RunFailure(
            code: RunFailure.Code.codeMissing,
            message: "run \(run) is one of a version of workflow '\(id)' that is gone")
    }

    func deployments() async -> [Deployment] {
        let (generation, problem) = (live.generation, live.problem)
        if generation == nil, problem == nil { return [] }
        return [
            Deployment(
                file: live.path, version: generation?.number ?? 0,
                workflows: generation?.script.workflows.map(\.id) ?? [], problem: problem)
        ]
    }
}
