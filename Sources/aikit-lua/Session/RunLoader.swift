internal import HostEffects
internal import LuaWorkflows
internal import SQLiteJournal
internal import WorkflowCore
internal import WorkflowEngine

/// Makes the engine and the run that a command line asks for.
struct RunLoader: Sendable {
    /// A run that is ready to be moved on.
    struct Loaded: Sendable {
        var run: WorkflowRun
        /// How many of its events are old.
        var pastEvents = 0
    }

    let plan: RunPlan
    let mailbox: Mailbox
    /// Where the run is kept; nil for the memory.
    let journal: SQLiteJournal?

    /// Loads the script and makes the run, or builds it anew from the store; nothing of the workflow runs before this returns.
    func load() async throws -> Loaded {
        if let continuation = plan.continuation, let journal {
            return try await restore(continuation.runID, from: journal)
        }
        let engine = makeEngine()
        let script = try await LuaScript.load(path: plan.script, on: engine, options: options)
        let workflow = try choose(plan.workflow, in: script.workflows)
        if let journal {
            if let id = plan.runID, try await journal.header(of: id) != nil {
                throw UsageError("there is a run '\(id)' in \(journal.path) already")
            }
            try await journal.save(script.stored)
        }
        return Loaded(run: engine.createRun(workflow, id: plan.runID))
    }

    private func restore(_ id: String, from journal: SQLiteJournal) async throws -> Loaded {
        switch try await journal.claim(id) {
        case .missing: throw UsageError("there is no run '\(id)' in \(journal.path)")
        case .over(let header): throw UsageError("run \(id) is over (\(header.status.rawValue)); it waits for nobody")
        case .owned(let header):
            throw UsageError("run \(id) is driven by another process (\(header.owner?.name ?? "unknown"))")
        case .claimed(let journaled, let stored, _):
            guard let code = try await journal.generation(journaled.generation), let bundle = ScriptBundle(stored: code)
            else {
                throw UsageError("the code that run \(id) began with is not in \(journal.path)")
            }
            let engine = makeEngine()
            let script = try await LuaScript.load(bundle: bundle, on: engine, options: options)
            let workflow = try choose(journaled.workflow, in: script.workflows)
            let run = try await engine.restore(journaled, stored, of: workflow)
            return Loaded(run: run, pastEvents: stored.header.sequence)
        }
    }

    private func makeEngine() -> WorkflowEngine {
        let mailbox = mailbox
        return WorkflowEngine(
            workers: plan.workers, host: HostEffectsService(permissions: plan.permissions), journal: journal,
            log: { mailbox.post(.log($0)) })
    }

    private var options: LuaScriptOptions {
        let mailbox = mailbox
        return LuaScriptOptions(print: { mailbox.post(.text($0)) }, log: { mailbox.post(.log($0)) })
    }
}

/// The workflow of an id, or the only one.
func choose(_ id: String?, in workflows: [Workflow]) throws(UsageError) -> Workflow {
    let ids = workflows.map(\.id)
    guard let id else {
        if workflows.count == 1 { return workflows[0] }
        let list = ids.joined(separator: ", ")
        throw UsageError("the script has \(workflows.count) workflows; choose one with --workflow: \(list)")
    }
    if let workflow = workflows.first(where: { $0.id == id }) { return workflow }
    let hint = nearest(to: id, in: ids).map { "did you mean '\($0)'?" } ?? "it has: \(ids.joined(separator: ", "))"
    throw UsageError("the script has no workflow '\(id)'; \(hint)")
}
