internal import FlatValue
internal import Synchronization
internal import WorkflowCore
public import WorkflowEngine

/// The workflows of scripts, for a ``RunDirectory``: new runs are made of what was loaded last, and a stored run goes on with
/// exactly the code that it began with, which its store keeps.
///
/// ```swift
/// let engine = WorkflowEngine(store: try SQLiteJournal(path: "runs.db"))
/// let scripts = LuaCatalog(on: engine)
/// try await scripts.load(path: "order.lua")
/// let directory = try RunDirectory(engine, catalog: scripts)
/// let unfinished = try await directory.recover().runs
/// ```
public final class LuaCatalog: WorkflowCatalog {
    private let engine: WorkflowEngine
    private let options: LuaScriptOptions
    private let stored: StoredScripts?
    /// In the order in which they were first loaded, each path once.
    private let scripts = Mutex<[LuaScript]>([])

    public init(on engine: WorkflowEngine, options: LuaScriptOptions = LuaScriptOptions()) {
        self.engine = engine
        self.options = options
        stored = engine.journal.map { StoredScripts($0, on: engine, options: options) }
    }

    /// Loads a script and the modules that it requires, keeps its code in the engine's store, and makes new runs of its workflows from
    /// now on, in place of those that were loaded from the path before.
    ///
    /// - Throws: ``ScriptError`` with everything that is wrong with the script, ``JournalError`` when the store fails, ``RunFailure``
    ///   with the code `duplicate_workflow` when another script has a workflow of the same id.
    @discardableResult
    public func load(path: String) async throws -> LuaScript {
        try await take(try await LuaScript.load(path: path, on: engine, options: options))
    }

    /// Does the same with a script whose source is at hand; `name` is its path.
    @discardableResult
    public func load(source: String, named name: String) async throws -> LuaScript {
        try await take(try await LuaScript.load(source: source, named: name, on: engine, options: options))
    }

    private func take(_ script: LuaScript) async throws -> LuaScript {
        do {
            // Before a run of it can begin.
            try await engine.journal?.save(script.stored)
            if let old = try scripts.withLock({ try Self.put(script, into: &$0) }) { engine.retire(old.generation) }
            return script
        } catch {
            // No run of it begins: workers need not keep its code.
            engine.retire(script.generation)
            throw error
        }
    }

    /// Puts a script in the place of the one of its path, which it gives back; nil for none.
    private static func put(_ script: LuaScript, into scripts: inout [LuaScript]) throws(RunFailure) -> LuaScript? {
        for other in scripts where other.path != script.path {
            for workflow in other.workflows where script.workflows.contains(where: { $0.id == workflow.id }) {
                throw RunFailure(
                    code: "duplicate_workflow",
                    message: "'\(script.path)' and '\(other.path)' both have a workflow '\(workflow.id)'")
            }
        }
        guard let index = scripts.firstIndex(where: { $0.path == script.path }) else {
            scripts.append(script)
            return nil
        }
        defer { scripts[index] = script }
        return scripts[index]
    }

    public func workflows() async -> [Workflow] { scripts.withLock { $0.flatMap(\.workflows) } }

    public func workflow(_ id: String, generation: String, of run: String) async throws -> Workflow {
        let loaded = scripts.withLock { $0.first { $0.generationID == generation } }
        if let workflow = loaded?.workflows.first(where: { $0.id == id }) { return workflow }
        guard let stored else {
            throw RunFailure(
                code: RunFailure.Code.codeMissing,
                message: "run \(run) is one of workflow '\(id)', whose code is not here")
        }
        return try await stored.workflow(id, generation: generation, of: run)
    }
}
