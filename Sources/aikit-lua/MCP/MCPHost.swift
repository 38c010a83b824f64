internal import FlatValue
internal import LuaWorkflows
internal import MemoryJournal
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowServer
internal import WorkflowTelemetry

/// Workflows for one client of the Model Context Protocol at standard input and output, until the client closes the input.
final class MCPHost: Sendable {
    /// The longest message, in bytes.
    private static let lineLimit = 8 << 20
    /// How long calls may still be answered once the client has said its last word.
    private static let answerGrace = Duration.seconds(1)
    /// How long steps may go on after that.
    private static let grace = Duration.seconds(1)

    private let settings: ServeSettings
    private let log: ServeLog
    let phase = ServicePhase()
    private let calls = MCPTasks()

    init(_ settings: ServeSettings) {
        self.settings = settings
        log = ServeLog(settings.logFormat)
    }

    /// Serves the client until it is gone, or the phase ends.
    func run() async throws {
        let location = try StoreLocation(settings.store, beside: ServeSession.folder(of: settings.paths[0]) + "x")
        let log = log
        let file = try location.open(creates: true) { log.warn($0) }
        let store: any RunStore = file ?? MemoryJournal()
        let exportSettings = try ExportSettings.read(otlp: settings.otlp)
        let host = HostSettings(
            permissions: settings.permissions, secrets: try settings.secrets.open(), isolation: settings.isolation,
            workers: settings.workers ?? ServeSession.cores, isTraced: exportSettings != nil,
            print: { log.info($0) }, log: { log.write($0) }, tell: { log.warn($0) })
        let (engine, options) = (host.engine(on: store), host.scripts)
        let export = exportSettings.map { TraceExport($0, store: store) { log.warn($0) } }
        export?.follow(engine)
        await export?.begin()
        let deployments = Deployments(settings.paths, engine: engine, store: store, options: options, log: log)
        await deployments.refresh()
        let directory = try RunDirectory(engine, catalog: deployments)
        let place = location == .memory ? nil : store.name
        let offers = MCPOffers(directory, resources: Guides.all) { run, path in
            guard let place else { return "The run ends with this client's session, as nothing keeps it." }
            return "A person answers it by: aikit-lua resume \(shellQuoted(run)) --store \(shellQuoted(place)) "
                + "--step \(shellQuoted(path)) --data '{…}'"
        }
        let session = MCPSession(offers, for: Principal(name: "", role: .run))
        phase.serve()
        listen(session)
        let helpers = Task {
            await withTaskGroup { helpers in
                helpers.addTask {
                    await QueueService(directory) { run, error in
                        log.warn("run \(run) cannot begin: \(problems(of: error).first?.message ?? "\(error)")")
                    }.run()
                }
                if let export { helpers.addTask { await export.keepSendingUnsent(deployments) } }
                if self.settings.watches { helpers.addTask { await DeploymentWatch(deployments).run() } }
            }
        }
        await phase.ended()
        await calls.ended(within: Self.answerGrace)
        helpers.cancel()
        await directory.releaseAll(within: Self.grace)
        directory.events.close()
        calls.cancelAll()
        await export?.finish(within: TraceExport.patience)
        await engine.shutdown(grace: .zero)
        await store.close()
    }

    /// Takes the client's messages on a thread of its own, one after the other; what waits for runs goes on beside it.
    private func listen(_ session: MCPSession) {
        let (calls, phase) = (calls, phase)
        WorkerThread.start {
            var input = MCPInput(limit: Self.lineLimit)
            while let line = input.next() {
                switch line {
                case .tooLong:
                    Self.send(
                        RPCError(.invalidRequest, "The message has more than \(Self.lineLimit) bytes").answer(to: nil))
                case .text(let bytes):
                    do {
                        let message = try bytes.withUnsafeBytes { bytes throws(RPCFault) in try RPCMessage(bytes) }
                        guard let work = session.receive(message, via: { Self.send($0) }) else { continue }
                        if work.isLong { calls.add(work.run) } else { waitFor { await work.run() } }
                    } catch {
                        if let fault = error as? RPCFault { Self.send(fault.answer) }
                    }
                }
            }
            phase.finish()
        }
    }

    private static let sending = Mutex(())

    private static func send(_ message: Value) {
        var line = message.json + "\n"
        sending.withLock { _ in line.withUTF8 { TextStream.output.writeJSON(UnsafeRawBufferPointer($0)) } }
    }
}

/// The tasks of calls that are under way.
final class MCPTasks: Sendable {
    private let tasks = Mutex<[Int: Task<Void, Never>]>([:])
    private let last = Atomic<Int>(0)

    func add(_ body: @escaping @Sendable () async -> Void) {
        let number = last.add(1, ordering: .relaxed).newValue
        tasks.withLock { tasks in
            tasks[number] = Task { [self] in
                await body()
                _ = self.tasks.withLock { $0.removeValue(forKey: number) }
            }
        }
    }

    /// Returns when none is under way, or the time is over.
    func ended(within limit: Duration) async {
        let end = ContinuousClock.now + limit
        while !tasks.withLock(\.isEmpty), ContinuousClock.now < end { try? await Task.sleep(for: .milliseconds(5)) }
    }

    func cancelAll() {
        let all = tasks.withLock { Array($0.values) }
        for task in all { task.cancel() }
    }
}
