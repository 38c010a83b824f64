package import FlatValue
internal import Platform
internal import Synchronization
internal import WorkflowCore

/// Runs workflows: it owns the workers, and hands out runs.
///
/// An engine is made once and shared. ``shutdown()`` ends its threads; durable runs that are under way then go on in the
/// next engine that recovers them.
///
/// ```swift
/// let engine = WorkflowEngine()
/// let run = engine.createRun(workflow)
/// let record = try await run.run(input: ["city": "Oslo"])
/// ```
public final class WorkflowEngine: Sendable {
    package let workers: [Worker]
    package let journal: (any RunStore)?
    let live: LiveRuns?
    package let clock: any EngineClock
    package let limits: EngineLimits
    package let host: any HostGateway
    /// The processes in which Lua runs; nil for this one.
    package let isolation: (any RunIsolation)?
    let family = RunFamily()
    private let nextWorker = Atomic<Int>(0)

    /// - Parameters:
    ///   - workers: how many threads run steps; at least 1.
    ///   - clock: the time that timers, timeouts and events go by.
    ///   - limits: what the code of a run may take.
    ///   - host: answers what scripts ask of the world outside; nothing unless given.
    ///   - log: gets what scripts log; called on the workers' threads.
    public convenience init(
        workers: Int = 2, clock: any EngineClock = SystemClock(), limits: EngineLimits = EngineLimits(),
        host: any HostGateway = NoHostOperations(), log: @escaping @Sendable (LogRecord) -> Void = { _ in }
    ) {
        self.init(workers: workers, clock: clock, limits: limits, host: host, journal: nil, log: log)
    }

    package init(
        workers: Int, clock: any EngineClock = SystemClock(), limits: EngineLimits = EngineLimits(),
        host: any HostGateway, journal: (any RunStore)?, isolation: (any RunIsolation)? = nil,
        log: @escaping @Sendable (LogRecord) -> Void = { _ in }
    ) {
        self.journal = journal
        self.isolation = isolation
        self.host = host
        let stops = family.stops
        live = journal.map { LiveRuns($0, stops) }
        self.clock = clock
        self.limits = limits
        let count = max(workers, 1)
        // A clock that goes by itself has nothing to decide.
        let sharedTime = clock is SystemClock ? nil : SharedTime(clock, workers: count)
        self.workers = (0..<count).map { index in
            let worker = Worker(
                index: index, clock: clock, sharedTime: sharedTime, limits: limits, host: host, journal: journal,
                log: log)
            sharedTime?.join(worker)
            return worker
        }
        live?.belong(to: self)
        isolation?.serve(self)
        for worker in self.workers {
            worker.engine = self
            worker.family = family
            worker.start()
        }
    }

    /// The worker with the fewest runs; of several, the one whose turn it is. So a handler that never ends, in a run that
    /// nobody stops, keeps no later run waiting while another worker is free. Code of ``onWorker(_:)`` gets its own.
    package func pickWorker() -> Worker {
        if let own = workers.first(where: \.isTurnedToTask) { return own }
        let turn = nextWorker.wrappingAdd(1, ordering: .relaxed).oldValue % workers.count
        var best = workers[turn]
        var least = best.load.load(ordering: .relaxed)
        for offset in 1..<max(workers.count, 1) where least > 0 {
            let worker = workers[(turn + offset) % workers.count]
            let load = worker.load.load(ordering: .relaxed)
            if load < least { (best, least) = (worker, load) }
        }
        return best
    }

    /// Makes a run of a workflow; nothing happens before it is started.
    ///
    /// - Parameter id: the run's id; nil makes one.
    public func createRun(_ definition: Workflow, id: String? = nil) -> WorkflowRun {
        createRun(definition, id: id, grant: .null)
    }

    /// - Parameters:
    ///   - grant: what the run's host calls may do, as it is kept in its journal; null for what the engine's gateway gives runs
    ///     that nothing is said of.
    ///   - allowance: what they may do while this process drives the run; nil for the grant.
    package func createRun(
        _ definition: Workflow, id: String?, grant: Value, allowance: Value? = nil
    ) -> WorkflowRun {
        let grant = grant.isNull && journal != nil ? host.usualGrant : grant
        return WorkflowRun(
            definition, id: id ?? RunIdentifier.make(), worker: pickWorker(), live: live, grant: grant,
            allowance: allowance)
    }

    /// Says whether the spans of the engine's runs are sent; to be called before it has one. The first one who says it counts.
    package func sample(_ sampling: @escaping TraceSampling) { family.sample(sampling) }

    /// Ends the workers after what they do now: runs are given up where they stand, and whoever waits for one is told so with
    /// the code `engine_stopped`. Returns at once; ``shutdown(grace:)`` waits.
    public func shutdown() {
        for worker in workers { worker.stop() }
        isolation?.stop()
        live?.hub.close()
    }

    /// Ends the engine: no run begins anything more, what is under way may end within `grace`, and code that runs on then is
    /// stopped. Whoever waits for a run that is not over gets ``RunFailure`` with the code `engine_stopped`, and streams end.
    ///
    /// When it returns the workers have ended, so a store may be closed; durable runs can be taken up from it.
    public func shutdown(grace: Duration) async {
        await withTaskGroup { group in
            for worker in workers {
                group.addTask {
                    let quiet = Gate()
                    guard worker.perform({ $0.drain { quiet.open() } }) else { return await worker.ended.passed() }
                    // The worker may be deep in code that does not let go, so the time is kept elsewhere.
                    let limit = Task {
                        try? await Task.sleep(for: grace)
                        quiet.open()
                    }
                    await quiet.passed()
                    limit.cancel()
                    worker.stop()
                    while true {
                        worker.interruptAll()
                        if await worker.ended.passed(within: .milliseconds(20)) { return }
                    }
                }
            }
        }
        isolation?.stop()
        await isolation?.ended()
        live?.hub.close()
    }
}

extension JournalError {
    static let engineStopped = JournalError(
        code: .engineStopped, message: "the engine has stopped; a run that is stored can be taken up again")
}
