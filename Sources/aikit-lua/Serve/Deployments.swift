internal import FileWatching
internal import FlatValue
internal import HostEffects
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
    private let permissions: Permissions
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
        let isUnnamable: Bool
        let live: LiveScript
        var problem: String?
        /// Another file has a workflow of it.
        var conflict: String?
        /// What it says it needs and was not given.
        var lacking = Permissions()
        /// It returns no workflow: other scripts require it.
        var isModule = false
        /// It is not there any more.
        var isGone = false
        /// The version that has been loaded since the last time, whose workflows are yet to be told.
        var news: Int?
    }

    /// - Parameter permissions: what runs may do.
    init(
        _ paths: [String], engine: WorkflowEngine, store: any RunStore, options: LuaScriptOptions,
        permissions: Permissions, log: ServeLog
    ) {
        self.paths = paths
        self.permissions = permissions
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
        for entry in entries
        where !found.contains(where: { $0.path.isSamePath(as: entry.path) }) && entry.live.generation == nil {
            entries.removeAll { $0.path.isSamePath(as: entry.path) }
        }
        for index in entries.indices {
            entries[index].isGone = !found.contains { $0.path.isSamePath(as: entries[index].path) }
        }
        for file in found where !entries.contains(where: { $0.path.isSamePath(as: file.path) }) {
            let live = LiveScript(path: file.path, on: engine, options: options)
            var entry = Entry(
                path: file.path, isNamed: file.isNamed, isUnnamable: file.isUnnamable, live: live)
            if file.isUnnamable {
                let problem = "its name is not UTF-8, so nothing can be loaded from it; rename it"
                entry.problem = problem
                log.error("\(file.path): \(problem)")
            }
            entries.append(entry)
        }
        entries.sort { $0.path < $1.path }
        // At the start the first by its path gets what several want; later what loads is live at once.
        let isFirst = owners.isEmpty
        await withTaskGroup(of: Bool.self) { group in
            var rest = entries.filter { !$0.isUnnamable }.map(\.path)[...]
            func begin() {
                guard let path = rest.popFirst() else { return }
                group.addTask { await self.refresh(path) }
            }
            for _ in 0..<Self.loadLimit { begin() }
            for await isNew in group {
                if isNew, !isFirst { publish() }
                begin()
            }
        }
        publish()
    }

    /// Scripts that are loaded beside each other: one that takes its time holds no others up.
    private static let loadLimit = 8

    /// Loads a file where it has changed; whether it has.
    private func refresh(_ path: String) async -> Bool {
        guard let live = entries.first(where: { $0.path.isSamePath(as: path) })?.live else { return false }
        let refresh = await live.refresh()
        var problem = refresh.problem
        var isModule = false
        var news: Int?
        switch refresh {
        case .unchanged: return false
        case .live(let generation, _, _):
            do {
                try await store.save(generation.script.stored)
                news = generation.number
            } catch {
                problem = error.told
                log.error("the code of \(path) cannot be stored: \(error.told)")
            }
        case .restored: log.info("\(path) is again as it was")
        case .missing: log.warn("\(path) is gone; what was live stays so")
        case .failed(let error):
            isModule = error.saysNoWorkflow && live.generation == nil
            if error.isPassing {
                log.error("\(error.description); what was live stays so, and it is tried again")
            } else if !isModule || isNamed(path) {
                log.error("\(path) does not load: \(error.description)")
            }
        }
        guard let index = entries.firstIndex(where: { $0.path.isSamePath(as: path) }) else { return false }
        entries[index].problem = problem
        if let news { entries[index].news = news }
        entries[index].isModule = isModule && !entries[index].isNamed
        return true
    }

    private func isNamed(_ path: String) -> Bool { entries.first { $0.path.isSamePath(as: path) }?.isNamed == true }

    /// Makes what has been loaded the workflows of new runs.
    private func publish() {
        var workflows: [String: Workflow] = [:]
        var owners: [String: String] = [:]
        var conflicts: [String: String] = [:]
        for rank in Rank.allCases {
            for entry in entries {
                for workflow in entry.live.generation?.script.workflows ?? []
                where Rank(isGone: entry.isGone, isOwner: self.owners[workflow.id] == entry.path) == rank {
                    if let owner = owners[workflow.id] {
                        conflicts[entry.path] = "workflow '\(workflow.id)' is in \(owner) already"
                    } else {
                        owners[workflow.id] = entry.path
                        workflows[workflow.id] = workflow
                    }
                }
            }
        }
        // What is gone, and of which nothing is live any more, is forgotten.
        let live = Set(owners.values)
        entries.removeAll { $0.isGone && !live.contains($0.path) }
        let gone = Set(entries.filter(\.isGone).map(\.path))
        let claimants = workflows.values.map { (file: owners[$0.id] ?? "", workflow: $0) }
            .sorted { ($0.file, $0.workflow.id) < ($1.file, $1.workflow.id) }
        var hooks: [String: String] = [:]
        for rank in Rank.allCases {
            for (file, workflow) in claimants {
                for path in workflow.plan.hooks.map(\.path)
                where Rank(isGone: gone.contains(file), isOwner: self.hooks[path] == workflow.id) == rank {
                    if let owner = hooks[path] {
                        let problem =
                            "the webhook '\(path)' of workflow '\(workflow.id)' is one of workflow '\(owner)' already"
                        conflicts[file] = conflicts[file] ?? problem
                    } else {
                        hooks[path] = workflow.id
                    }
                }
            }
        }
        self.owners = owners
        self.hooks = hooks
        byID = workflows
        for index in entries.indices { tell(&entries[index], conflicts[entries[index].path]) }
    }

    /// Who gets a name that several want: whose it is, then who comes anew, and what is gone from the disk last.
    private enum Rank: CaseIterable {
        case owner, newcomer, gone

        init(isGone: Bool, isOwner: Bool) { self = isGone ? .gone : isOwner ? .owner : .newcomer }
    }

    /// Logs what of a file has become live, and what keeps it from that.
    private func tell(_ entry: inout Entry, _ conflict: String?) {
        if let number = entry.news {
            entry.news = nil
            let names = (entry.live.generation?.script.workflows ?? []).map(\.id).filter { owners[$0] == entry.path }
            if !names.isEmpty {
                log.info(
                    "version \(number) of \(entry.path) is live", ["workflows": .init(names.joined(separator: ", "))])
            }
        }
        let lacking = permissions.missing(of: entry.live.generation?.script.required ?? Permissions())
        if lacking != entry.lacking, lacking != Permissions() {
            log.warn(
                "\(entry.path) needs permissions that it was not given, so runs of it may fail; to give them, add:"
                    + lacking.arguments)
        }
        entry.lacking = lacking
        if let conflict, entry.conflict != conflict { log.error("\(entry.path): \(conflict)") }
        entry.conflict = conflict
    }

    /// Every path whose change may make a difference.
    var watched: [String] { entries.filter { !$0.isUnnamable }.flatMap(\.live.paths) }

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
