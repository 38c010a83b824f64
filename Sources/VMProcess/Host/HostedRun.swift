internal import Synchronization
package import WorkflowCore
package import WorkflowEngine

/// What a run is begun with.
struct RunStart: Sendable {
    var input: Value
    var metadata: Value?
    var ctx: Value?
    var trace: Value?
    var tags = RunTags.none

    func header(run: String, script: Int64, workflow: String) -> Value {
        var entries: [(String, Value)] = [
            ("run", Value(run)), ("script", Value(script)), ("workflow", Value(workflow)), ("input", input),
        ]
        for (key, value) in [("metadata", metadata), ("ctx", ctx), ("trace", trace)] {
            if let value { entries.append((key, value)) }
        }
        if !tags.isEmpty { entries.append(("tags", tags.value)) }
        return Value(entries: entries)
    }
}

/// A run that a VM process drives, as its host knows it: by its journal, of which every event has been checked here.
///
/// It belongs to the supervisor's thread.
final class HostedRun {
    /// Bytes that a run may record.
    private static let sizeLimit = EngineLimits().runSize

    let id: String
    let workflow: Workflow
    let script: Int64
    let journaled: JournaledRun
    let paths: NodePaths
    /// With what it is begun; nil for a run that the store had.
    private let start: RunStart?
    /// What the process has handed over; what of it is durable is counted by `durable`.
    private var decoder: JournalDecoder
    private var durable: Int
    private var feeds: [any HostedFeed] = []
    private var waiters: [(untilBeyond: Int, continuation: CheckedContinuation<RunRecord, any Error>)] = []
    /// Messages that the process has been given and has not answered: those of the store, and those of this process with who
    /// waits for the answer.
    private var messages: [Int64: (message: InboxMessage, answered: ((InboxAnswer) -> Void)?)] = [:]
    private var quiet: [() -> Void] = []
    private(set) var failure: RunFailure?
    private(set) var cancelReason: String?
    /// How often a process has died in a row without any progress of the run, and how far the run had come.
    private var deaths = 0
    /// It goes on in a new process as soon as the store has decided on what the last one wrote.
    private var isReviving = false
    /// The process has been given the run; messages before that go along with it.
    private var isGiven = false
    private var deathMark = -1

    init(
        _ journaled: JournaledRun, of workflow: Workflow, script: Int64, start: RunStart?,
        decoder: consuming JournalDecoder
    ) {
        id = journaled.id
        self.journaled = journaled
        self.workflow = workflow
        self.script = script
        self.start = start
        paths = NodePaths(workflow.plan)
        durable = decoder.log.count
        self.decoder = decoder
    }

    /// Nothing more happens to it here.
    var isGone: Bool { failure != nil || decoder.machine.isOver && durable == decoder.log.count }
    var isRunning: Bool { decoder.machine.status == .running }
    var isOver: Bool { decoder.machine.isOver }
    var count: Int { decoder.log.count }

    /// The trace that the run was started in.
    var traceparent: String? {
        decoder.machine.trace.isNone ? nil : decoder.log.value(decoder.machine.trace)["traceparent"]?.string
    }

    // MARK: Feeds and waiters

    func follow(_ feed: any HostedFeed) {
        feeds.append(feed)
        feed.take(decoder.log, decoder.machine)
        if isGone { feed.finish() }
    }

    func stream(_ event: TransientEvent) { for feed in feeds { feed.take(event) } }

    /// Calls back when the run is over or waits for somebody, with more than `count` events.
    func wait(beyond count: Int, _ continuation: CheckedContinuation<RunRecord, any Error>) {
        if let failure { return continuation.resume(throwing: failure) }
        waiters.append((count, continuation))
        settle()
    }

