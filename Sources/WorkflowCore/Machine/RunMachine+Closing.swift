package import FlatValue

/// An end that a run has come to and that is not written yet: steps are undone first, and a completion handler is called.
package struct Closing: Sendable, Equatable {
    /// The frame in which steps are undone; its number has been given out before the first step could complete.
    static let undoFrame: Int32 = 1
    /// The frame in which the completion handler is called.
    static let handlerFrame: Int32 = 0
    /// The `item` of the events of the completion handler.
    static let handlerItem: Int32 = -1

    /// The terminal event that follows.
    package let ending: EventKind
    /// What that event tells, but for what was undone.
    package let outcome: Slice
    /// How many of the completed steps, the first ones, have not been dealt with.
    package internal(set) var remaining: Int
    /// The completion handler has returned, or has failed for good.
    package internal(set) var isHandled = false
    /// A call of it is under way, or waits for its next attempt.
    var isCalling = false

    /// What stands behind the path of what is called in a frame, where it has to differ from that of the step itself.
    package static func part(of frame: Int32) -> String { frame == handlerFrame ? "/completion" : "/compensate" }

    /// What comes next on the way to the end.
    package enum Step: Sendable, Equatable {
        /// The completed step of that place is undone.
        case undo(Int)
        /// The completion handler is called.
        case handle
        /// The run that follows on this one is begun, and those that end with it are cancelled.
        case depart
        /// Nothing: the run is over.
        case finish
    }
}

/// The way from the end that a run has come to, to its terminal event: the steps that have completed are undone in reverse
/// order of their completion unless the run succeeds, then the workflow's completion handler is called.
///
/// Frames are not in use any more by then, so each call has a frame of a fixed number; see ``Closing``.
extension RunMachine {
    /// Whether the run has come to an end and is on the way to its terminal event.
    package var isClosing: Bool { closing != nil }

    /// What comes next; `finish` as well for a run that has come to no end.
    package var nextClosing: Closing.Step {
        guard let closing else { return .finish }
        return nextClosing(of: closing)
    }

    private func nextClosing(of closing: Closing) -> Closing.Step {
        if closing.ending != .workflowSuccess, closing.remaining > 0 { return .undo(closing.remaining - 1) }
        // The work is not done but goes on elsewhere, so nobody is told of its end.
        if isRestarting(closing) { return .depart }
        if !closing.isHandled, plan.completion.slot(of: closing.ending) != 0 { return .handle }
        return children.isEmpty ? .finish : .depart
    }

    /// The runs that end with this one are cancelled next: what they do is over before anything is undone, and before anybody is
    /// told of the end. A run that succeeds leaves them until its own work is done.
    package var haltsChildren: Bool {
        guard let closing, closing.ending != .workflowSuccess, !closing.isCalling, !children.isEmpty else {
            return false
        }
        switch nextClosing {
        case .undo: return closing.remaining == completed.count
        case .handle: return completed.isEmpty
        case .depart, .finish: return false
        }
    }

    private func isRestarting(_ closing: Closing) -> Bool { closing.ending == .workflowSuccess && !restart.isNone }

    /// The completed step that a frame undoes, or undid last.
    package func undone(in frame: Int32) -> CompletedStep? {
        guard let closing, frame == Closing.undoFrame else { return nil }
        return completed.indices.contains(closing.remaining - 1) ? completed[closing.remaining - 1] : nil
    }

    /// The completed step that is being undone, also between two attempts; nil where none is.
    package var undoing: CompletedStep? {
        guard let closing, closing.isCalling, case .undo(let place) = nextClosing else { return nil }
        return completed[place]
    }

    // MARK: Deciding

    /// Ends the run, or begins what comes before.
    mutating func end(_ ending: EventKind, _ outcome: Slice, _ time: Int64, _ log: inout RunLog) {
        let closing = Closing(ending: ending, outcome: outcome, remaining: completed.count)
        guard nextClosing(of: closing) != .finish else { return emit(ending, time, &log, payload: outcome) }
        emit(.endingDecided, time, &log, payload: outcome, item: Int32(ending.rawValue))
        closeOn(time, &log)
    }

    /// Begins the next call on the way to the end, or ends the run. No-op while one is under way.
    mutating func closeOn(_ time: Int64, _ log: inout RunLog) {
        guard let closing, !closing.isCalling, ending == nil else { return }
        if haltsChildren { return commands.append(Command(kind: .halt, frame: 0, node: 0, serial: 0)) }
        goOnClosing(closing, time, &log)
    }

    /// The runs that end with this one have been cancelled.
    mutating func childrenHalted(_ time: Int64, _ log: inout RunLog) throws(Refusal) {
        guard let closing, haltsChildren else { throw .stale }
        goOnClosing(closing, time, &log)
    }

