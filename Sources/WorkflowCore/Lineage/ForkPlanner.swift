internal import FlatValue

/// Decides what a fork takes over of a recorded run.
package struct ForkPlanner: ~Copyable {
    private let log: RunLog
    private let mapping: PlanMapping
    private var transfer: JournalTransfer
    private var fork = Fork()
    /// The events of the run itself: those before its end was decided.
    private let history: Range<Int>
    /// The steps that were undone, by the events of their success.
    private let undone: [Int: Undone]

    private struct Undone {
        var path: String
        /// The event of its first start.
        var start: Int
    }

    /// The beginning of a run of the plan `new`, taken from the log of a run of the plan `old`.
    package static func fork(_ log: RunLog, from old: Plan, to new: Plan, at point: ForkPoint) throws(ForkError) -> Fork
    {
        if isEnding(log) {
            throw ForkError(
                code: .notOver,
                message: "the run is ending, and what it did may still be undone; try again when it is over")
        }
        var planner = ForkPlanner(log, PlanMapping(from: old, to: new))
        switch point {
        case .before(let path): return try planner.before(path)
        case .failure: return try planner.beforeFailure()
        case .change: return try planner.beforeChange()
        }
    }

    private init(_ log: RunLog, _ mapping: PlanMapping) {
        self.log = log
        self.mapping = mapping
        transfer = JournalTransfer(mapping)
        let end = (0..<log.count).first {
            log[$0].kind == .endingDecided || log[$0].kind == .restartAsked || log[$0].kind.isTerminal
        }
        history = 0..<(end ?? log.count)
        undone = Self.undone(log, mapping.old)
    }

    private static func undone(_ log: RunLog, _ plan: Plan) -> [Int: Undone] {
        guard plan.hasCompensation else { return [:] }
        var machine = RunMachine(plan: plan)
        var starts: [Int32: Int] = [:]
        var successes: [(index: Int, start: Int)] = []
        for index in 0..<log.count {
            let event = log[index]
            if event.kind == .stepStart, event.attempt == 1, machine.frames[Int(event.frame)].phase == .ready {
                starts[event.frame] = index
            }
            machine.apply(event, log: log)
            machine.commands.removeAll()
            machine.attention.removeAll()
            while successes.count < machine.completed.count { successes.append((index, starts[event.frame] ?? index)) }
        }
        var undone: [Int: Undone] = [:]
        for (step, success) in zip(machine.completed, successes) where step.undoing == .done {
            undone[success.index] = Undone(path: step.path, start: success.start)
        }
        return undone
    }

    /// Whether a run comes to an end other than success, before which its steps are undone.
    private static func isEnding(_ log: RunLog) -> Bool {
        guard log.count > 0, !log[log.count - 1].kind.isTerminal else { return false }
        return (0..<log.count).contains {
            log[$0].kind == .endingDecided && log[$0].item != Int32(EventKind.workflowSuccess.rawValue)
        }
    }

    /// Refuses to take over what is not there any more.
    private func expectKept(_ index: Int) throws(ForkError) {
        guard let path = undone[index]?.path else { return }
        throw ForkError(
            code: .undone,
            message: "'\(path)' was undone when the run ended; fork from there, or from a step before it")
    }

    private mutating func take(_ event: Event) throws(Misfit) {
        fork.events.append(try transfer.take(event, log: log))
        fork.arena = max(fork.arena, Int(event.payload.offset + event.payload.length))
    }

    private mutating func stop(at frame: Int32, _ path: String) -> Fork {
        fork.frame = frame
        fork.path = path
        fork.isAtStart = !fork.events.contains { $0.kind == .stepStart }
        return fork
    }

    // MARK: A path

    /// - Parameter start: the event of the start that it stops before, of a step that came several times; nil for the first one.
    private mutating func before(_ path: String, start: Int? = nil) throws(ForkError) -> Fork {
        for index in history {
            if index == start, let frame = transfer.readyFrame(of: log[index]) { return stop(at: frame, path) }
            try expectKept(index)
            do throws(Misfit) {
                try take(log[index])
            } catch {
                let advice = path == error.path ? "" : "; fork from there, or from a step before it"
                throw ForkError(code: .misfit, message: error.description + advice)
            }
            guard start == nil else { continue }
            for frame in transfer.ready where transfer.machine.path(of: frame) == path { return stop(at: frame, path) }
        }
        throw unknown(path)
    }

    private func unknown(_ path: String) -> ForkError {
        let recorded = RunReport.result(plan: mapping.old, log: log).steps.map(\.path)
        let isKnown = mapping.new.details.dropFirst().contains { path == $0.id || path.hasSuffix("/" + $0.id) }
        let message = isKnown ? "the run never came to '\(path)'" : "the run has no step at '\(path)'"
        return ForkError(code: .unknownPath, message: message + suggestion(for: path, in: recorded))
    }

    // MARK: A failure

    private mutating func beforeFailure() throws(ForkError) -> Fork {
        let (end, failed) = try failures()
        // All that was undone is done again.
        if let first = undone.min(by: { $0.key < $1.key })?.value { return try before(first.path, start: first.start) }
        for index in 0..<end where !failed.contains(where: { $0.holds(index, log[index]) }) {
            do throws(Misfit) { try take(log[index]) } catch {
                throw ForkError(code: .misfit, message: error.description)
            }
        }
        return stop(at: -1, failed.first?.path ?? "")
    }

    /// What one failure recorded: the events of a frame from the start of the failed step to its error.
    private struct Failure {
        var frame: Int32
        var start: Int
        var end: Int
        var path: String

        /// What the step recorded once stays: it is tried again where it stood.
        func holds(_ index: Int, _ event: Event) -> Bool {
            index >= start && index <= end && event.kind != .bodyOpened && event.kind != .onceRecorded
                && event.frame == frame
        }
    }

    /// The failures of steps that nothing below them caused, and the first event that follows from them.
    private func failures() throws(ForkError) -> (end: Int, [Failure]) {
        var machine = RunMachine(plan: mapping.old)
        var starts: [Int32: Int] = [:]
        var failed: [Failure] = []
        var end: Int?
        for index in 0..<log.count where end == nil {
            let event = log[index]
            switch event.kind {
            case .stepStart where event.attempt == 1: starts[event.frame] = index
            case .stepError where isContained(event.frame, machine): break
            case .stepCancelled where isContained(event.frame, machine): break
            case .stepError:
                if machine.frames[Int(event.frame)].phase == .failing {
                    end = index
                } else {
                    // The callbacks of a construct are asked again where it stood; a step begins anew.
                    let isLeaf = mapping.old.nodes[Int(event.node)].bodyCount == 0
                    let start = isLeaf ? starts[event.frame] ?? index : index
                    failed.append(
                        Failure(frame: event.frame, start: start, end: index, path: machine.path(of: event.frame)))
                }
            case .stepCancelled, .cancelRequested, .workflowError, .workflowCancelled: end = index
            case .endingDecided where event.item != Int32(EventKind.workflowSuccess.rawValue): end = index
            case .workflowSuccess, .endingDecided:
                throw ForkError(code: .notFailed, message: "the run succeeded; nothing is to be retried")
            default: break
            }
            machine.apply(event, log: log)
            machine.attention.removeAll()
            machine.commands.removeAll()
        }
        guard let end else {
            throw ForkError(code: .notFailed, message: "the run is not over; nothing is to be retried")
        }
        guard (0..<end).contains(where: { log[$0].kind == .workflowStart }) else {
            throw ForkError(
                code: .notFailed,
                message: "the run failed before its first step; run the workflow again with another input")
        }
        return (end, failed)
    }

    /// Whether the end of a frame ends nothing but an item of a foreach that goes on after errors.
    private func isContained(_ frame: Int32, _ machine: borrowing RunMachine) -> Bool {
        var parent = machine.frames[Int(frame)].parent
        while parent >= 0 {
            let above = machine.frames[Int(parent)]
            let node = mapping.old.nodes[Int(above.node)]
            if above.cancelling { return false }
            if node.kind == .foreach, node.waitsForAll { return true }
            parent = above.parent
        }
        return false
    }

    // MARK: A change

    private mutating func beforeChange() throws(ForkError) -> Fork {
        for index in history {
            let event = log[index]
            try expectKept(index)
            do throws(Misfit) {
                try take(event)
            } catch {
                guard !error.path.isEmpty else { throw ForkError(code: .misfit, message: error.description) }
                // Something else would have run there: it is what runs now. Else the node itself has to run again.
                if event.kind == .stepStart, let frame = transfer.readyFrame(of: event) {
                    return stop(at: frame, transfer.machine.path(of: frame))
                }
                var again = ForkPlanner(log, mapping)
                return try again.before(error.path)
            }
            for frame in transfer.ready where isChanged(transfer.machine.frames[Int(frame)].node) {
                return stop(at: frame, transfer.machine.path(of: frame))
            }
        }
        if !mapping.isAlike(0, 0) { return stop(at: -1, "") }
        throw ForkError(code: .unchanged, message: "no step that the run came to has changed")
    }

    /// Whether a node of the new plan is new, or does not do what it did.
    private func isChanged(_ node: NodeIndex) -> Bool {
        guard let twin = mapping.original(of: node) else { return true }
        return !mapping.isAlike(twin, node)
    }
}
