internal import FlatValue
internal import LuaWorkflows
internal import WorkflowCore
internal import WorkflowEngine

/// The settings of the Lua language server, as `init` and `types` write them.
enum EditorSettings {
    /// The folder of the stubs, in the project's.
    static let folder = ".aikit/types"

    static func text(naming folder: String) -> String {
        let settings: Value = [
            "$schema": "https://raw.githubusercontent.com/LuaLS/vscode-lua/master/setting/schema.json",
            "runtime.version": "Lua 5.4",
            // The sandbox has neither.
            "runtime.builtin": ["io": "disable", "debug": "disable", "package": "disable"],
            "workspace.library": Value(array: [Value(folder)]),
            "workspace.checkThirdParty": false,
        ]
        return settings.prettyJSON + "\n"
    }
}

extension LibraryDocument {
    /// The classes of the schemas of scripts, without running a workflow.
    static func classes(of scripts: [String], print: @escaping @Sendable (String) -> Void) throws -> String {
        let options = LuaScriptOptions(print: print)
        let loaded = waitFor { () -> Result<[String], any Error> in
            var definitions: [String] = []
            do {
                for path in scripts {
                    let engine = WorkflowEngine(workers: 1)
                    definitions += try await LuaScript.load(path: path, on: engine, options: options).definitions
                }
                return .success(definitions)
            } catch {
                return .failure(error)
            }
        }
        return try text(.classes(Value(array: loaded.get().map { try Value(json: $0) })))
    }
}
