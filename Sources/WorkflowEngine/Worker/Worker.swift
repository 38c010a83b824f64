internal import Synchronization
public import WorkflowCore

/// One thread that owns executors and runs, and drives the runs' machines.
///
/// Work reaches it through its inbox only, and leaves it in batches. It never waits for anything but its inbox and its
/// timers; whatever takes time is done elsewhere and comes back as a message.
package final class Worker: @unchecked Sendable {
    enum Message {
        case perform((Worker) -> Void)
        case answer(Run, life: UInt32, call: UInt64, token: UInt32, HostAnswer)
        case journaled(JournalBatch, [JournalOutcome])
        case stop
    }

    /// How many commands one run may carry out before others have their turn.
    package static let turnBudget = 1024

    package let index: Int
    let clock: any EngineClock
    let host: any HostEffects
    let journal: (any RunJournal)?
    let log: @Sendable (LogRecord) -> Void

    /// How many runs that callers hold have begun here and have not ended.
    let load = Atomic<Int>(0)
    private let inbox = Inbox<Message>()
    private var taken: [Message] = []
    private var executors: [ObjectIdentifier: GenerationExecutor] = [:]
    private var ready: [Run] = []
    private var nextReady = 0
    private var batch: JournalBatch?
    private var spareBatches: [JournalBatch] = []
    private var pools: [ObjectIdentifier: RunPool] = [:]
    /// The pool that was used last: most runs are of the same workflow as the one before.
    private var latestPool: RunPool?
    private var isStopping = false
    var timers = TimerHeap()
    /// Microseconds since 1970, read once a turn of the loop.
    var now: Int64 = 0
    var callCount: UInt64 = 0
    var random = SplitMix()
    /// Requests to the host that are not answered: a clock that jumps must not jump over them.
    var outstanding = 0

    init(
        index: Int, clock: any EngineClock, host: any HostEffects, journal: (any RunJournal)?,
        log: @escaping @Sendable (LogRecord) -> Void
    ) {
        self.index = index
        self.clock = clock
        self.host = host
        self.journal = journal
        self.log = log
    }

    func start() {
        WorkerThread.start { self.loop() }
    }

    /// Ends the thread after what it does now; runs that are under way stay as the journal has them.
    func stop() { inbox.post(.stop) }

    /// Keeps a clock that jumps from jumping, until as many calls of ``releaseClock()``; on the worker's thread only.
    package func holdClock() { outstanding += 1 }

    /// Lets the clock jump again; also used by who answers a request of a run with other runs of this worker, for which
    /// time has to pass.
    package func releaseClock() { outstanding -= 1 }

    /// Has `body` run on the worker's thread; may be called from any thread.
    package func perform(_ body: sending @escaping (Worker) -> Void) { inbox.post(.perform(body)) }

    func post(_ message: Message) { inbox.post(message) }

    // MARK: The loop

    private func loop() {
        while !isStopping {
            now = clock.now()
            inbox.take(into: &taken, waiting: pause())
            now = clock.now()
            if !taken.isEmpty {
                var messages: [Message] = []
                swap(&messages, &taken)
                for message in messages { handle(message) }
                messages.removeAll(keepingCapacity: true)
                taken = messages
            }
            while let timer = timers.pop(dueAt: now) { fire(timer) }
            driveReady()
            submitBatch()
        }
        executors.removeAll()
        for pool in pools.values { pool.close() }
        pools.removeAll()
        latestPool = nil
    }

    /// How long the inbox may sleep, in nanoseconds: nil for ever.
    private func pause() -> UInt64? {
        if nextReady < ready.count { return 0 }
        guard let next = timers.next else { return nil }
        if next <= now { return 0 }
        if outstanding == 0, !inbox.hasMessages, clock.skip(to: next) { return 0 }
        return UInt64(next - now) * 1000
    }

    private func handle(_ message: Message) {
        switch message {
        case .perform(let body): body(self)
        case .answer(let run, let life, let call, let token, let answer):
            outstanding -= 1
            guard run.life == life else { return }
            enter(run)
            answered(run, call: call, token: token, answer)
            leave(run)
            enqueue(run)
        case .journaled(let batch, let outcomes): journaled(batch, outcomes)
        case .stop: isStopping = true
        }
    }

    private func fire(_ timer: TimerHeap.Timer) {
        let run = timer.run
        guard run.life == timer.life, !run.isLost else { return }
        enter(run)
        switch timer.purpose {
        case .frame(let frame, let serial): run.decide(.timerFired(frame: frame, serial: serial), at: now)
        case .sleep(let call, let token): answered(run, call: call, token: token, HostAnswer(ok: true, value: .null))
        case .timeout(let call): timedOut(run, call: call)
        }
        leave(run)
        enqueue(run)
    }

    /// Turns to a run: what is asked to stop from now on is this run's code, and what was asked before is seen here.
    private func enter(_ run: Run) {
        run.executor.beginWatch(run.token)
        if run.cancelAsked.load(ordering: .acquiring) { cancel(run) }
    }

    private func leave(_ run: Run) { run.executor.endWatch() }

    package func enqueue(_ run: Run) {
        guard !run.isReady, !run.isLost else { return }
        run.isReady = true
        ready.append(run)
    }

    private func driveReady() {
        // Runs that become ready meanwhile are taken in the same turn, up to a bound, so that the inbox is looked at.
        var turns = 0
        while nextReady < ready.count, turns < 4096 {
            let run = ready[nextReady]
            nextReady += 1
            turns += 1
            run.isReady = false
            drive(run)
        }
        if nextReady == ready.count {
            ready.removeAll(keepingCapacity: true)
            nextReady = 0
        } else if nextReady > 8192 {
            ready.removeFirst(nextReady)
            nextReady = 0
        }
    }

    /// Carries a run as far as it goes: until it waits for the host, for the journal, for a timer or for somebody.
    func drive(_ run: Run, budget: Int = Worker.turnBudget) {
        guard !run.isLost else { return }
        enter(run)
        var budget = budget
        if journal == nil {
            while budget > 0, let command = run.takeCommand() {
                carryOut(command, of: run)
                budget -= 1
            }
        } else {
            // Commands wait until the events that they follow from are durable. Those that are open now may all begin.
            while budget > 0, run.isDurable, run.hasCommands, !run.isHeld {
                for _ in 0..<run.commandCount {
                    guard let command = run.takeCommand() else { break }
                    carryOut(command, of: run)
                    budget -= 1
                }
            }
        }
        leave(run)
        submit(run)
        if run.isDurable || journal == nil { advanced(run) }
        if run.isHeld { quieten(run) }
        if run.hasCommands {
            if budget <= 0 { enqueue(run) }
        } else if !run.isHeld, !run.machine.isOver {
            parkIfIdle(run)
        }
    }

    /// How far away the end of a wait has to be for a run to be worth parking, in microseconds.
    static let parkingTime: Int64 = 1_000_000

    /// Parks a run that is durable and waits for long: for a person, a signal, or a time that is far away.
    private func parkIfIdle(_ run: Run) {
        guard run.isDurable || journal == nil else { return }
        if run.calls.isEmpty {
            let status = run.machine.status
            guard status == .waiting || status == .waitingHuman else { return }
            let deadline = run.machine.earliestDeadline
            guard deadline == 0 || deadline > now + Self.parkingTime else { return }
        } else if !run.waitsLong {
            return
        }
        run.park()
    }

    // MARK: Runs

    /// The executor of a generation on this worker, made when it is first asked for.
    package func executor(of generation: Generation) throws -> any StepExecutor {
        if let known = executors[ObjectIdentifier(generation)] { return known.executor }
        let executor = try generation.makeExecutor()
        if !generation.isRetired { adopt(executor, for: generation) }
        return executor
    }

    /// Keeps an executor that was made while its script was loaded.
    package func adopt(_ executor: any StepExecutor, for generation: Generation) {
        executors[ObjectIdentifier(generation)] = GenerationExecutor(generation: generation, executor: executor)
    }

    /// Forgets a generation; its VM goes with the last run that uses it.
    package func drop(_ generation: Generation) {
        executors[ObjectIdentifier(generation)] = nil
        for (key, pool) in pools where pool.definition.generation === generation {
            pool.close()
            pools[key] = nil
        }
        latestPool = nil
        timers.removeAll { $0.isOver && $0.definition.generation === generation }
    }

    /// A run of a workflow, from those that are over where there is one.
    package func makeRun(_ definition: Workflow, id: String?) throws -> Run {
        if let pool = latestPool, pool.definition === definition { return pool.take(id: id, now: now) }
        return try pool(of: definition).take(id: id, now: now)
    }

    private func pool(of definition: Workflow) throws -> RunPool {
        let key = ObjectIdentifier(definition)
        let pool = try pools[key] ?? RunPool(definition: definition, executor: executor(of: definition.generation))
        // The pool of a generation that is retired goes with the runs that it makes.
        if definition.generation.isRetired {
            pool.close()
        } else {
            pools[key] = pool
            latestPool = pool
        }
        return pool
    }

    /// Takes a run back that is over and that nobody looks at any more.
    package func recycle(_ run: Run) {
        if run.isReusable { run.pool.put(run) }
    }

    /// Begins a run. Values are appended to its arena by `write`, which gives the slices of input, metadata and ctx.
    package func begin(
        _ run: Run, observer: (any RunObserver)?, journaled: JournaledRun?,
        budget: Int = Worker.turnBudget, _ write: (inout ByteArena) -> (input: Slice, metadata: Slice, ctx: Slice)
    ) {
        run.observer = observer
        run.journaled = journaled
        let values = write(&run.log.arena)
        start(run, values.input, values.metadata, values.ctx)
        drive(run, budget: budget)
    }

    // MARK: The journal

    private func submit(_ run: Run) {
        guard journal != nil, let journaled = run.journaled, run.submittedEvents < run.log.count else {
            if journal == nil { run.durableEvents = run.log.count }
            return
        }
        let batch = openBatch()
        batch.add(
            run.log, of: journaled, from: run.submittedEvents, arena: run.submittedArena, status: run.machine.status,
            wakeAt: run.machine.earliestDeadline)
        batch.runs.append(run)
        batch.lives.append(run.life)
        if !run.settlements.isEmpty {
            for message in run.settlements { batch.settle(message) }
            run.settlements.removeAll()
        }
        run.submittedEvents = run.log.count
        run.submittedArena = run.log.arena.count
    }

    /// What goes to the journal at the end of this turn.
    func openBatch() -> JournalBatch {
        if let batch { return batch }
        let batch = spareBatches.popLast() ?? JournalBatch()
        self.batch = batch
        return batch
    }

    private func submitBatch() {
        guard let batch, let journal else { return }
        self.batch = nil
        outstanding += 1
        journal.submit(batch) { batch, outcomes in self.post(.journaled(batch, outcomes)) }
    }

    private func journaled(_ batch: JournalBatch, _ outcomes: [JournalOutcome]) {
        outstanding -= 1
        for (index, outcome) in outcomes.enumerated() {
            guard let run = batch.runs[index] as? Run, run.life == batch.lives[index], !run.isLost else { continue }
            switch outcome {
            case .durable:
                let entry = batch.entries[index]
                run.durableEvents = entry.sequence + entry.events.count / MemoryLayout<Event>.stride
                if run.isDurable { enqueue(run) }
            case .conflict:
                lose(run, JournalError(code: "conflict", message: "another process has taken the run over"))
            case .failed(let error): lose(run, error)
            }
        }
        batch.empty()
        spareBatches.append(batch)
    }

    /// Drops a run: it is not written any more, and nothing more happens to it here.
    func lose(_ run: Run, _ error: JournalError) {
        run.lost = error
        abandonCalls(of: run, code: error.code, message: error.message)
        run.observer?.runLost(run, error)
        run.observer = nil
    }

    /// Tells the observer what is new, if it is durable.
    func tell(_ run: Run) {
        guard run.deliveredEvents < run.log.count, journal == nil || run.isDurable else { return }
        let first = run.deliveredEvents
        run.deliveredEvents = run.log.count
        run.observer?.runAdvanced(run, from: first)
    }

    /// Tells the observer what is new and durable, and that the run stands still.
    private func advanced(_ run: Run) {
        guard let observer = run.observer else { return }
        tell(run)
        guard run.settledEvents != run.log.count, !run.hasCommands else { return }
        // What waits for a person no longer than until now is about to go on.
        let waits = run.calls.isEmpty && run.machine.waitsOutside && !(1...now).contains(run.machine.earliestDeadline)
        if run.machine.isOver || waits {
            run.settledEvents = run.log.count
            // A timer that nobody wants any more would keep the generation's VM until it fires.
            if run.isOver, run.definition.generation.isRetired { timers.removeAll { $0 === run } }
            observer.runSettled(run)
            // The two hold each other while the run lives.
            if run.machine.isOver { run.observer = nil }
        }
    }
}

/// A worker's executor of a generation. It holds the generation, whose identity would else pass on to a later one.
private struct GenerationExecutor {
    let generation: Generation
    let executor: any StepExecutor
}

/// What a script or the engine has to say to whoever runs it.
public struct LogRecord: Sendable {
    public enum Level: String, Sendable, CaseIterable { case debug, info, warn, error }

    public var level: Level
    public var message: String
    public var fields: Value?
    public var workflow: String
    public var run: String
    public var path: String

    package init(
        level: Level, message: String, fields: Value?, workflow: String, run: String, path: String
    ) {
        self.level = level
        self.message = message
        self.fields = fields
        self.workflow = workflow
        self.run = run
        self.path = path
    }
}

/// A small generator for jitter; what it gives comes into a run's journal as a fact.
struct SplitMix: RandomNumberGenerator {
    private var state = UInt64.random(in: 0...UInt64.max)

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
