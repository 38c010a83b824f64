internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// A run that a VM process drives or is to drive, as its station knows it. It belongs to the thread of the run's worker.
final class HostedRun {
    /// With what a process is given the run.
    enum Source {
        /// Nothing is recorded yet.
        case fresh(RunBeginning)
        /// It goes on from its journal.
        case recorded
    }

    /// Where the run is.
    enum Place {
        /// It is given to a process as soon as all of it is durable, it is not held, and there is one for it.
        case waiting
        case given(HostedProcess)
        /// It is over or lost.
        case gone
    }

    /// A batch of the process that waits for the store's word on an entry.
    struct Receipt {
        let batch: HostedBatch
        let entry: Int
        /// How many events the run has with the entry.
        let count: Int
    }

    let run: Run
    let script: HostedScript
    let paths: NodePaths
    var source: Source
    /// With what it is to wait in the queue; nil for a run that was recorded before.
    let asked: (queueing: Queueing, time: Int64)?
    /// A message has let it begin that waited in the queue.
    var isAdmitted = false
    var place = Place.waiting
    /// Bytes that an honest process has the run record, at its end besides: those of a new run, or what it had recorded before where
    /// that is more, as under a larger limit.
    let sizeLimit: Int
    /// What of its process's weight is its own.
    var weight = 0
    /// It stands in the station's line for a process of its own.
    var isInLine = false
    /// It is to be alone in its process: it may have ended one.
    var isSuspect = false
    var receipts: [Receipt] = []
    /// Messages that were not answered, in order.
    var messages: [(message: InboxMessage, answered: @Sendable (InboxAnswer) -> Void)] = []
    /// Runs of which it has been told that it started them.
    var started: Set<String> = []
    /// How often a process has died in a row without any progress of the run, and how far the run had come.
    private var deaths = 0
    private var deathMark = -1
    private var timesBystanding = 0
    /// What ``VMStation/look()`` has found under way before, by frame.
    var attempts: [Int32: Attempt] = [:]
    /// The attempts for whose time the process was ended.
    var spent: [(frame: Int32, serial: UInt32)] = []
    /// Since when the run is to stop; nil where it is not.
    var stop: Lateness?

    /// A call of a run's code, as it was seen from outside.
    struct Attempt {
        let phase: WorkflowCore.Frame.Phase
        let serial: UInt32
        /// At how many looks it was there, and at how many of the last ones the process said that code of the run runs.
        var looks = 0
        var marked = 0
        /// Since when it should have ended.
        var late = Lateness()
    }

    /// How long something has been late.
    struct Lateness {
        /// All looks, and those at which the process did not run code of another run.
        var looks = 0
        var ownLooks = 0
        /// CPU time that the process used before the latter, in nanoseconds.
        var cpu: UInt64 = 0

        mutating func add(_ cpu: UInt64, ofAnother: Bool) {
            looks += 1
            if ofAnother { return }
            ownLooks += 1
            self.cpu += cpu
        }

        mutating func take(_ other: Lateness) {
            looks = max(looks, other.looks)
            ownLooks = max(ownLooks, other.ownLooks)
            cpu = max(cpu, other.cpu)
        }
    }

    init(_ run: Run, of script: HostedScript, _ source: Source) {
        self.run = run
        self.script = script
        self.source = source
        sizeLimit = max(EngineLimits().runSize, run.log.size) + Run.closingRoom
        asked = if case .fresh(let beginning) = source { (beginning.queueing, beginning.time) } else { nil }
        paths = script.paths(of: run.definition)
    }

    var id: String { run.id }

    /// Bytes that the run has recorded, or is to begin with.
    var size: Int {
        switch source {
        case .fresh(let beginning):
            beginning.input.byteCount + (beginning.metadata?.byteCount ?? 0) + (beginning.ctx?.byteCount ?? 0)
        case .recorded: run.log.size
        }
    }

    var process: HostedProcess? {
        if case .given(let process) = place { process } else { nil }
    }

    var isGone: Bool {
        if case .gone = place { true } else { false }
    }

    /// Notes the end of the run's process; how often that has happened without any progress of the run.
    func died() -> Int {
        // Steps are counted by the run itself; this bounds what ends the process outside of any step.
        if hasProgressed { deaths = 0 }
        deathMark = run.log.count
        deaths += 1
        return deaths
    }