    private func settle() {
        guard durable == decoder.log.count, decoder.machine.isOver || decoder.machine.waitsOutside, durable > 0 else {
            return
        }
        let resumed = waiters.filter { $0.untilBeyond < durable }
        guard !resumed.isEmpty else { return }
        waiters.removeAll { $0.untilBeyond < durable }
        let record = RunRecord(id: id, plan: workflow.plan, copying: decoder.log, status: decoder.machine.status)
        for waiter in resumed { waiter.continuation.resume(returning: record) }
    }

    /// Ends everything that waits for the run: nothing more happens to it here.
    func lose(_ failure: RunFailure, in supervisor: VMSupervisor) {
        guard !isGone else { return }
        self.failure = failure
        supervisor.engine.endTending(id)
        for (_, message) in messages { message.answered?(.refused(code: failure.code, message: failure.message)) }
        messages = [:]
        let waiting = waiters
        waiters = []
        for waiter in waiting { waiter.continuation.resume(throwing: failure) }
        for feed in feeds { feed.finish() }
        quieten()
    }

    // MARK: Recording

    /// Checks an entry and appends it to a batch; the run is then as far as the process says.
    func take(_ entry: WireBatch.Entry, _ body: UnsafeRawBufferPointer, into batch: JournalBatch) throws(FrameFault) {
        guard failure == nil, entry.sequence == decoder.log.count, !entry.events.isEmpty else {
            throw FrameFault("an entry that does not follow on run \(id)")
        }
        // The process stops a run well before; twice as much is no run of an honest one.
        let size = decoder.log.arena.count + decoder.log.count * MemoryLayout<Event>.stride
        guard size + entry.arena.count + entry.events.count <= 2 * Self.sizeLimit else {
            throw FrameFault("more than run \(id) may record")
        }
        if let ticket = entry.ticket {
            guard entry.sequence == 0, ticket.fits(workflow.plan.flow) else {
                throw FrameFault("a place in the queue that run \(id) may not take")
            }
            journaled.ticket = ticket
        }
        let (events, arena) = (decoder.log.count, decoder.log.arena.count)
        do throws(JournalDamage) {
            try decoder.take(
                events: UnsafeRawBufferPointer(rebasing: body[entry.events]),
                arena: UnsafeRawBufferPointer(rebasing: body[entry.arena]))
        } catch {
            throw FrameFault("an entry of run \(id) that is no part of a journal: \(error)")
        }
        batch.add(
            decoder.log, of: journaled, from: events, arena: arena, status: decoder.machine.status,
            wakeAt: decoder.machine.earliestDeadline)
    }

    /// What became of an entry up to `count` events.
    func recorded(_ outcome: JournalOutcome, upTo count: Int, in supervisor: VMSupervisor) {
        switch outcome {
        case .durable:
            let isFirst = durable == 0
            durable = max(durable, count)
            if isFirst, journaled.ticket != nil { supervisor.engine.tend(id) }
            guard durable == decoder.log.count else { return }
            if isReviving, !isOver { resume(in: supervisor) }
            if isOver { supervisor.engine.endTending(id) }
            for feed in feeds { feed.take(decoder.log, decoder.machine) }
            settle()
            if isOver { for feed in feeds { feed.finish() } }
        case .conflict:
            lose(RunFailure(code: "conflict", message: "another process has taken the run over"), in: supervisor)
        case .failed(let error):
            lose(
                RunFailure(
                    code: error.code, message: error.message, details: journaled.rival.map { ["runId": Value($0)] }),
                in: supervisor)
        }
    }

    // MARK: Steering

    /// Whether a message was given to the run's process, and has not been answered.
    func awaits(_ message: Int64) -> Bool { messages[message] != nil }

    /// Gives the run's process a message.
    func send(_ message: InboxMessage, to child: VMChild?, answered: ((InboxAnswer) -> Void)? = nil) {
        messages[message.number] = (message, answered)
        if isGiven { child?.send(Frame(.message, message.wire)) }
    }

    func answered(_ message: Int64, _ answer: InboxAnswer) { messages.removeValue(forKey: message)?.answered?(answer) }

