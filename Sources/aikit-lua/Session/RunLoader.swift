internal import FlatValue
internal import HostEffects
internal import LuaWorkflows
internal import MemoryJournal
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowTelemetry

/// Makes the engine and the run that a command line asks for.
final class RunLoader: Sendable {
    /// What the run turned out to be, and how many of its events are old.
    enum Loaded: Sendable {
        /// It begins here.
        case new(WorkflowRun)
        /// It was in the store, and this process goes on with it.
        case own(WorkflowRun, pastEvents: Int)
        /// Another process drives it.
        case foreign(ForeignRun, pastEvents: Int)
        /// It was over before.
        case over(RunRecord)
    }

    let plan: RunPlan
    /// Where the run is kept; nil for the memory.
    let journal: (any LastingStore)?
    let engine: WorkflowEngine
    /// What sends the spans of runs that are driven here.
    private let scripts: StoredScripts?
    private let options: LuaScriptOptions
    private let mailbox: Mailbox
    private let widening = Mutex("")
    private let unrecorded = UnrecordedGrants()

    init(plan: RunPlan, mailbox: Mailbox, journal: (any LastingStore)?, export: TraceExport?) {
        self.plan = plan
        self.mailbox = mailbox
        self.journal = journal
        var settings = HostSettings(
            permissions: plan.permissions, secrets: plan.secrets, isolation: plan.isolation,
            // One run has one thread.
            workers: plan.isolation == .inProcess || plan.recovers ? plan.workers : 1, traces: export?.settings,
            print: mailbox.print, log: mailbox.log(plan.log.threshold), tell: { mailbox.post(.text($0)) })
        settings.refused = { [unrecorded] run in
            guard let journal, let lacking = await unrecorded.refuse(run, in: journal) else { return false }
            mailbox.post(.lacking(lacking))
            return true
        }
        options = settings.scripts
        engine = settings.engine(on: journal)
        export?.follow(engine)
        scripts = journal.map { [engine, options] in StoredScripts($0, on: engine, options: options) }
    }

    /// Loads the script and makes the run, or builds it anew from the store; nothing of the workflow runs before this
    /// returns.
    func load() async throws -> Loaded {
        if plan.needsStore { engine.adopt(ScriptCatalog(scripts: scripts)) }
        if let continuation = plan.continuation, let journal {
            return try await takeUp(StoredRuns(journal).find(continuation.runID).id)
        }
        if let fork = plan.fork { return try await start(fork) }
        let script: LuaScript
        do {
            script = try await loadScript()
        } catch let error as ScriptError {
            guard let run = try await stored(despite: error) else { throw error }
            return run
        }
        engine.adopt(ScriptCatalog(all: script.workflows, scripts: scripts))
        let workflow = try choose(plan.workflow, in: script.workflows)
        let doubts = (script.warnings + script.findings).map { issue in
            // The run begins nevertheless.
            var problem = Problem(issue)
            problem.severity = .warning
            return problem
        }
        if !doubts.isEmpty { mailbox.post(.doubts(doubts)) }
        if let journal {
            try await journal.save(script.stored)
            if let id = plan.runID, let header = try await journal.header(of: id) {
                let known = KnownRun(header, in: StoredRuns(journal))
                try await known.requireSame(workflow, of: script, plan)
                try known.requirePermissions(plan.permissions, of: script)
                return try await takeUp(id)
            }
        }
        if let id = plan.runID, let problem = RunIdentifier.problem(ofNew: id) {
            throw UsageError("--run-id \(problem)")
        }
        try script.requirePermissions(in: plan.permissions)
        return .new(engine.createRun(workflow, id: plan.runID, grant: plan.permissions.grant))
    }

    private func loadScript() async throws -> LuaScript {
        try await LuaScript.load(path: plan.script, on: engine, options: options)
    }

    /// Gives all runs that are still driven here back to the store, such as those that the session's own run has started: their
    /// steps have as long to end as its own. Ends the processes in which Lua runs, if there are any; the store stays open.
    func shutdown() async {
        // What was refused permissions is not answered any more.
        if journal != nil { await engine.releaseAll(within: unrecorded.hasRefused ? .zero : RunDriver.grace) }
        if engine.isolation != nil { await engine.shutdown(grace: .zero) }
    }

    /// The run of the id that is asked for, if the store has it: it needs nothing of the script as it is now.
    private func stored(despite error: ScriptError) async throws -> Loaded? {
        guard let journal, let id = plan.runID, let header = try await journal.header(of: id) else { return nil }
        try await KnownRun(header, in: StoredRuns(journal)).requireSame(
            workflow: plan.workflow, path: plan.script, input: plan.isInputGiven ? plan.input : Value?.none,
            permissions: plan.permissions, error: error)
        return try await takeUp(id)
    }

