package import WorkflowEngine

/// The scripts that the runs of a store began with, each loaded once.
package actor StoredScripts {
    private let store: any RunStore
    private let engine: WorkflowEngine
    private let options: LuaScriptOptions
    private var loaded: [String: LuaScript] = [:]

    package init(_ store: any RunStore, on engine: WorkflowEngine, options: LuaScriptOptions = LuaScriptOptions()) {
        self.store = store
        self.engine = engine
        self.options = options
    }

    /// The workflow of a run, in the generation with which the run was started.
    ///
    /// - Throws: ``RunFailure`` when the store does not have it, ``ScriptError`` when it cannot be loaded.
    package func workflow(_ id: String, generation: String, of run: String) async throws -> Workflow {
        let script = try await script(generation, of: run)
        guard let workflow = script.workflows.first(where: { $0.id == id }) else {
            throw RunFailure(
                code: RunFailure.Code.codeMissing,
                message: "the code that run \(run) began with has no workflow '\(id)'")
        }
        return workflow
    }

    package func workflow(of run: JournaledRun) async throws -> Workflow {
        try await workflow(run.workflow, generation: run.generation, of: run.id)
    }

    package func workflow(of run: RunHeader) async throws -> Workflow {
        try await workflow(run.workflow, generation: run.generation, of: run.id)
    }

    private func script(_ generation: String, of run: String) async throws -> LuaScript {
        if let script = loaded[generation] { return script }
        guard let code = try await store.generation(generation), let bundle = ScriptBundle(stored: code) else {
            throw RunFailure(
                code: RunFailure.Code.codeMissing, message: "the code that run \(run) began with is not in its store")
        }
        let script = try await LuaScript.load(bundle: bundle, on: engine, options: options)
        loaded[generation] = script
        return script
    }
}
