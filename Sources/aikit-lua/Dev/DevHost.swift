internal import FileWatching
internal import HostEffects
internal import LuaWorkflows
internal import SQLiteJournal
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// The part of a dev session that works beside the main thread: the engine, the script that follows its files, the watcher.
final class DevHost: Sendable {
    let engine: WorkflowEngine
    let live: LiveScript
    private let journal: SQLiteJournal?
    private let mailbox: MessageBox<DevMessage>
    private let watcher = Mutex<FileWatcher?>(nil)

    init(_ plan: RunPlan, journal: SQLiteJournal?, mailbox: MessageBox<DevMessage>) {
        self.journal = journal
        self.mailbox = mailbox
        engine = WorkflowEngine(
            workers: max(plan.workers, 2), host: HostEffectsService(permissions: plan.permissions), journal: journal,
            log: { mailbox.post(.log($0)) })
        let options = LuaScriptOptions(print: { mailbox.post(.text($0)) }, log: { mailbox.post(.log($0)) })
        let wanted = plan.workflow
        live = LiveScript(path: plan.script, on: engine, options: options) { (script) throws(ScriptError) in
            do throws(UsageError) {
                _ = try choose(wanted, in: script.workflows)
            } catch {
                throw ScriptError(code: "no_workflow", file: script.path, message: error.problem.message)
            }
        }
    }

    /// Loads the script and follows its files from then on.
    func start() {
        let made = FileWatcher { [weak self] in
            // On the watcher's thread, so that what is told comes in the order in which it was found.
            guard let self else { return }
            waitFor { await self.refresh() }
        }
        watcher.withLock { $0 = made }
        Task.detached { await self.refresh() }
    }

    private func refresh() async {
        let refresh = await live.refresh()
        // What has come into view may have changed before it was watched: the watcher looks once more.
        watcher.withLock { $0 }?.watch(live.paths)
        if case .live(let generation, _, _) = refresh, let journal {
            do {
                try await journal.save(generation.script.stored)
            } catch {
                mailbox.post(.failed(error))
            }
        }
        if case .unchanged = refresh { return }
        mailbox.post(.refreshed(refresh))
    }

    func stop() {
        watcher.withLock { watcher in
            watcher?.stop()
            watcher = nil
        }
        if let journal { waitFor { await journal.close() } }
    }
}
