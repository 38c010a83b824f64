package import FlatValue

/// The state of one run, and nothing but its state: no clock, no closures, no I/O.
///
/// Two operations make it what it is. ``decide(_:at:log:)`` looks at a fact and writes events to the log, or refuses;
/// ``apply(_:log:)`` is the only operation that changes the state, and it depends on nothing but the event, the log and
/// the plan. So a run that is rebuilt by applying its journal equals the run that wrote it, at every event.
///
/// What there is to do comes out as ``commands``, plain values that a driver carries out. After a replay the driver takes
/// ``outstandingCommands()`` instead.
///
/// A machine is not copied by accident: it owns the rows that it works on, and ``copy()`` says so.
package struct RunMachine: ~Copyable {
    package let plan: Plan
    package internal(set) var frames = PlainBuffer<Frame>()
    /// The first free frame; `-1` for none.
    var freeFrame: Int32 = -1
    var jumps: Int32 = 0
    /// Results of bodies by ordinal, for loops, foreach and parallel.
    package internal(set) var tables = ResultTables()
    /// How often each repeatable node has started, once one of them has.
    var starts = PlainBuffer<UInt32>()
    /// Signals that came and that no step has taken, as `{ name, payload }`.
    package internal(set) var signals = SignalQueue()
    /// What the script stored, newest value of each key.
    package var store = StoreTable()
    /// What handlers that are under way have recorded once.
    package internal(set) var onces = OnceTable()
    /// What the models have used that were called below each frame since its node started; frame 0 has that of the run.
    var usages: [Int32: ModelUsage] = [:]
    package internal(set) var metadata = Slice.none
    package internal(set) var trace = TraceOrigin()
    package internal(set) var ctx = Slice.none
    /// What the run is found by.
    package internal(set) var tags = Slice.none
    /// When the run began, in microseconds since 1970, and what its chance goes by.
    package internal(set) var started: Int64 = 0
    package internal(set) var seed: Int32 = 0
    /// The input of the run, after its schema.
    package internal(set) var initialInput = Slice.none
    /// What the run came to: its output, its error, the reason of its cancellation.
    package internal(set) var outcome = Slice.none
    /// Why the run is to stop: `{ reason }`.
    package internal(set) var cancelRequest = Slice.none
    /// What the run ends in favour of, once a handler has asked for that: `{ input, run }`.
    package internal(set) var restart = Slice.none
    /// The runs that it started and that end with it, by their ids.
    package internal(set) var children: Set<String> = []
    /// When the run begins, and when it has to be over.
    package internal(set) var limits = RunLimits()
    /// Steps that have completed and can be undone, in the order of their completion.
    package internal(set) var completed: [CompletedStep] = []
    /// The end that the run is on the way to, once it has come to one that something comes before.
    package internal(set) var closing: Closing?
    /// The terminal event, once there is one.
    package internal(set) var ending: EventKind?

    /// What there is to do, in order; the driver takes it all after each ``decide(_:at:log:)``.
    package var commands = PlainBuffer<Command>()
    /// Frames that may need a decision. What they need is told by their phase, so a frame that stands here twice, or
    /// that has been freed, does no harm.
    var attention = PlainBuffer<Int32>()
    var attended = 0

    package init(plan: Plan) { self.plan = plan }

    /// The machine of a run that rests, from its log: all that it ever asked for has been carried out, or is under way.
    package init(plan: Plan, resting log: RunLog) {
        self.plan = plan
        for index in 0..<log.count {
            apply(log[index], log: log)
            commands.removeAll()
            attention.removeAll()
        }
    }

    /// Gives back the memory that a run which waits does not need.
    package mutating func trim() {
        frames.trim()
        tables.trim()
        starts.trim()
        signals.trim()
        store.trim()
        commands.trim()
        attention.trim()
    }

    /// Another machine in the same state.
    package func copy() -> RunMachine {
        var copy = RunMachine(plan: plan)
        copy.frames = frames.copy()
        copy.freeFrame = freeFrame
        copy.jumps = jumps
        copy.tables = tables.copy()
        copy.starts = starts.copy()
        copy.signals = signals.copy()
        copy.store = store.copy()
        copy.onces = onces
        copy.usages = usages
        copy.metadata = metadata
        copy.trace = trace
        copy.ctx = ctx
        copy.tags = tags
        copy.started = started
        copy.seed = seed
        copy.initialInput = initialInput
        copy.outcome = outcome
        copy.cancelRequest = cancelRequest
        copy.restart = restart
        copy.children = children
        copy.limits = limits
        copy.completed = completed
        copy.closing = closing
        copy.ending = ending
        copy.commands = commands.copy()
        copy.attention = attention.copy()
        copy.attended = attended
        return copy
    }

    package var isOver: Bool { ending != nil }

    /// What the machine would have asked a driver to do and has no answer to yet.
    package func outstandingCommands() -> [Command] {
        if isOver { return [Command(kind: .finish, frame: 0, node: 0, serial: 0)] }
        if haltsChildren { return [Command(kind: .halt, frame: 0, node: 0, serial: 0)] }
        if isClosing, nextClosing == .depart { return [Command(kind: .depart, frame: 0, node: 0, serial: 0)] }
        let ofFrames: [Command] = frames.indices.compactMap { index in
            let frame = frames[index]
            let kind: Command.Kind
            switch frame.phase {
            case .running: kind = isClosing ? .close : .invoke
            case .concluding: kind = .conclude
            case .stopping: kind = .stop
            case .waiting, .backoff:
                guard frame.deadline != 0 else { return nil }
                kind = .wait
            case .free, .ready, .opening, .body, .concluded, .failing, .cancelled, .over: return nil
            }
            return Command(
                kind: kind, frame: Int32(index), node: frame.node, serial: frame.serial, time: frame.deadline)
        }
        return limitCommands + ofFrames
    }

    /// When the earliest wait ends, in microseconds since 1970; 0 for never.
    package var earliestDeadline: Int64 {
        var earliest = limits == RunLimits() ? 0 : limitDeadline
        for frame in frames.elements where frame.deadline != 0 && (frame.phase == .waiting || frame.phase == .backoff) {
            if earliest == 0 || frame.deadline < earliest { earliest = frame.deadline }
        }
        return earliest
    }

    /// Whether the run can only go on when somebody outside says something: a person, or whoever sends a signal.
    package var waitsOutside: Bool {
        var waits = false
        for frame in frames.elements {
            switch frame.phase {
            case .free, .body: continue
            case .waiting:
                let kind = plan.nodes[Int(frame.node)].kind
                if kind == .delay { return false }
                waits = true
            case .ready, .running, .opening, .concluding, .concluded, .failing, .backoff, .stopping, .cancelled, .over:
                return false
            }
        }
        return waits
    }

    /// Where a run stands, in AI Kit's words.
    package typealias Status = RunStatus

    package var status: Status {
        switch ending {
        case .workflowSuccess: return .success
        case .workflowError: return .failed
        case .workflowCancelled: return .cancelled
        default: break
        }
        if frames.isEmpty { return .queued }
        var status = Status.running
        for frame in frames.elements {
            switch frame.phase {
            case .free, .body: continue
            case .waiting where plan.nodes[Int(frame.node)].kind == .human: status = .waitingHuman
            case .waiting, .backoff: if status != .waitingHuman { status = .waiting }
            case .ready, .running, .opening, .concluding, .concluded, .failing, .stopping, .cancelled, .over:
                return .running
            }
        }
        return status
    }
}

extension RunMachine {
    /// Equal states; what a driver has not taken yet does not count.
    package static func == (left: borrowing RunMachine, right: borrowing RunMachine) -> Bool {
        left.plan === right.plan && left.frames == right.frames && left.freeFrame == right.freeFrame
            && left.tables == right.tables && left.starts == right.starts && left.signals == right.signals
            && left.store == right.store && left.onces == right.onces && left.usages == right.usages
            && left.metadata == right.metadata && left.trace == right.trace
            && left.ctx == right.ctx && left.tags == right.tags
            && left.started == right.started && left.seed == right.seed && left.initialInput == right.initialInput
            && left.outcome == right.outcome && left.ending == right.ending && left.limits == right.limits
            && left.cancelRequest == right.cancelRequest && left.restart == right.restart
            && left.children == right.children && left.jumps == right.jumps
            && left.completed == right.completed && left.closing == right.closing
    }
}
