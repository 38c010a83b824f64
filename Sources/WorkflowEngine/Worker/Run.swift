internal import Synchronization
package import WorkflowCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// One run as its worker holds it: the machine's state, the log, and the calls that wait for the host.
///
/// It belongs to one worker, and only that worker's thread touches it; other threads hold it only to name it. A worker uses
/// the object again for another run when it is over and nobody looks at it any more.
package final class Run: @unchecked Sendable {
    // Both lie outside the object: a stored property would be copied, retain by retain, before each call of a method, and
    // checked for overlapping access at each use.
    @usableFromInline let machineStorage: UnsafeMutablePointer<RunMachine>
    @usableFromInline let logStorage: UnsafeMutablePointer<RunLog>

    @inlinable
    package var machine: RunMachine {
        unsafeAddress { UnsafePointer(machineStorage) }
        unsafeMutableAddress { machineStorage }
    }

    @inlinable
    package var log: RunLog {
        unsafeAddress { UnsafePointer(logStorage) }
        unsafeMutableAddress { logStorage }
    }

    /// The run's id as C reads it.
    package let identifier: UnsafeMutablePointer<CChar>
    /// What names the run's code to the watchdog; never used again, and never 0.
    package private(set) var token: UInt64
    package private(set) var life: UInt32 = 0
    package unowned(unsafe) let plan: Plan
    package let definition: Workflow
    package let executor: any StepExecutor

    /// Calls that wait for the host; few, so a list.
    var calls: [PendingCall] = []
    /// The next of the machine's commands that has not been carried out.
    var nextCommand = 0
    /// How much of the log has been handed to the journal, and how much of it is durable.
    var submittedEvents = 0
    var submittedArena = 0
    var durableEvents = 0
    /// How much of the log the feed has.
    var deliveredEvents = 0
    /// It stands in the worker's queue.
    var isReady = false
    /// It has been dropped: the journal says that somebody else owns it, or the journal failed.
    var lost: JournalError?
    var journaled: JournaledRun?
    /// Messages of the inbox that the events answer which the journal does not have yet.
    var settlements: [Int64] = []
    /// Nothing begins any more, or not yet; what is under way may end.
    var isHeld = false
    /// Called when nothing of a run that is held is under way and all of it is durable.
    var quietened: (() -> Void)?
    var observer: (any RunObserver)?
    /// Somebody follows the events, so each is told as soon as it is there.
    var isWatched = false
    var settledEvents = -1
    /// Another thread wants the run to stop.
    let cancelAsked = Atomic<Bool>(false)
    private let reason = Mutex<String>("")

    static let identifierCapacity = 40
    private static let tokens = Atomic<UInt64>(1)

    init(definition: Workflow, executor: any StepExecutor, id: String?) {
        self.definition = definition
        self.executor = executor
        plan = definition.plan
        machineStorage = .allocate(capacity: 1)
        machineStorage.initialize(to: RunMachine(plan: definition.plan))
        logStorage = .allocate(capacity: 1)
        logStorage.initialize(to: RunLog())
        token = Self.tokens.wrappingAdd(1, ordering: .relaxed).newValue
        if let id {
            identifier = strdup(id)
        } else {
            identifier = .allocate(capacity: Self.identifierCapacity)
            RunIdentifier.fill(identifier)
        }
    }

    deinit {
        logStorage.pointee.deallocate()
        logStorage.deallocate()
        machineStorage.deinitialize(count: 1)
        machineStorage.deallocate()
        free(identifier)
    }

    package var id: String { String(cString: identifier) }

    /// Makes the object ready for another run of the same workflow under a new id.
    func reuse() {
        machine.reset()
        log.reset()
        life &+= 1
        token = Self.tokens.wrappingAdd(1, ordering: .relaxed).newValue
        RunIdentifier.fill(identifier)
        calls.removeAll(keepingCapacity: true)
        nextCommand = 0
        submittedEvents = 0
        submittedArena = 0
        durableEvents = 0
        deliveredEvents = 0
        settledEvents = -1
        lost = nil
        journaled = nil
        if !settlements.isEmpty { settlements.removeAll() }
        isHeld = false
        quietened = nil
        observer = nil
        isWatched = false
        if cancelAsked.load(ordering: .relaxed) {
            cancelAsked.store(false, ordering: .relaxed)
            reason.withLock { $0 = "" }
        }
    }

    /// Why the run is to stop, in words.
    var cancelReason: String {
        let text = reason.withLock { $0 }
        return text.isEmpty ? "cancelled" : text
    }

    /// Leaves word that the run is to stop; may be called from any thread. The worker is told besides.
    package func askToCancel(_ text: String) {
        reason.withLock { if $0.isEmpty { $0 = text } }
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
            machine.commands.removeAll(keepingCapacity: true)
        }
        submittedEvents = log.count
        submittedArena = log.arena.count
        durableEvents = log.count
        deliveredEvents = log.count
    }

    /// Takes up what the journal left open, and writes first that the run was taken over, if its code was under way.
    func goOn(at time: Int64) {
        if machine.isInterrupted, let journaled {
            let reason = journaled.ownerDied ? "its process died" : "its process let it go"
            let cause = log.arena.writing { arena in
                let object = arena.beginObject()
                arena.writeKey("reason")
                arena.write(reason)
                arena.end(object, count: 1)
            }
            decide(.recovered(cause: cause, died: journaled.ownerDied), at: time)
        }
        machine.commands.removeAll(keepingCapacity: true)
        machine.commands.append(contentsOf: machine.outstandingCommands())
    }

    /// Takes the next command, or nil when all have been carried out.
    func takeCommand() -> Command? {
        guard nextCommand < machine.commands.count else {
            machine.commands.removeAll(keepingCapacity: true)
            nextCommand = 0
            return nil
        }
        defer { nextCommand += 1 }
        return machine.commands[nextCommand]
    }

    var hasCommands: Bool { nextCommand < machine.commands.count }
    var isDurable: Bool { durableEvents == log.count }

    /// Gives back memory that a run which waits does not need.
    package func trim() {
        log.trim()
    }
}

