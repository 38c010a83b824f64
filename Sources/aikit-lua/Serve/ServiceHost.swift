internal import FlatValue
internal import HostEffects
internal import LuaWorkflows
internal import MemoryJournal
internal import Platform
internal import Synchronization
internal import VMProcess
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowTelemetry

/// The store of a service.
struct ServiceStore: Sendable {
    /// What outlives the process; nil for the memory.
    let lasting: (any LastingStore)?
    let runs: any RunStore
    let stall = StoreStall()

    init(_ settings: ServeSettings, _ log: ServeLog) throws(UsageError) {
        let location = try StoreLocation(settings.store, beside: ServeSettings.folder(of: settings.paths[0]) + "x")
        lasting = try location.open(creates: true, telling: { log.warn($0) }, stalling: { [stall] in stall.set($0) })
        runs = lasting ?? MemoryJournal()
    }
}

/// Why the store of a service cannot be written at the moment. Any thread.
final class StoreStall: Sendable {
    private let error = Mutex<JournalError?>(nil)

    /// - Parameter reason: nil when it can be written again.
    func set(_ reason: JournalError?) { error.withLock { $0 = reason } }

    /// Nil while the store can be written, or nothing is known of it.
    var reason: String? { error.withLock { $0?.told } }

    /// Why something could not be written in time.
    var reasonAtEnd: String { reason ?? "the store did not answer in time" }

    /// What to say where runs could not be given back in time.
    var notice: String {
        "runs could not be released: \(reasonAtEnd); they stay in the store, and go on elsewhere when their lease is over"
    }
}

/// The workflows of a service, whoever asks for them: their code, the engine that drives their runs, and what goes on beside it.
final class ServiceHost: Sendable {
    let directory: RunDirectory
    let secrets: Secrets
    private let engine: WorkflowEngine
    private let deployments: Deployments
    private let export: TraceExport?
    private let watches: Bool
    private let log: ServeLog
    /// The option that names the store, for a shell, after a blank; empty for the memory.
    private let place: String

    /// How many threads run steps unless something else is said.
    private static var cores: Int { max(1, min(Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))), 8)) }

    /// Opens all of it; no run begins yet.
    init(_ settings: ServeSettings, on store: any RunStore, _ log: ServeLog) async throws {
        self.log = log
        place = (store as? any LastingStore).map { StoreLocation.at($0.name).arguments } ?? ""
        watches = settings.watches
        let exportSettings = try ExportSettings.read(otlp: settings.otlp)
        secrets = try settings.secrets.open()
        let host = HostSettings(
            permissions: settings.permissions, secrets: secrets, isolation: settings.isolation,
            workers: settings.workers ?? Self.cores, traces: exportSettings,
            printed: { log.write($0) }, log: { log.write($0) }, tell: { log.warn($0) })
        engine = host.engine(on: store)
        export = exportSettings.map { TraceExport($0, store: store) { log.warn($0) } }
        export?.follow(engine)
        await export?.begin()
        deployments = Deployments(
            settings.paths, engine: engine, store: store, options: host.scripts, permissions: settings.permissions,
            log: log)
        await (engine.isolation as? VMPool)?.warm()
        await deployments.refresh()
        directory = try RunDirectory(engine, catalog: deployments)
    }

    /// What a service does by itself besides answering.
    enum Duty {
        /// Begins queued runs in their turn.
        case queue
        /// Goes on with runs whose process is gone.
        case recovery
        case schedules
    }

    /// Begins its duties, and `more`; they go on until the work is ended.
    func work(_ duties: Set<Duty>, _ more: [@Sendable () async -> Void] = []) -> ServiceWork {
        var bodies = more
        if duties.contains(.queue) { bodies.append(queue().run) }
        if duties.contains(.recovery) { bodies.append(recovery().run) }
        if duties.contains(.schedules) { bodies.append(schedules().run) }
        if let export {
            bodies.append { [deployments] in await export.keepSendingUnsent(deployments) }
        }
        if watches {
            bodies.append { [deployments] in await DeploymentWatch(deployments).run() }
        }
        return ServiceWork(bodies)
    }

    private func queue() -> QueueService {
        QueueService(directory) { [log] run, error in
            log.warn("run \(run) cannot begin: \(problems(of: error).first?.message ?? "\(error)")")
        }
    }

    private func recovery() -> RecoveryService {
        RecoveryService(directory) { [log, place] run, error in
            let why = problems(of: error).first?.message ?? "\(error)"
            guard (error as? RunFailure)?.code == RunFailure.Code.permissionDenied else {
                return log.warn("run \(run) cannot be taken up: \(why)")
            }
            log.warn(
                "\(why); it is left alone, and goes on with: aikit-lua runs recover \(shellQuoted(run))\(place)")
        }
    }

    private func schedules() -> ScheduleService {
        ScheduleService(directory) { [log] report in
            switch report.event {
            case .began: log.info(report.message)
            case .skipped, .missed, .wentBack, .failed: log.warn(report.message)
            }
        }
    }

    /// Says at once what is given up with a process whose tasks stand still; any thread.
    func tellGivenUp() {
        let count = directory.liveCount
        let runs =
            count == 0
            ? "no run was under way" : "\(counted(count, "run")) \(count == 1 ? "was" : "were") not given back"
        log.warnAtEnd(
            "what is under way does not let go, so the process ends without it: \(runs)"
                + (count == 0 || place.isEmpty
                    ? "" : ", and stay in the store, and go on elsewhere when their lease is over"))
    }

    /// How long ``close()`` and the closing of a store that works may take.
    var closingTime: Duration { .seconds(1) + (export == nil ? .zero : TraceExport.patience) }

    /// Gives back what is still driven, says the last of it, and ends the engine. The store is the caller's.
    func close() async {
        directory.events.close()
        await directory.releaseAll(within: .zero)
        await export?.finish(engine, within: TraceExport.patience)
        await engine.shutdown(grace: .zero)
    }
}

/// Tasks that go on beside a service.
final class ServiceWork: Sendable {
    private let task: Task<Void, Never>
    private let over = Gate()

    /// How long one may take to heed that it is ended.
    private static let patience = Duration.seconds(2)

    init(_ bodies: [@Sendable () async -> Void]) {
        task = Task { [over] in
            await withTaskGroup { group in
                for body in bodies { group.addTask { await body() } }
            }
            over.open()
        }
    }

    /// Has all of them end; returns without waiting.
    func cancel() { task.cancel() }

    /// Has all of them end, and waits for that.
    func end() async {
        cancel()
        _ = await over.passed(within: Self.patience)
    }
}
