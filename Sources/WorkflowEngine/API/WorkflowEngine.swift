internal import Synchronization

/// Runs workflows: it owns the workers, and hands out runs.
///
/// An engine is made once and shared. ``shutdown()`` ends its threads; durable runs that are under way then go on in the
/// next engine that recovers them.
///
/// ```swift
/// let engine = WorkflowEngine()
/// let run = try engine.createRun(definition)
/// let result = await run.run(input: ["city": "Oslo"])
/// ```
public final class WorkflowEngine: Sendable {
    package let workers: [Worker]
    package let journal: (any RunStore)?
    let live: LiveRuns?
    package let clock: any EngineClock
    private let nextWorker = Atomic<Int>(0)

    /// - Parameters:
    ///   - workers: how many threads run steps; at least 1.
    ///   - clock: the time that timers, timeouts and events go by.
    ///   - log: gets what scripts log; called on the workers' threads.
    public convenience init(
        workers: Int = 2, clock: any EngineClock = SystemClock(),
        log: @escaping @Sendable (LogRecord) -> Void = { _ in }
    ) {
        self.init(workers: workers, clock: clock, host: NoHostEffects(), journal: nil, log: log)
    }

    package init(
        workers: Int, clock: any EngineClock = SystemClock(), host: any HostEffects, journal: (any RunStore)?,
        log: @escaping @Sendable (LogRecord) -> Void = { _ in }
    ) {
        self.journal = journal
        live = journal.map { LiveRuns($0) }
        self.clock = clock
        self.workers = (0..<max(workers, 1)).map { index in
            Worker(index: index, clock: clock, host: host, journal: journal, log: log)
        }
        for worker in self.workers { worker.start() }
    }

    /// The worker with the fewest runs; of several, the one whose turn it is. So a handler that never ends, in a run that
    /// nobody stops, keeps no later run waiting while another worker is free.
    package func pickWorker() -> Worker {
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
        WorkflowRun(definition, id: id ?? RunIdentifier.make(), worker: pickWorker(), live: live)
    }

    /// Ends the workers after what they do now.
    public func shutdown() {
        for worker in workers { worker.stop() }
    }
}