/// A callback that waits for the host.
struct PendingCall {
    /// Unique within the worker.
    let id: UInt64
    let frame: Int32
    let serial: UInt32
    let stage: Stage
    /// What an earlier stage of the same command gave.
    let held: Slice
    let call: OpaquePointer
    var operations: [UInt32: any HostOperation] = [:]
    /// Its code runs outside of the executor and has been told to leave; its answer, whatever it is, ends the call so.
    var leaving: Leaving?

    enum Leaving { case stopped, timedOut }
}

/// Which of a node's callbacks runs.
enum Stage: UInt8 {
    case handler, next, resolve, condition, prepare, collect, items, output, form, duration, finalize, conclude
}

/// Whoever wants to know when a run is over, or waits for somebody.
package protocol RunObserver: AnyObject {
    /// The run is over, or waits for a person or a signal; called on the worker's thread, when what the log says is durable.
    func runSettled(_ run: Run)
    /// There are new durable events in the log; called on the worker's thread.
    func runAdvanced(_ run: Run, from first: Int)
    /// The journal has refused the run; nothing more happens to it here.
    func runLost(_ run: Run, _ error: JournalError)
}

/// Ids for runs: 32 hexadecimal digits in the form of a UUID of version 7, so that they sort by time.
package enum RunIdentifier {
    private static let counter = Atomic<UInt64>(UInt64.random(in: 0...UInt64.max))

    /// Writes an id and a NUL: 37 bytes.
    package static func fill(_ target: UnsafeMutablePointer<CChar>) {
        let milliseconds = UInt64(bitPattern: SystemClock().now() / 1000)
        // A counter that is spread over 64 bits (splitmix64), so that two ids of a process never agree.
        var mixed = counter.wrappingAdd(0x9E37_79B9_7F4A_7C15, ordering: .relaxed).newValue
        let ordinal = mixed
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        mixed ^= mixed >> 31
        let high = milliseconds << 16 | 0x7000 | (ordinal >> 7 & 0x0FFF)
        let low = mixed & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        var position = 0
        func write(_ word: UInt64, from top: Int, digits: Int) {
            for digit in 0..<digits {
                let nibble = UInt8(truncatingIfNeeded: word >> UInt64(top - 4 * digit)) & 15
                target[position] = CChar(bitPattern: nibble < 10 ? 48 + nibble : 87 + nibble)
                position += 1
            }
        }
        func dash() {
            target[position] = 45
            position += 1
        }
        write(high, from: 60, digits: 8)
        dash()
        write(high, from: 28, digits: 4)
        dash()
        write(high, from: 12, digits: 4)
        dash()
        write(low, from: 60, digits: 4)
        dash()
        write(low, from: 44, digits: 12)
        target[position] = 0
    }

    package static func make() -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 37) { buffer in
            guard let base = buffer.baseAddress else { return "" }
            fill(base)
            return String(cString: base)
        }
    }
}
