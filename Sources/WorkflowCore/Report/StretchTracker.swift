internal import FlatValue

/// Knows from a run's events alone where the stretches of its trace begin and end, and in which of them each step began.
///
/// A stretch lasts from the start of the run, or from where it goes on after a wait, to its end, to where it waits for a person, a
/// signal or a time that is ``longWait`` away, or to where its process died. What is under way then goes on in the next one.
package struct StretchTracker: ~Copyable {
    /// How far away a time has to be that ends a stretch, in microseconds.
    package static let longWait: Int64 = 60_000_000

    /// What an event has done to the stretches, in the order of the fields.
    package struct Turn: Equatable {
        /// What came before was another run's.
        package var isFork = false
        /// The stretch ended at the event before.
        package var interrupts = false
        /// One begins with the event.
        package var begins = false
        /// The event says something of the run or its steps.
        package var tells = false
        /// The stretch ends with the event, since the run waits.
        package var rests = false
    }

    package private(set) var machine: RunMachine
    /// The number of the stretch, from 1; 0 before the first one.
    package private(set) var number = 0
    package private(set) var isUnderWay = false
    /// The time of the newest event; clocks that differ do not move it back.
    package private(set) var now: Int64 = 0
    /// The stretch in which the newest attempt of each frame began.
    private var starts: [Int32: Int] = [:]

    package init(plan: Plan) { machine = RunMachine(plan: plan) }

    /// Takes the next event of the run.
    package mutating func follow(_ event: Event, _ log: RunLog) -> Turn {
        now = max(now, event.time)
        machine.apply(event, log: log)
        machine.commands.removeAll()
        var turn = Turn()
        switch event.kind {
        case .traced where event.frame == 0 && number == 0: return turn
        case .metadataSet, .ctxSet, .tagsSet, .storeSet, .cancelRequested, .signalReceived: return turn
        case .workflowResumed:
            resume(event, log, &turn)
            return turn
        default: break
        }
        if !isUnderWay {
            guard opens(event.kind) || !rests else { return turn }
            begin(&turn)
        }
        turn.tells = true
        if event.kind == .stepStart || event.kind == .closingStart { starts[event.frame] = number }
        if event.kind.isTerminal { isUnderWay = false }
        if isUnderWay, event.kind == .humanRequested || event.kind == .stepWaiting || isEnd(event.kind), rests {
            turn.rests = true
            isUnderWay = false
        }
        return turn
    }

    /// The number of the stretch where the newest attempt of a frame goes on in a later one than it began in; nil in its first.
    package func laterStretch(of frame: Int32) -> Int? {
        guard let start = starts[frame], start < number else { return nil }
        return number
    }

    private var rests: Bool { machine.rests(until: now + Self.longWait) }

    private mutating func begin(_ turn: inout Turn) {
        number += 1
        isUnderWay = true
        turn.begins = true
    }

    private mutating func resume(_ event: Event, _ log: RunLog, _ turn: inout Turn) {
        switch ResumeCause(rawValue: event.item) {
        // One that was moved to other code is the same run.
        case .forked where log.copy(event.payload)?["reason"]?.string != "upgraded":
            turn.isFork = true
            number = 0
            isUnderWay = false
            // What was under way there begins here.
            for frame in starts.keys { starts[frame] = 1 }
        case .forked, .processDied, .processDiedInCompany, .released:
            turn.interrupts = isUnderWay
            isUnderWay = false
        case .answered, nil: break
        }
        if !isUnderWay, !rests { begin(&turn) }
    }

    private func isEnd(_ kind: EventKind) -> Bool {
        kind == .stepSuccess || kind == .stepError || kind == .stepCancelled || kind == .stepRetry
            || kind == .closingRetry
    }

    private func opens(_ kind: EventKind) -> Bool {
        isEnd(kind) || kind == .stepStart || kind == .bodyOpened || kind.isTerminal
    }
}

/// What the id of a step's span is the hash of, for whoever sends spans and for the step itself.
package enum SpanPlace {
    /// - Parameters:
    ///   - path: of the step, with what stands behind it where the span is not that of the step itself.
    ///   - stretch: its number where the attempt began in an earlier one; nil otherwise.
    package static func parts(run: String, path: String, attempt: Int, occurrence: Int, stretch: Int?) -> [String] {
        let parts = [run, path, String(attempt), String(occurrence)]
        return stretch.map { parts + [String($0)] } ?? parts
    }
}
