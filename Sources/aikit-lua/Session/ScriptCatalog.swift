internal import LuaWorkflows
internal import WorkflowEngine

/// The workflows of a script, of which new runs are made, and those of the runs of a store, in the generations that they began
/// with.
struct ScriptCatalog: WorkflowCatalog {
    var all: [Workflow] = []
    /// Nil without a store.
    let scripts: StoredScripts?

    func workflows() async -> [Workflow] { all }

    func workflow(_ id: String, generation: String, of run: String) async throws -> Workflow {
        if let scripts { return try await scripts.workflow(id, generation: generation, of: run) }
        guard let workflow = all.first(where: { $0.id == id }) else {
            throw RunFailure(
                code: RunFailure.Code.codeMissing, message: "run \(run) is one of workflow '\(id)', which is not here")
        }
        return workflow
    }
}