    /// The code that a run of the store began with; nil where it cannot be read.
    func code(of run: String) async -> ScriptBundle? {
        guard let journal, let header = try? await journal.header(of: run) else { return nil }
        return try? await StoredRuns(journal).code(of: header)
    }

    /// Goes on with a run of the store, or finds out who does.
    func takeUp(_ id: String) async throws -> Loaded {
        guard let journal, let scripts else { throw UsageError("run '\(id)' is kept nowhere") }
        switch try await journal.claim(id) {
        case .missing: throw UsageError("there is no run '\(id)' in \(journal.name)")
        case .over(let header):
            if plan.continuation != nil {
                throw UsageError("run \(id) is over (\(header.status.rawValue)); it waits for nobody")
            }
            guard let stored = try await journal.load(id) else { throw UsageError("run '\(id)' has just been removed") }
            return .over(try RunRecord(stored, plan: try await scripts.workflow(of: header).plan))
        case .owned(let header):
            let plan = try await scripts.workflow(of: header).plan
            return .foreign(ForeignRun(header, plan: plan, store: journal), pastEvents: header.sequence)
        case .claimed(let claimed):
            let run = try await engine.takeUp(claimed) {
                $0.journaled.allowance = allowance(of: $0.journaled)
                let workflow = try await scripts.workflow(of: $0.journaled)
                mailbox.post(.takingUp)
                return workflow
            }
            return .own(run, pastEvents: claimed.stored.header.sequence)
        }
    }

    /// Tells whenever nothing happens before a time to a run that another process drives, until the task is cancelled.
    func watchRests(of id: String, told: @Sendable (Int64) -> Void) async throws {
        guard let journal, plan.patience != nil else { return }
        var (seen, last): (Int64, Int64) = (0, 0)
        while !Task.isCancelled {
            let header = try await journal.header(of: id)
            let wake = header.map { $0.isResting ? $0.wakeAt : 0 } ?? 0
            // Seen twice: by then it is known whether the run waits for somebody besides, which is told otherwise.
            if wake > 0, wake == seen, wake != last {
                last = wake
                told(wake)
            }
            seen = wake
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    /// Goes on with unfinished runs of a workflow that nobody drives; `began` hears of each.
    func recover(_ workflow: String, began: @Sendable (WorkflowRun) -> Void) async throws -> [RecoveryFailure] {
        guard let scripts else { return [] }
        let scope = RecoveryScope(workflow: workflow, timersUntil: engine.clock.now())
        return try await engine.recover(
            scope,
            load: { run in
                // Nobody has asked for these runs to have more than they began with.
                run.allowance = self.unrecorded.allowance(of: run, adding: Permissions())
                return try await scripts.workflow(of: run)
            }, began: began)
    }

    /// The permissions, as options, that the run has here besides those of its journal, and where its secrets come from.
    var addedPermissions: String { widening.withLock { $0 } + plan.secretSettings.arguments }

    /// What a run may do here: what its journal says, and what the command line adds.
    private func allowance(of run: JournaledRun) -> Value? {
        let isWider = !Permissions(grant: run.origin.grant).covers(plan.permissions)
        if isWider { widening.withLock { $0 = plan.permissions.arguments } }
        return unrecorded.allowance(of: run, adding: isWider ? plan.permissions : Permissions())
    }

    /// Starts a run that takes its beginning from another one.
    private func start(_ request: RunPlan.Fork) async throws -> Loaded {
        guard let journal else { throw UsageError("run '\(request.run)' is kept nowhere") }
        let runs = StoredRuns(journal)
        let header = try await runs.find(request.run)
        let source = try await runs.load(header)
        if let id = plan.runID, try await journal.header(of: id) != nil {
            throw UsageError("there is a run '\(id)' in \(runs.path) already")
        }
        let script =
            if let path = request.script {
                try await LuaScript.load(path: path, on: engine, options: options)
            } else {
                try await LuaScript.load(bundle: try await runs.code(of: header), on: engine, options: options)
            }
        try await journal.save(script.stored)
        let workflow = try choose(header.workflow, in: script.workflows)
        let id = plan.runID ?? RunIdentifier.make()
        let grant = unrecorded.grant(of: id, from: header.origin, adding: plan.permissions)
        // What comes of it may come before it is told which run it is.
        if grant.isNull { mailbox.post(.takingUp) }
        let started = try await engine.fork(
            source, of: workflow, at: request.point, input: request.input, id: id, reason: request.reason, grant: grant)
        return .own(started.run, pastEvents: started.fork.events.count)
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
