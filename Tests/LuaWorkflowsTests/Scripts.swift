internal import FlatValue
internal import Foundation
internal import LuaWorkflows
internal import WorkflowCore
internal import WorkflowEngine

/// Script files in a folder of their own, and an engine to load them on; both go when the test ends.
final class Scripts {
    let folder: URL
    let engine: WorkflowEngine

    init(_ files: [String: String] = [:], workers: Int = 1, host: any HostGateway = NoHostOperations()) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "scripts-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        engine = WorkflowEngine(workers: workers, host: host, journal: nil)
        for (name, source) in files { try write(name, source) }
    }

    deinit {
        engine.shutdown()
        try? FileManager.default.removeItem(at: folder)
    }

    func write(_ name: String, _ source: String) throws {
        let file = folder.appending(path: name)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(source.utf8).write(to: file)
    }

    func remove(_ name: String) throws { try FileManager.default.removeItem(at: folder.appending(path: name)) }

    /// Loads `main.lua`, or another file.
    func load(_ name: String = "main.lua", options: LuaScriptOptions = LuaScriptOptions()) async throws(ScriptError)
        -> LuaScript
    {
        try await LuaScript.load(path: folder.appending(path: name).path, on: engine, options: options)
    }

    /// The error with which a script is refused; nil when it is not.
    func refusal(of source: String, options: LuaScriptOptions = LuaScriptOptions()) async -> ScriptError? {
        do throws(ScriptError) {
            _ = try await LuaScript.load(
                source: source, named: folder.appending(path: "main.lua").path, on: engine, options: options)
            return nil
        } catch {
            return error
        }
    }

    /// Loads `main.lua` and runs its first workflow to where it settles.
    func run(_ input: Value = .emptyObject) async throws -> RunResult {
        try await engine.createRun(load().workflows[0]).run(input: input).result()
    }
}

/// A script with one workflow of one step, whose handler is `body` with `input` and `context`.
func oneStep(_ body: String) -> String {
    """
    local aikit = require "aikit"
    return aikit.workflow { id = "one" }
      :step { id = "only", handler = function(input, context) \(body) end }
      :commit()
    """
}
