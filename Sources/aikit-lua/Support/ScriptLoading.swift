internal import LuaWorkflows
internal import WorkflowEngine

/// Loads the workflows of a script to look at them; what it prints goes to standard error.
func loadWorkflows(_ script: String) throws -> [Workflow] {
    let loaded = waitFor { () -> Result<LuaScript, ScriptError> in
        let options = LuaScriptOptions(print: { TextStream.errors.writeLine($0) })
        do throws(ScriptError) {
            return .success(
                try await LuaScript.load(path: script, on: WorkflowEngine(workers: 1), options: options))
        } catch {
            return .failure(error)
        }
    }
    return try loaded.get().workflows
}