    private mutating func goOnClosing(_ closing: Closing, _ time: Int64, _ log: inout RunLog) {
        switch nextClosing {
        case .undo(let place): startClosing(place, time, &log, attempt: 1)
        case .handle: startClosing(-1, time, &log, attempt: 1)
        case .depart: commands.append(Command(kind: .depart, frame: 0, node: 0, serial: 0))
        case .finish: emit(closing.ending, time, &log, payload: toldOutcome(closing.outcome, &log))
        }
    }

    private mutating func startClosing(_ place: Int, _ time: Int64, _ log: inout RunLog, attempt: UInt16) {
        let isUndo = place >= 0
        let event = Event(
            .closingStart, time: time, frame: isUndo ? Closing.undoFrame : Closing.handlerFrame,
            node: isUndo ? completed[place].node : 0, item: isUndo ? Int32(place) : Closing.handlerItem,
            attempt: attempt)
        log.append(event)
        apply(event, log: log)
    }

    /// The time of the next attempt has come.
    mutating func closeAgain(_ frame: Int32, _ time: Int64, _ log: inout RunLog) {
        let attempt = frames[Int(frame)].attempt
        startClosing(closingPlace(of: frame), time, &log, attempt: attempt == .max ? .max : attempt + 1)
    }

    /// A call on the way to the end has returned, or has failed for good.
    mutating func closed(_ kind: EventKind, _ frame: Int32, _ payload: Slice, _ time: Int64, _ log: inout RunLog) {
        emit(kind, time, &log, frame: frame, payload: payload, item: Int32(closingPlace(of: frame)))
        closeOn(time, &log)
    }

    /// The place of what a frame undoes; -1 for the completion handler.
    private func closingPlace(of frame: Int32) -> Int {
        frame == Closing.undoFrame ? (closing?.remaining ?? 0) - 1 : Int(Closing.handlerItem)
    }

    /// What the run came to with what was undone: an object gets `compensation: { undone, failed }`, the paths of steps that
    /// were undone, in that order, and `{ path, error }` of those that were not.
    package func toldOutcome(_ outcome: Slice, _ log: inout RunLog) -> Slice {
        // What a run that succeeded gives is its own.
        if let closing, closing.ending == .workflowSuccess, outcome == closing.outcome { return outcome }
        guard !completed.isEmpty, !outcome.isNone, let entries = Value(log.value(outcome)).entries else {
            return outcome
        }
        var undone: [Value] = []
        var failed: [Value] = []
        for step in completed.reversed() {
            switch step.undoing {
            case .done: undone.append(Value(step.path))
            case .failed(let error): failed.append(["path": Value(step.path), "error": Value(log.value(error))])
            case .pending:
                let error: Value = ["code": "not_tried", "message": "the run ended before the step could be undone"]
                failed.append(["path": Value(step.path), "error": error])
            }
        }
        let compensation: Value = ["undone": Value(array: undone), "failed": Value(array: failed)]
        let told = Value(entries: entries.map { ($0.key, $0.value) } + [("compensation", compensation)])
        return log.arena.writing { $0.write(told) }
    }

    // MARK: Applying

    /// Keeps a step that is to be undone unless the run succeeds.
    mutating func complete(undoable frame: Int32, _ output: Slice) {
        let state = frames[Int(frame)]
        completed.append(
            CompletedStep(
                node: state.node, path: path(of: frame), input: state.input, output: output,
                occurrence: state.occurrence, iteration: iteration(of: frame)))
    }

    mutating func beginClosing(_ event: Event) {
        let ending = EventKind(number: event.item) ?? .workflowError
        closing = Closing(ending: ending, outcome: event.payload, remaining: completed.count)
        // All bodies have ended.
        freeFrame = -1
        frames[0].phase = .body
        frames[0].cancelling = false
    }

    mutating func startClosing(_ event: Event) {
        let index = Int(event.frame)
        if event.attempt == 1, event.frame == Closing.undoFrame, let step = undone(in: event.frame) {
            var frame = Frame(parent: 0, ordinal: 1, node: step.node, phase: .running, input: step.input)
            frame.serial = frames[index].serial
            frame.occurrence = step.occurrence
            frames[index] = frame
        } else if event.attempt == 1 {
            frames[index].crashes = 0
            frames[index].suspicions = 0
        }
        closing?.isCalling = true
        frames[index].attempt = event.attempt
        frames[index].deadline = 0
        ask(.close, event.frame)
    }

    mutating func endClosing(_ event: Event, _ undoing: CompletedStep.Undoing) {
        let index = Int(event.frame)
        onces.forget(event.frame)
        closing?.isCalling = false
        if event.frame == Closing.undoFrame, let remaining = closing?.remaining, remaining > 0 {
            completed[remaining - 1].undoing = undoing
            closing?.remaining = remaining - 1
            frames[index].phase = .free
            frames[index].serial &+= 1
        } else {
            closing?.isHandled = true
            frames[index].phase = .body
        }
    }
}
