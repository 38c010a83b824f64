internal import FlatValue
internal import Platform
internal import Synchronization
internal import WorkflowCore

/// One thread that owns executors and runs, and drives the runs' machines.
///
/// Work reaches it through its inbox only, and leaves it in batches. It never waits for anything but its inbox and its
/// timers; whatever takes time is done elsewhere and comes back as a message.
package final class Worker: @unchecked Sendable {
    enum Message {
        case perform((Worker) -> Void)
        /// A task that runs on this worker goes on.
        case job(UnownedJob, WorkerExecutor)
        case answer(Run, call: UInt64, token: UInt32, HostAnswer)
        /// A call's host operation tells of something that nobody records; `key` is that of a ``DeltaQueue``, or 0.
        case streamed(Run, call: UInt64, key: Int64, Value)
        case journaled(JournalBatch, [JournalOutcome])
        case stop
        /// One that has been handled.
        case none
    }

    /// How many commands one run may carry out before others have their turn.
    package static let turnBudget = 1024
    /// How long each part of a turn (messages, timers, runs) goes on before the others have theirs, in microseconds.
    static let partTime: Int64 = 1000
    /// The longest sleep while there are timers, in microseconds: the clock may have been set meanwhile.
    static let longestSleep: Int64 = 30_000_000
    /// How long nothing has to happen for memory to be given back, in nanoseconds.
    static let restTime: UInt64 = 1_000_000_000
    /// By how much the clock has to be set for waits to be looked at again, in microseconds.
    static let clockStep: Int64 = 500_000

    package let index: Int
    let clock: any EngineClock
    let host: any HostGateway
    let journal: (any RunJournal)?
    let log: @Sendable (LogRecord) -> Void
    let limits: WorkerLimits
    /// Shared by the workers of an engine whose clock may jump.
    private let sharedTime: SharedTime?
    private let isRealTime: Bool

    /// The engine ends: code that is stopped is given up, and its run goes on elsewhere or is lost.
    private let isClosing = Atomic<Bool>(false)
    /// Opened when the thread has nothing more to do.
    let ended = Gate()
    /// What begins other runs on behalf of runs of this worker. Set before the thread begins.
    weak var engine: WorkflowEngine?
    /// Another process has it drive runs, and does itself what concerns other runs; see ``HostedOperation``.
    var isHosted = false
    /// What the engine knows of runs that begin others; told of each run that is over. Set before the thread begins.
    var family: RunFamily?
    var live = LiveList()
    /// What stops the code of the executors that there are, for when the engine ends.
    let interrupters = Mutex<[ObjectIdentifier: any CallInterrupter]>([:])

    package let figures = WorkerFigures()
    private var figuresAt: Int64 = 0
    /// How many runs that callers hold have begun here and have not ended.
    let load = Atomic<Int>(0)
    private let inbox = Inbox<Message>()
    private var taken: [Message] = []
    private var nextTaken = 0
    var executors: [ObjectIdentifier: GenerationExecutor] = [:]
    private var ready: [Run] = []
    private var nextReady = 0
    var batch: JournalBatch?
    var spareBatches: [JournalBatch] = []
    var pools: [ObjectIdentifier: RunPool] = [:]
    /// The pool that was used last: most runs are of the same workflow as the one before.
    var latestPool: RunPool?
    private var isStopping = false
    /// Nothing has been done since memory was given back.
    private var isTidy = true
    var timers = TimerHeap()
    /// Microseconds since 1970, read once a turn of the loop and after each return from an executor.
    private(set) package var now: Int64 = 0
    /// Microseconds of ``EngineClock/elapsed()``, read with ``now``.
    private(set) var elapsed: Int64 = 0
    /// ``now`` less ``elapsed``, and what it was when the timers were last looked at for it.
    private var wallOffset: Int64 = 0
    private var knownOffset: Int64 = 0
    /// When the part of the turn that runs now is over, in microseconds of ``EngineClock/elapsed()``; nil for never.
    private var partEnd: Int64?
    var isPartOver: Bool { partEnd.map { elapsed >= $0 } ?? false }
    /// The worker's thread, once it has begun.
    let thread = Atomic<UInt>(0)
    /// Code of a task runs on the worker's thread now, and nothing of a run.
    var isInTask = false
    /// The run whose code would be stopped now; nil between runs.
    private unowned(unsafe) var watched: Run?
    /// Where the worker leaves ``Run/mark`` of the run that it turned to, and 0 between runs; for whoever looks at it from outside
    /// when the process has died. Set on the worker's thread.
    package var marker: UnsafeMutablePointer<UInt64>?
    /// Called on the worker's thread as the last that it does. Set there.
    package var whenEnded: [() -> Void] = []
    var callCount: UInt64 = 0
    /// The number of the last message that came from no store; they count downwards.
    var lastOwnMessage: Int64 = 0
    var random = SplitMix()
    /// Requests to the host that are not answered: a clock that jumps must not jump over them.
    var outstanding = 0

    init(
        index: Int, clock: any EngineClock, sharedTime: SharedTime?, limits: EngineLimits, host: any HostGateway,
        journal: (any RunJournal)?, log: @escaping @Sendable (LogRecord) -> Void
    ) {
        self.index = index
        self.clock = clock
        self.sharedTime = sharedTime
        isRealTime = clock is SystemClock
        self.limits = WorkerLimits(limits)
        self.host = host
        self.journal = journal
        self.log = log
    }

    func start() {
        WorkerThread.start { self.loop() }
    }

    /// Ends the thread after what it does now; runs that are under way stay as the journal has them, and whoever waits for them
    /// is told that the engine has stopped. May be called from any thread, more than once.
    func stop() {
        isClosing.store(true, ordering: .releasing)
        inbox.post(.stop, closing: true)
    }

    /// Why code is given up once the engine ends; nil before.
    var closing: JournalError? { isClosing.load(ordering: .acquiring) ? .engineStopped : nil }

    /// Stops the code that runs at this moment, whosever it is. Only after ``stop()``, so that it counts as given up. May be
    /// called from any thread.
    func interruptAll() {
        // Under the lock: an executor goes only after it has left the table.
        interrupters.withLock { for interrupter in $0.values { interrupter.interruptAny() } }
    }

    /// Lets no run begin anything more, and calls `done` once nothing of any run is under way and all is recorded.
    func drain(_ done: @escaping @Sendable () -> Void) {
        let runs = live.all.filter { !$0.isOver && !$0.isLost }
        guard !runs.isEmpty else { return done() }
        let count = Countdown(runs.count, done)
        for run in runs {
            run.isHeld = true
            run.whenQuiet { count.pass() }
            enqueue(run)
        }
    }

    /// Makes the chance of the runs that begin from now on, and their jitter, the same each time; on the worker's thread only.
    package func seed(_ seed: UInt64) { random = SplitMix(seed: seed) }

    /// Keeps a clock that jumps from jumping, until as many calls of ``releaseClock()``; on the worker's thread only.
    package func holdClock() { outstanding += 1 }

    /// Lets the clock jump again; also used by who answers a request of a run with other runs of this worker, for which
    /// time has to pass.
    package func releaseClock() { outstanding -= 1 }

    /// Has `body` run on the worker's thread; may be called from any thread.
    ///
    /// - Returns: false when the engine has stopped, and `body` will not run.
    @discardableResult
    package func perform(_ body: sending @escaping (Worker) -> Void) -> Bool { inbox.post(.perform(body)) }

    @discardableResult
    func post(_ message: Message) -> Bool { inbox.post(message) }

    // MARK: The loop

    private func loop() {
        thread.store(currentThread(), ordering: .releasing)
        elapsed = clock.elapsed()
        now = clock.now()
        knownOffset = now &- elapsed
        while !isStopping {
            if nextTaken == taken.count {
                taken.removeAll(keepingCapacity: true)
                nextTaken = 0
                syncTime()
                noteMemory()
                let pause = self.pause()
                figures.sleeps(at: elapsed)
                take(waiting: pause)
                sharedTime?.works(self)
                syncTime()
                figures.wakes(at: elapsed)
            } else {
                syncTime()
            }
            handleMessages()
            beginPart()
            while !isPartOver, let timer = timers.pop(dueAt: elapsed) { fire(timer) }
            beginPart()
            driveReady()
            submitBatch()
        }
        sharedTime?.left(self)
        for run in live.all { lose(run, .engineStopped) }
        ready.removeAll()
        timers = TimerHeap()
        interrupters.withLock { $0.removeAll() }
        executors.removeAll()
        pools.removeAll()
        latestPool = nil
        thread.store(0, ordering: .releasing)
        for body in whenEnded { body() }
        whenEnded = []
        ended.open()
    }

    /// Takes the messages that have come, or the first ones that come within so many nanoseconds; nil for any time.
    private func take(waiting pause: UInt64?) {
        if !isTidy, isRealTime, pause ?? .max > Self.restTime {
            inbox.take(into: &taken, waiting: Self.restTime)
            guard taken.isEmpty else { return }
            // Most of what is left of large runs would stay where it is until others come.
            for executor in executors.values { executor.executor.collectGarbage() }
            returnFreeMemory()
            isTidy = true
            return
        }
        inbox.take(into: &taken, waiting: pause)
    }

    /// Reads the clock: after whatever may have taken time.
    func readTime() {
        if isRealTime {
            elapsed = SystemClock.elapsedMicroseconds()
            now = elapsed &+ wallOffset
        } else {
            elapsed = clock.elapsed()
            now = clock.now()
        }
    }

    /// Reads both clocks, and looks at the timers again if the time of the day has been set.
    private func syncTime() {
        elapsed = clock.elapsed()
        now = clock.now()
        wallOffset = now &- elapsed
        let step = wallOffset.distance(from: knownOffset)
        guard step > Self.clockStep || step < -Self.clockStep else { return }
        knownOffset = wallOffset
        if step > 0 { timers.hasten(elapsed: elapsed, now: now) }
    }

    /// Notes now and then what the VMs hold.
    private func noteMemory() {
        guard elapsed &- figuresAt > 500_000 else { return }
        figuresAt = elapsed
        figures.hold(executors.values.reduce(0) { $0 + $1.executor.memoryUsed })
    }

    private func beginPart() {
        readTime()
        partEnd = isRealTime ? elapsed &+ Self.partTime : nil
    }

    /// Lets what runs now take as long as it does: for measurements, which have the worker for themselves.
    package func beginEndlessPart() {
        readTime()
        partEnd = nil
    }

    var hasMessages: Bool { inbox.hasMessages }

    /// How long the inbox may sleep, in nanoseconds: nil for ever.
    private func pause() -> UInt64? {
        if nextReady < ready.count { return 0 }
        let next = timers.next
        if let next, next <= elapsed { return 0 }
        if outstanding == 0, !inbox.hasMessages, let sharedTime, sharedTime.rests(self, until: next) { return 0 }
        guard let next else { return nil }
        return UInt64(max(min(next.distance(from: elapsed), Self.longestSleep), 0)) * 1000
    }

    private func handleMessages() {
        beginPart()
        let first = nextTaken
        while nextTaken < taken.count {
            // A message is dropped with its handling, and what it holds with it.
            let message = taken[nextTaken]
            taken[nextTaken] = .none
            nextTaken += 1
            handle(message)
            if isPartOver { return }
            if (nextTaken - first) & 63 == 0 { readTime() }
        }
    }

    private func handle(_ message: Message) {
        switch message {
        case .perform(let body): body(self)
        case .job(let job, let executor): carryOn(job, on: executor)
        case .answer(let run, let call, let token, let answer):
            outstanding -= 1
            let before = enter(run)
            answered(run, call: call, token: token, answer)
            leave(run, before)
            enqueue(run)
        case .streamed(let run, let call, let key, let data):
            if let pending = run.calls[call] {
                stream(run, pending.frame, data, mayHaveSecrets: pending.asksForSecrets)
                run.calls[call]?.deltas[key]?.add(data)
            }
        case .journaled(let batch, let outcomes): journaled(batch, outcomes)
        case .stop: isStopping = true
        case .none: break
        }
    }

    private func fire(_ timer: TimerHeap.Timer) {
        let run = timer.run
        guard !run.isLost else { return }
        let before = enter(run)
        switch timer.purpose {
        case .frame(let frame, let serial): run.decide(.timerFired(frame: frame, serial: serial), at: now)
        case .sleep(let call, let token): answered(run, call: call, token: token, HostAnswer(ok: true, value: .null))
        case .timeout(let call): timedOut(run, call: call)
        case .due: run.mirror?.driver.due(run, on: self)
        }
        leave(run, before)
        enqueue(run)
    }

    /// Turns to a run: what is asked to stop from now on is this run's code, and what was asked before is seen here.
    ///
    /// - Returns: the run that was turned to before, for ``leave(_:_:)``: a request of its code may be what leads here.
    func enter(_ run: Run) -> Run? {
        let before = watched
        watch(run)
        return before
    }

    func leave(_ run: Run, _ before: Run?) {
        run.executor.endWatch()
        watched = nil
        marker?.pointee = 0
        if let before { watch(before) }
    }

    private func watch(_ run: Run) {
        watched = run
        isTidy = false
        if let marker { marker.pointee = run.mark }
        run.executor.beginWatch(run.token)
        if run.isCancelAsked { cancel(run) }
    }

    package func enqueue(_ run: Run) {
        guard !run.isReady, !run.isLost else { return }
        run.isReady = true
        ready.append(run)
    }

    private func driveReady() {
        // Runs that become ready meanwhile are taken in the same turn, up to a bound, so that the inbox is looked at.
        var turns = 0
        while nextReady < ready.count, turns < 4096, !isPartOver {
            let run = ready[nextReady]
            nextReady += 1
            turns += 1
            run.isReady = false
            drive(run)
            if turns & 63 == 0 { readTime() }
        }
        if nextReady == ready.count {
            ready.removeAll(keepingCapacity: true)
            nextReady = 0
        } else if nextReady > 8192 {
            ready.removeFirst(nextReady)
            nextReady = 0
        }
    }
}
