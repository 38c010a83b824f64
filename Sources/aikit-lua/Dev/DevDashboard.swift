internal import Logging
internal import LuaWorkflows
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowServer

/// The dashboard of a dev session: the server on a free port that only this machine reaches.
final class DevDashboard: Sendable {
    private let store: any RunStore
    private let directory: RunDirectory
    private let serving = Mutex<Task<Void, Never>?>(nil)

    /// - Returns: nil for an engine whose runs are kept nowhere.
    init?(_ catalog: DevCatalog, on engine: WorkflowEngine, store: any RunStore) {
        guard let directory = try? RunDirectory(engine, catalog: catalog) else { return nil }
        self.store = store
        self.directory = directory
    }

    /// Serves until ``stop()``; what there is to say is told once the address is known, or why there is none.
    func start(_ tell: @escaping @Sendable (String) -> Void) {
        var options = ServerOptions()
        options.hosts = []
        // The screen is the session's: what there is to say comes by `tell`.
        let silent = Logger(label: "aikit-lua") { _ in SwiftLogNoOpLogHandler() }
        let server = WorkflowServer(directory, options: options, logger: silent)
        let task = Task.detached {
            do {
                try await server.run(host: "127.0.0.1", port: 0) { tell("the dashboard is at http://127.0.0.1:\($0)/") }
            } catch is CancellationError {
                return
            } catch {
                tell("the dashboard is not there: \(error)")
            }
        }
        serving.withLock { $0 = task }
    }

    /// Keeps the code of a generation, so that it can be shown.
    func keep(_ script: LuaScript) async { try? await store.save(script.stored) }

    func stop() async {
        directory.events.close()
        let task = serving.withLock { $0 }
        task?.cancel()
        await task?.value
    }
}
