internal import FlatValue
internal import HostEffects
internal import LuaWorkflows
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// What an input came to.
enum Evaluation: Sendable {
    /// The values, as they are shown.
    case values([String])
    /// More lines have to follow.
    case incomplete
    case completions(Console.Completion)
    case failed(Value)
    case cancelled
    /// There is no run to tell of.
    case refused(any Error)
}

/// Evaluates Lua in globals that last, each input as a run of its own: so it may wait for the host, and it can be stopped.
final class Evaluator: Sendable {
    private let engine: WorkflowEngine
    private let workflow: Workflow
    private let run = Mutex<WorkflowRun?>(nil)

    /// The path that frames of the evaluating script itself show.
    let name: String
    static let inputName = "input"

    /// - Parameter directory: where modules are looked for, with its last slash; empty for the working directory.
    init(
        directory: String, host: any HostGateway, options: LuaScriptOptions,
        log: @escaping @Sendable (LogRecord) -> Void
    ) async throws {
        // One worker, so one VM: the globals are always the same.
        engine = WorkflowEngine(workers: 1, host: host, journal: nil, log: log)
        name = directory + "repl"
        var options = options
        options.findsModulesLater = true
        let script = try await LuaScript.load(
            source: BundledScript.repl, named: name, on: engine, options: options)
        workflow = script.workflows[0]
    }

    deinit { engine.shutdown() }

    func evaluate(_ source: String) async -> Evaluation {
        await perform(["operation": "eval", "source": Value(source), "name": Value("=" + Self.inputName)])
    }

    /// Runs a script and keeps what it returns as the global `script`.
    func open(_ source: String, path: String) async -> Evaluation {
        await perform(["operation": "open", "source": Value(source), "name": Value("@" + path)])
    }

    func complete(_ text: String) async -> Evaluation {
        await perform(["operation": "complete", "text": Value(text)])
    }

    /// Stops what is being evaluated; may be called from any thread.
    func cancel() { run.withLock { $0 }?.cancel() }

    private func perform(_ input: Value) async -> Evaluation {
        do {
            let run = engine.createRun(workflow)
            self.run.withLock { $0 = run }
            defer { self.run.withLock { $0 = nil } }
            let result = try await run.run(input: input).result()
            switch result.status {
            case .success: return Self.evaluation(result.result ?? .null)
            case .cancelled: return .cancelled
            case .failed, .queued, .running, .waiting, .waitingHuman: return .failed(result.error ?? .null)
            }
        } catch {
            return .refused(error)
        }
    }

    private static func evaluation(_ output: Value) -> Evaluation {
        if output["incomplete"]?.bool == true { return .incomplete }
        if let names = output["names"]?.array {
            let length = Int(output["length"]?.int ?? 0)
            return .completions(Console.Completion(names: names.compactMap(\.string), length: length))
        }
        return .values((output["values"]?.array ?? []).compactMap(\.string))
    }
}
