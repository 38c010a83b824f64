internal import FileWatching
internal import HostEffects
internal import LuaWorkflows
internal import MemoryJournal
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowTelemetry

/// The part of a dev session that works beside the main thread: the engine, the script that follows its files, the
/// watcher.
final class DevHost: Sendable {
    let engine: WorkflowEngine
    let live: LiveScript
    /// What sends the spans of the session's runs.
    let export: TraceExport?
    private let journal: (any LastingStore)?
    private let dashboard: DevDashboard?
    private let mailbox: MessageBox<DevMessage>
    private let wanted: String?
    /// Whether the store is still to be asked for an input.
    private let asksForInput: Mutex<Bool>
    private let watcher = Mutex<FileWatcher?>(nil)

    init(
        _ plan: RunPlan, journal: (any LastingStore)?, asksForInput: Bool, servesDashboard: Bool,
        mailbox: MessageBox<DevMessage>
    ) {
        self.asksForInput = Mutex(asksForInput)
        self.journal = journal
        self.mailbox = mailbox
        // The dashboard shows the runs of a store, so runs in memory have one there.
        var store: (any RunStore)? = journal
        if servesDashboard, store == nil { store = MemoryJournal() }
        let show = mailbox.log(plan.log.threshold)
        export = plan.export.map { TraceExport($0, store: store) { mailbox.post(.text($0)) } }
        let settings = HostSettings(
            permissions: plan.permissions, secrets: plan.secrets, isolation: plan.isolation,
            workers: max(plan.workers, 2), traces: export?.settings, print: mailbox.print, log: show,
            tell: { mailbox.post(.text($0)) })
        engine = settings.engine(on: store)
        export?.follow(engine)
        if let export { waitFor { await export.begin() } }
        let options = settings.scripts
        let wanted = plan.workflow
        self.wanted = wanted
        live = LiveScript(path: plan.script, on: engine, options: options) { (script) throws(ScriptError) in
            do throws(UsageError) {
                _ = try choose(wanted, in: script.workflows)
            } catch {
                throw ScriptError(code: "no_workflow", file: script.path, message: error.problem.message)
            }
        }
        let catalog = DevCatalog(
            live: live, stored: store.map { [engine] in StoredScripts($0, on: engine, options: options) })
        engine.adopt(catalog)
        if servesDashboard, let store {
            dashboard = DevDashboard(catalog, on: engine, store: store)
        } else {
            dashboard = nil
        }
    }

    /// Loads the script and follows its files from then on.
    func start() {
        let made = FileWatcher(polls: { [mailbox] in mailbox.post(.note(DevText.polls)) }) { [weak self] in
            // On the watcher's thread, so that what is told comes in the order in which it was found.
            guard let self else { return }
            waitFor { await self.refresh() }
        }
        watcher.withLock { $0 = made }
        Task.detached { await self.refresh() }
        dashboard?.start { [mailbox] in mailbox.post(.note($0)) }
    }

    private func refresh() async {
        let refresh = await live.refresh()
        // What has come into view may have changed before it was watched: the watcher looks once more.
        watcher.withLock { $0 }?.watch(live.paths)
        if case .live(let generation, _, _) = refresh, let dashboard { await dashboard.keep(generation.script) }
        if case .live(let generation, _, _) = refresh, let journal {
            do {
                try await journal.save(generation.script.stored)
                try await findInput(for: generation, in: journal)
            } catch {
                mailbox.post(.failed(error))
            }
        }
        if live.isShort {
            // No change tells when there are file descriptors again.
            Task.detached { [weak self] in
                try? await Task.sleep(for: .seconds(1))
                await self?.refresh()
            }
        }
        if case .unchanged = refresh { return }
        mailbox.post(.refreshed(refresh))
    }

    /// Tells the input of the last failed run of the workflow, once and if there is one.
    private func findInput(for generation: LiveGeneration, in journal: any LastingStore) async throws {
        let isDue = asksForInput.withLock { isDue in
            defer { isDue = false }
            return isDue
        }
        guard isDue, let workflow = try? choose(wanted, in: generation.script.workflows) else { return }
        let failed = RunFilter(workflow: workflow.id, statuses: [.failed], limit: 1)
        guard let header = try await journal.list(failed).first, let stored = try await journal.load(header.id) else {
            return
        }
        let record = try RunRecord(stored, plan: workflow.plan)
        // The log lives as long as its record.
        withExtendedLifetime(record) {
            let log = record.log
            let start = (0..<log.count).first { log[$0].kind == .workflowStart }
            guard let start, let input = log.copy(log[start].payload) else { return }
            mailbox.post(.input(input, run: header.id))
        }
    }

    func stop() {
        watcher.withLock { watcher in
            watcher?.stop()
            watcher = nil
        }
        if let dashboard { waitFor { await dashboard.stop() } }
        if let export { waitFor { await export.finish(self.engine, within: TraceExport.patience) } }
        if engine.isolation != nil { waitFor { await self.engine.shutdown(grace: .zero) } }
        if let journal { waitFor { await journal.close() } }
    }
}