    func cancel(_ reason: String) { if cancelReason == nil { cancelReason = reason } }

    /// The path of the human step that a person's answer is for.
    func waitingPath(_ path: String?) throws(RunFailure) -> String {
        decoder.machine.path(of: try decoder.machine.waitingFrame(run: id, at: path))
    }

    func onceQuiet(_ body: @escaping () -> Void) { quiet.append(body) }

    /// The process has said that nothing of the run is under way.
    func quieten() {
        let waiting = quiet
        quiet = []
        for body in waiting { body() }
    }

    // MARK: Processes

    private var unanswered: [InboxMessage] { messages.values.map(\.message).sorted { $0.postedAt < $1.postedAt } }

    /// Has the run begun in a process that has its script.
    func begin(in supervisor: VMSupervisor) {
        guard let start, let child = supervisor.liveChild() else { return lose(.vmStopped, in: supervisor) }
        child.send(Frame(.begin, start.header(run: id, script: script, workflow: workflow.id)))
        for message in unanswered { child.send(Frame(.message, message.wire)) }
        isGiven = true
    }

    /// Has the run go on from the store in a new process.
    func revive(after end: VMChild.End, inCompany: Bool, in supervisor: VMSupervisor) {
        let signal = end.signal ?? "an exit of its own"
        // Steps are counted by the run itself; this bounds what ends the process outside of any step.
        if decoder.log.count > deathMark + 2 { deaths = 0 }
        deathMark = decoder.log.count
        isGiven = false
        deaths += 1
        quieten()
        guard deaths <= RunMachine.crashLimit + 1 else {
            return lose(
                RunFailure(
                    code: "vm_crashed",
                    message:
                        "the process in which the run was ended \(deaths) times without any progress, the last time with \(signal)",
                    details: ["signal": Value(signal)]), in: supervisor)
        }
        if decoder.log.count == 0 { return begin(in: supervisor) }
        journaled.ownerEnd = inCompany ? .diedInCompany : .diedAlone
        journaled.deathSignal = signal
        isReviving = true
        if durable == decoder.log.count { resume(in: supervisor) }
    }

    /// Hands the run to the process with all that the store has of it, and the messages that nobody has answered.
    func resume(in supervisor: VMSupervisor) {
        isReviving = false
        let id = id
        let store = supervisor.store
        Task.detached {
            let stored: Result<StoredRun?, JournalError>
            do throws(JournalError) { stored = .success(try await store.load(id)) } catch { stored = .failure(error) }
            supervisor.perform { $0.runs[id]?.resume(from: stored, in: $0) }
        }
    }

    private func resume(from stored: Result<StoredRun?, JournalError>, in supervisor: VMSupervisor) {
        guard failure == nil else { return }
        do {
            guard let stored = try stored.get() else { throw JournalError.gone(id) }
            decoder = try stored.decoded(on: workflow.plan)
            durable = decoder.log.count
            guard !isGone else { return settle() }
            guard let child = supervisor.liveChild() else { throw RunFailure.vmStopped }
            child.send(WireRun(journaled: journaled, stored: stored, messages: unanswered).frame(script: script))
            isGiven = true
        } catch {
            let error = error as? JournalError
            lose(
                RunFailure(
                    code: error?.code ?? RunFailure.vmStopped.code,
                    message: error?.message ?? RunFailure.vmStopped.message),
                in: supervisor)
        }
    }
}

extension JournalError {
    fileprivate static func gone(_ run: String) -> JournalError {
        JournalError(code: "conflict", message: "run \(run) is not in the store any more")
    }
}

/// What follows a run that a VM process drives; called on the supervisor's thread.
package protocol HostedFeed: AnyObject, Sendable {
    /// All that the run has recorded; it is durable.
    func take(_ log: RunLog, _ machine: borrowing RunMachine)
    func take(_ event: TransientEvent)
    /// There will be no more.
    func finish()
}
