package import FlatValue
internal import Platform
internal import Synchronization
package import WorkflowCore

/// One run as its worker holds it: the machine's state, the log, and the calls that wait for the host.
///
/// It belongs to one worker, and only that worker's thread touches it; other threads hold it only to name it.
///
/// A run that waits for long is parked: its log is all that it keeps, and the machine is built from it again when
/// somebody asks for it.
package final class Run: @unchecked Sendable {
    // Both are reached by address: a stored property would be checked for overlapping access at each use.
    @usableFromInline let logStorage: UnsafeMutablePointer<RunLog>
    /// Nil while the run is parked.
    @usableFromInline var machineStorage: UnsafeMutablePointer<RunMachine>?

    @inlinable
    package var machine: RunMachine {
        @inline(__always) unsafeAddress { UnsafePointer(machineStorage ?? unpark()) }
        @inline(__always) unsafeMutableAddress { machineStorage ?? unpark() }
    }

    @inlinable
    package var log: RunLog {
        @inline(__always) unsafeAddress { UnsafePointer(logStorage) }
        @inline(__always) unsafeMutableAddress { logStorage }
    }

    /// The run's id as C reads it; it lies behind the log.
    package let identifier: UnsafeMutablePointer<CChar>
    /// What names the run's code to the watchdog; never used again, and never 0.
    package let token: UInt64
    package let plan: Plan
    let pool: RunPool

    /// Calls that wait for the host.
    var calls = CallTable()
    /// How much of the log has been handed to the journal, and how much of it is durable.
    package internal(set) var submittedEvents = 0
    package internal(set) var submittedArena = 0
    package internal(set) var durableEvents = 0
    /// How much of the log the feed has.
    var deliveredEvents = 0
    var settledEvents = -1
    package internal(set) var journaled: JournaledRun?
    var observer: (any RunObserver)?
    /// What few runs have; made when it is first set.
    private var rare: Rare?
    /// Why it is to stop, once somebody has asked for that.
    private let reason = AtomicLazyReference<Reason>()
    /// Nothing begins any more, or not yet; what is under way may end.
    package internal(set) var isHeld = false
    /// It stands in the worker's queue.
    var isReady = false
    /// Somebody follows the events, so each is told as soon as it is there.
    var isWatched = false
    /// A call of it waits for so long that the run is worth being parked.
    var waitsLong = false
    /// It has been said that it comes near to what it may record.
    var isLarge = false
    /// Other runs are being told of its end.
    var isDeparting = false
    /// Another thread wants the run to stop.
    let cancelAsked = Atomic<Bool>(false)
    /// Its end has been decided: what runs now is stopped by its own limits and by the end of the engine only.
    let isClosing = Atomic<Bool>(false)
    /// A call on the way to its end was begun again, because a stop reached it that was meant for what ran before.
    var hasRepeatedClosing = false
    var isLive = false
    /// The next of the machine's commands that has not been carried out.
    private var nextCommand: Int32 = 0
    /// Its neighbours among the runs that the worker drives; see ``LiveList``.
    unowned(unsafe) var previousLive: Run?
    var nextLive: Run?

    private final class Rare {
        var secrets: RunSecrets?
        var grant: Value?
        var durableWaits: [DurableWait] = []
        var settlements: [Int64] = []
        var quietened: (() -> Void)?
        var loss: JournalError?
        var mirror: RunMirror?
        var stretches: ReadStretches?
        var sampling: TraceSampling?
    }

    private final class Reason: Sendable {
        let text: String

        init(_ text: String) { self.text = text }
    }

    init(pool: RunPool, id: String?, now: Int64) {
        self.pool = pool
        plan = pool.definition.plan
        token = pool.takeToken()
        // The id shares a block with the log; both live as long as the object.
        let length = id?.utf8.count ?? RunIdentifier.length
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: MemoryLayout<RunLog>.stride + length + 1, alignment: MemoryLayout<RunLog>.alignment)
        logStorage = memory.initializeMemory(as: RunLog.self, to: RunLog())
        identifier = (memory + MemoryLayout<RunLog>.stride).bindMemory(to: CChar.self, capacity: length + 1)
        if let id {
            var id = id
            id.withUTF8 { bytes in
                UnsafeMutableRawBufferPointer(start: identifier, count: length).copyMemory(
                    from: UnsafeRawBufferPointer(bytes))
            }
            identifier[length] = 0
        } else {
            RunIdentifier.fill(identifier, token: token, now: now)
        }
        makeMachine(RunMachine(plan: plan))
        if let driver = pool.definition.generation.driver { makeRare().mirror = RunMirror(driver) }
    }

    deinit {
        dropMachine()
        logStorage.pointee.deallocate()
        UnsafeMutableRawPointer(logStorage).deallocate()
    }

    // MARK: The machine

    @discardableResult
    private func makeMachine(_ machine: consuming RunMachine) -> UnsafeMutablePointer<RunMachine> {
        let storage = UnsafeMutablePointer<RunMachine>.allocate(capacity: 1)
        storage.initialize(to: machine)
        machineStorage = storage
        return storage
    }

    private func dropMachine() {
        machineStorage?.deinitialize(count: 1)
        machineStorage?.deallocate()
        machineStorage = nil
    }

    /// The longest log that a machine is built from again without being noticed, in events.
    private static let parkingLimit = 1024

    /// Gives back the memory that a run which waits does not need.
    ///
    /// All commands have to be carried out.
    package func park() {
        log.trim()
        rare?.stretches = nil
        if log.count <= Self.parkingLimit {
            dropMachine()
        } else {
            machine.trim()
        }
    }

    @usableFromInline
    func unpark() -> UnsafeMutablePointer<RunMachine> {
        makeMachine(RunMachine(plan: plan, resting: log))
    }

    /// A number that tells the run from others of its process: a hash of its id, never 0.
    package var mark: UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        var next = identifier
        while next.pointee != 0 {
            hash = (hash ^ UInt64(UInt8(bitPattern: next.pointee))) &* 0x100_0000_01b3
            next += 1
        }
        return hash | 1
    }

    package var definition: Workflow { pool.definition }
    package var executor: any StepExecutor { pool.executor }
    /// What the run may do while this process drives it; nil when the process decides.
    package var allowance: Value? { journaled.map(\.allowance) ?? grant }
    package var id: String { String(cString: identifier) }

    // MARK: What few runs have

    private func makeRare() -> Rare {
        let rare = rare ?? Rare()
        self.rare = rare
        return rare
    }

    /// Set for a run that another process drives.
    package var mirror: RunMirror? { rare?.mirror }

    /// What the run may do where no journal keeps that; nil when the process decides.
    var grant: Value? {
        get { rare?.grant }
        set { if rare != nil || newValue != nil { makeRare().grant = newValue } }
    }

    /// Says whether its spans are sent; nil where nothing is sent.
    package var sampling: TraceSampling? {
        get { rare?.sampling }
        set { if rare != nil || newValue != nil { makeRare().sampling = newValue } }
    }

    /// Who waits until what is recorded so far is durable.
    var durableWaits: [DurableWait] {
        get { rare?.durableWaits ?? [] }
        _modify { yield &makeRare().durableWaits }
    }

    /// Messages of the inbox that the events answer which the journal does not have yet.
    package var settlements: [Int64] {
        get { rare?.settlements ?? [] }
        _modify { yield &makeRare().settlements }
    }

    /// Called when nothing of a run that is held is under way and all of it is durable.
    var quietened: (() -> Void)? {
        get { rare?.quietened }
        set { if rare != nil || newValue != nil { makeRare().quietened = newValue } }
    }

    /// Has `body` called once nothing of the run is under way and all of it is durable, after those who asked before.
    func whenQuiet(_ body: @escaping () -> Void) {
        let before = quietened
        quietened = {
            before?()
            body()
        }
    }

    /// Set once it has been dropped: the journal says that somebody else owns it, or the journal failed.
    var lost: JournalError? {
        get { rare?.loss }
        set { if rare != nil || newValue != nil { makeRare().loss = newValue } }
    }

    package var isLost: Bool { rare?.loss != nil }

    /// Whether another thread wants the run to stop.
    var isCancelAsked: Bool { cancelAsked.load(ordering: .acquiring) }

    /// Whether its end has been decided, so that there is nothing to cancel any more; may be asked from any thread.
    var isEndDecided: Bool { isClosing.load(ordering: .acquiring) }

    /// Why the run is to stop, in words.
    var cancelReason: String { reason.load()?.text ?? "cancelled" }

    /// Why the run, or a part of it, is being stopped, in words.
    package var stopReason: String {
        if isCancelAsked { return cancelReason }
        return isParked || machine.restart.isNone ? "another part of the run failed" : "the run begins anew"
    }

    /// Leaves word that the run is to stop; may be called from any thread. The worker is told besides.
    package func askToCancel(_ text: String) {
        if !text.isEmpty { _ = reason.storeIfNil(Reason(text)) }
        cancelAsked.store(true, ordering: .releasing)
    }

    /// Tells the machine a fact; a refusal means that the fact came too late to matter.
    @discardableResult
    func decide(_ fact: Fact, at time: Int64) -> Bool {
        do throws(Refusal) {
            try machine.decide(fact, at: time, log: &log)
            return true
        } catch {
            return false
        }
    }

    /// Takes events and bytes of a journal into an empty log and builds the state that they tell of; what there is to do
    /// is asked for by ``goOn(at:)``.
    func replay(events: UnsafeRawBufferPointer, arena: UnsafeRawBufferPointer) {
        log.append(events: events, arena: arena)
        for index in 0..<log.count {
            machine.apply(log[index], log: log)
            machine.commands.removeAll()
        }
        submittedEvents = log.count
        submittedArena = log.arena.count
        durableEvents = log.count
        deliveredEvents = log.count
    }

    /// Takes up what the journal left open, and writes first that the run was taken over, if its code was under way.
    func goOn(at time: Int64) {
        if machine.isClosing { beginClosing() }
        // A store may hold one that was recorded under a larger limit, which goes on.
        if !machine.isOver, log.size >= log.limit {
            log.limit = max(log.limit, min(log.size + max(log.size / 8, 1 << 20), Self.largestSize))
        }
        if !machine.isOver, log.size >= log.limit {
            // It could only fail again, at every recovery.
            let error = ErrorObject.runTooLarge(log.limit).write(into: &log.arena)
            decide(.abandoned(error: error), at: time)
            return
        }
        let isLetGo = journaled.map { $0.ownerEnd == .none || $0.ownerEnd == .released } ?? true
        if isLetGo, !machine.isOver, log.count > 0, log[log.count - 1].kind == .endingDecided {
            // No code was under way: who decided the end has left to this one what comes before it.
            decide(.endingTakenUp, at: time)
        } else if machine.isInterrupted, let journaled, journaled.ownerEnd != .none {
            let died = journaled.ownerEnd == .diedAlone || journaled.ownerEnd == .diedInCompany
            let cause = log.arena.writing { $0.write(journaled.interruption) }
            decide(
                .recovered(cause: cause, died: died, inCompany: journaled.ownerEnd == .diedInCompany), at: time)
        }
        machine.commands.removeAll()
        for command in machine.outstandingCommands() { machine.commands.append(command) }
    }

    /// What a run may record beyond its size once its end has been decided, in bytes: a run that has become too large is
    /// undone all the same.
    package static let closingRoom = 64 << 20
    /// Bytes that no run records more of: offsets in the arena have 32 bits.
    private static let largestSize = 3 << 30

    /// Lets nobody stop what runs from here on, and makes room for what it records.
    func beginClosing() {
        guard !isClosing.exchange(true, ordering: .acquiringAndReleasing) else { return }
        log.limit = max(log.limit, min(log.limit + Self.closingRoom, Self.largestSize))
    }

    /// Takes the next command, or nil when all have been carried out.
    func takeCommand() -> Command? {
        guard hasCommands else { return nil }
        let command = machine.commands[Int(nextCommand)]
        nextCommand += 1
        if Int(nextCommand) == machine.commands.count {
            machine.commands.removeAll()
            nextCommand = 0
        }
        return command
    }

    /// Leaves what there is to do to whoever drives the run.
    func dropCommands() {
        guard !isParked else { return }
        machine.commands.removeAll()
        nextCommand = 0
    }

    /// What keeps secrets of the run out of what is told of it now.
    func readSecrets() -> Redaction {
        let rare = makeRare()
        var read = rare.secrets.take() ?? RunSecrets()
        read.read(log, of: plan)
        rare.secrets = read
        return read.redaction
    }

    /// Forgets what has been recorded and not handed to the journal; the state is built again from the rest.
    func rewind() {
        log.truncate(events: submittedEvents, arena: submittedArena)
        rare?.secrets = nil
        rare?.stretches = nil
        dropMachine()
    }

    /// What the id of the span is the hash of in which the code of a frame runs now, as whoever sends the spans makes it.
    package func spanParts(of frame: Int32) -> [String] {
        let rare = makeRare()
        let stretches = rare.stretches ?? ReadStretches(plan)
        rare.stretches = stretches
        let state = machine.frames[Int(frame)]
        let part = machine.isClosing ? Closing.part(of: frame) : ""
        return SpanPlace.parts(
            run: id, path: machine.path(of: frame) + part, attempt: max(Int(state.attempt), 1),
            occurrence: Int(state.occurrence), stretch: stretches.laterStretch(of: frame, in: log))
    }

    /// Whether it has, or had, a place in the queue of its store.
    var isOfQueue: Bool { journaled.map { $0.isQueued || $0.ticket != nil } ?? false }
    /// Whether it is over; a run that is parked is not, and is not looked at more closely.
    package var isOver: Bool { !isParked && machine.isOver }
    var isParked: Bool { machineStorage == nil }
    /// How many commands have not been carried out; a parked run has none.
    var commandCount: Int { isParked ? 0 : machine.commands.count - Int(nextCommand) }
    var hasCommands: Bool { commandCount > 0 }
    package var isDurable: Bool { durableEvents == log.count }
    /// Whether more may be recorded before the journal has what there is: one entry must not become too large for a store.
    var hasRoomToSubmit: Bool { isDurable || log.arena.count - submittedArena < 1 << 27 }
}