    /// Whether the run has begun, or recorded more than what follows from the end of a process, since the last one.
    private var hasProgressed: Bool { run.log.count > deathMark + 2 || (deathMark <= 0 && run.log.count > 0) }

    /// How often in a row a run may be there when another one is said to have ended its process, before it is suspected itself.
    private static let bystandLimit = 20

    /// Notes that the process is said to have died of another run; whether that is to be believed.
    func bystands() -> Bool {
        if hasProgressed { timesBystanding = 0 }
        deathMark = run.log.count
        timesBystanding += 1
        return timesBystanding <= Self.bystandLimit
    }

    /// The frame that gives the run to a process.
    func frame() -> WireFrame {
        switch source {
        case .fresh(let beginning):
            return WireBeginning(beginning).frame(
                run: id, script: script.number, workflow: run.plan.id,
                isSampled: run.isTraceSampled(startedWith: beginning.trace))
        case .recorded: return WireRun.frame(of: run, script: script.number)
        }
    }
}

/// A batch of a process that waits for the store.
final class HostedBatch {
    let number: Int64
    var outcomes: [JournalOutcome]
    /// Entries that nothing is known of.
    var open: Int

    init(_ number: Int64, entries: Int) {
        self.number = number
        outcomes = Array(repeating: .conflict, count: entries)
        open = entries
    }
}

/// A VM process as its station knows it.
final class HostedProcess {
    enum Purpose {
        case shared
        case script(Int64)
        /// One run, or the loading of one script; it ends then.
        case single
        /// Nothing yet.
        case spare
        /// It is being ended.
        case spent
    }

    let child: VMChild
    var purpose: Purpose
    /// Scripts that it was given.
    var scripts: Set<Int64> = []
    /// Those of them of which it has not said whether they load.
    var unloaded: Set<Int64> = []
    private(set) var runs: [String: HostedRun] = [:]
    /// Bytes that its runs have recorded, or began with, together.
    private var weight = 0
    /// It has been given a run before: what it does besides holds others up.
    var carriesRuns = false
    /// It is locked, and takes scripts.
    var isReady = false
    /// Called once it is ready, or gone.
    var readied: [() -> Void] = []
    /// Runs that it was told to drop and may still write of.
    var dropped: Set<String> = []
    /// Host requests that it has made, by its numbers.
    var calls: [Int64: HostedCall] = [:]
    /// Functions that it was asked to call.
    var questions: [Int64: Answer<Result<Value, RunFailure>>] = [:]
    var lastQuestion: Int64 = 0
    /// It loads a script that somebody waits for.
    var isLoading = false
    /// Looks in a row at which it had said nothing since the one before.
    var silence = 0
    /// ``VMChild/cpuTime`` at the last look.
    var cpuTime: UInt64 = 0
    /// CPU time that it has used while it had to answer and said to run the code of no run, in nanoseconds, since its last answer.
    var strayTime: UInt64 = 0

    init(_ child: VMChild, for purpose: Purpose) {
        self.child = child
        self.purpose = purpose
    }

    func send(_ frame: WireFrame) { child.send(frame) }

    /// The most that runs together have recorded, or begin with, which share a process. It holds all of that about four times, and
    /// they may record more there.
    private static let weightLimit = min(192 << 20, MemoryAllowance.vmSize / 6)

    /// Whether it has the memory for one run more; one alone it always has.
    func hasRoom(for hosted: HostedRun) -> Bool { runs.isEmpty || weight + hosted.size <= Self.weightLimit }

    func add(_ hosted: HostedRun) {
        runs[hosted.id] = hosted
        hosted.weight = 0
        weigh(hosted)
    }

    /// Counts what one of its runs has recorded since it was weighed.
    func weigh(_ hosted: HostedRun) {
        let size = hosted.size
        weight += size - hosted.weight
        hosted.weight = size
    }

    func remove(_ hosted: HostedRun) {
        guard runs.removeValue(forKey: hosted.id) != nil else { return }
        weight -= hosted.weight
    }

    /// Takes all of its runs from it.
    func removeAll() -> [HostedRun] {
        defer { (runs, weight) = ([:], 0) }
        return Array(runs.values)
    }
}
