internal import FileWatching
internal import FlatValue
internal import LuaWorkflows
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowServer

/// The scripts of some folders as the workflows of a server.
///
/// A file that is saved becomes a new version if it loads; if it does not, the version before stays live and the file
/// is shown with its problem. Of several files with a workflow of one id, the one that it is live from keeps it, and of several
/// workflows with a webhook of one path the one that it belongs to; at the start that is the first file by its path.
actor Deployments: DeploymentCatalog {
    private let paths: [String]
    private let engine: WorkflowEngine
    private let store: any RunStore
    private let options: LuaScriptOptions
    private let log: ServeLog
    private let stored: StoredScripts
    private var entries: [Entry] = []
    private var byID: [String: Workflow] = [:]
    /// The file that each of them is live from.
    private var owners: [String: String] = [:]
    /// The workflow that each path of a webhook belongs to.
    private var hooks: [String: String] = [:]
    /// Why the folders could not be looked at the last time; nil if they could.
    private var trouble: String?

    private struct Entry {
        let path: String
        let isNamed: Bool
        let live: LiveScript
        var problem: String?
        /// Another file has a workflow of it.
        var conflict: String?
        /// It returns no workflow: other scripts require it.
        var isModule = false
    }

    init(_ paths: [String], engine: WorkflowEngine, store: any RunStore, options: LuaScriptOptions, log: ServeLog) {
        self.paths = paths
        self.engine = engine
        self.store = store
        self.options = options
        self.log = log
        stored = StoredScripts(store, on: engine, options: options)
    }

    // MARK: Following the files

    /// Looks for files that came or went, and loads what has changed.
    func refresh() async {
        let found: [ScriptFolders.Found]
        do {
            found = try ScriptFolders.scripts(at: paths)
        } catch {
            // It is looked at every second, and said once.
            if trouble != error.problem.message { log.error("\(error.problem.message); what was live stays so") }
            trouble = error.problem.message
            return
        }
        trouble = nil
        for entry in entries where !found.contains(where: { $0.path == entry.path }) && entry.live.generation == nil {
            entries.removeAll { $0.path == entry.path }
        }
        for file in found where !entries.contains(where: { $0.path == file.path }) {
            let live = LiveScript(path: file.path, on: engine, options: options)
            entries.append(Entry(path: file.path, isNamed: file.isNamed, live: live))
        }
        entries.sort { $0.path < $1.path }
        for path in entries.map(\.path) { await refresh(path) }
        publish()
    }

    private func refresh(_ path: String) async {
        guard let live = entries.first(where: { $0.path == path })?.live else { return }
        let refresh = await live.refresh()
        var problem: String?
        var isModule = false
        switch refresh {
        case .unchanged: return
        case .live(let generation, _, _):
            do {
                try await store.save(generation.script.stored)
                let names = generation.script.workflows.map(\.id).joined(separator: ", ")
                log.info("version \(generation.number) of \(path) is live", ["workflows": .init(names)])
            } catch {
                problem = error.message
                log.error("the code of \(path) cannot be stored: \(error.message)")
            }
        case .restored: log.info("\(path) is again as it was")
        case .missing:
            problem = "the file is gone"
            log.warn("\(path) is gone; what was live stays so")
        case .failed(let error):
            isModule = error.saysNoWorkflow && live.generation == nil
            problem = error.description
            if !isModule || isNamed(path) { log.error("\(path) does not load: \(error.description)") }
        }
        guard let index = entries.firstIndex(where: { $0.path == path }) else { return }
        entries[index].problem = problem
        entries[index].isModule = isModule && !entries[index].isNamed
    }

    private func isNamed(_ path: String) -> Bool { entries.first { $0.path == path }?.isNamed == true }

    /// Makes what has been loaded the workflows of new runs.
    private func publish() {
        var workflows: [String: Workflow] = [:]
        var owners: [String: String] = [:]
        var conflicts: [String: String] = [:]
        for isKnown in [true, false] {
            for index in entries.indices {
                let path = entries[index].path
                for workflow in entries[index].live.generation?.script.workflows ?? []
                where (self.owners[workflow.id] == path) == isKnown {
                    if let owner = owners[workflow.id] {
                        conflicts[path] = "workflow '\(workflow.id)' is in \(owner) already"
                    } else {
                        owners[workflow.id] = path
                        workflows[workflow.id] = workflow
                    }
                }
            }
        }
        hooks = claim(workflows.values.sorted { (owners[$0.id] ?? "", $0.id) < (owners[$1.id] ?? "", $1.id) }) {
            path, claimant, owner in
            let problem = "the webhook '\(path)' of workflow '\(claimant)' is one of workflow '\(owner)' already"
            let file = owners[claimant] ?? ""
            if conflicts[file] == nil { conflicts[file] = problem }
        }
        for index in entries.indices {
            let conflict = conflicts[entries[index].path]
            if let conflict, entries[index].conflict != conflict { log.error("\(entries[index].path): \(conflict)") }
            entries[index].conflict = conflict
        }
        self.owners = owners
        byID = workflows
    }

    /// The workflow that each path of a webhook belongs to from now on, given those that are live, in the order in which they get
    /// what nobody has; `refuse` is told of each that does not get its path, and who has it.
    private func claim(
        _ workflows: [Workflow], refuse: (_ path: String, _ claimant: String, _ owner: String) -> Void
    ) -> [String: String] {
        var claimed: [String: String] = [:]
        for isKnown in [true, false] {
            for workflow in workflows {
                for path in workflow.plan.hooks.map(\.path) where (hooks[path] == workflow.id) == isKnown {
                    if let owner = claimed[path] {
                        refuse(path, workflow.id, owner)
                    } else {
                        claimed[path] = workflow.id
                    }
                }
            }
        }
        return claimed
    }

    /// Every path whose change may make a difference.
    var watched: [String] { entries.flatMap(\.live.paths) }

    // MARK: The catalog

    func workflows() -> [Workflow] { byID.values.sorted { $0.id < $1.id } }

    func workflow(_ id: String) -> Workflow? { byID[id] }

    func workflow(withHookAt path: String) -> Workflow? { hooks[path].flatMap { byID[$0] } }

    func workflow(_ id: String, generation: String, of run: String) async throws -> Workflow {
        for entry in entries {
            guard let script = entry.live.generation?.script, script.generationID == generation else { continue }
            if let workflow = script.workflows.first(where: { $0.id == id }) { return workflow }
        }
        do {
            return try await stored.workflow(id, generation: generation, of: run)
        } catch let error as ScriptError {
            throw RunFailure(
                code: RunFailure.Code.loadFailed,
                message: "the code that run \(run) began with does not load: \(error.description)")
        }
    }

    func deployments() -> [Deployment] {
        entries.filter { !$0.isModule }.map { entry in
            Deployment(
                file: entry.path, version: entry.live.generation?.number ?? 0,
                workflows: entry.live.generation?.script.workflows.map(\.id) ?? [],
                problem: entry.problem ?? entry.conflict)
        }
    }
}

/// Refreshes deployments when their files change, and looks now and then for new ones.
final class DeploymentWatch: Sendable {
    private let deployments: Deployments
    private let changes: AsyncStream<Void>
    private let watcher: FileWatcher

    /// How often folders are looked at for files that are new.
    private static let interval = Duration.seconds(1)

    init(_ deployments: Deployments) {
        self.deployments = deployments
        let (changes, source) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.changes = changes
        watcher = FileWatcher { source.yield() }
    }

    /// Follows the files until its task is cancelled.
    func run() async {
        watcher.watch(await deployments.watched)
        await withTaskGroup { group in
            group.addTask { [self] in
                for await _ in changes { await look() }
            }
            group.addTask { [self] in
                while !Task.isCancelled {
                    try? await Task.sleep(for: Self.interval)
                    await look()
                }
            }
        }
        watcher.stop()
    }

    private func look() async {
        await deployments.refresh()
        watcher.watch(await deployments.watched)
    }
}

extension ScriptError {
    /// Whether the script is one that other scripts require.
    fileprivate var saysNoWorkflow: Bool {
        code == "no_workflow" || diagnostics.count == 1 && diagnostics[0].message.contains("script returns")
    }
}
