package import FlatValue

/// Why stored bytes are not the journal of a run of a plan.
package struct JournalDamage: Error, Equatable, Sendable, CustomStringConvertible {
    /// The sequence number of the first event that does not fit, from 1; 0 for the bytes as a whole.
    package let sequence: Int
    package let reason: String
    /// The event is of a kind that only a newer version knows.
    package var isOfNewerVersion = false

    package var description: String { sequence == 0 ? reason : "event \(sequence) \(reason)" }
}

/// Reads a run's journal from bytes that may hold anything, and folds it into the run's state.
///
/// What it has taken can be replayed, reported, rendered and gone on with: every index lies in the plan and in the state, every
/// payload in the arena and is one well-formed value. ``RunMachine/apply(_:log:)`` itself checks nothing.
package struct JournalDecoder: ~Copyable {
    /// The events that were taken, with their bytes. The owner calls ``RunLog/deallocate()`` unless ``takeLog()`` took it.
    package private(set) var log = RunLog()
    package private(set) var machine: RunMachine
    /// The id of the run, where it is known: then its successor may have no other id than the next one.
    private var run: String?
    /// Payloads that have been found well-formed.
    private var checked: Set<Slice> = []

    package init(plan: Plan) { machine = RunMachine(plan: plan) }

    /// The whole journal of a run.
    package init(
        plan: Plan, events: UnsafeRawBufferPointer, arena: UnsafeRawBufferPointer
    ) throws(JournalDamage) {
        machine = RunMachine(plan: plan)
        try take(events: events, arena: arena)
    }

    deinit {
        var log = log
        log.deallocate()
    }

    /// The log, which is the caller's from here on; the decoder is left with an empty one.
    package mutating func takeLog() -> RunLog {
        defer { log = RunLog() }
        return log
    }

    /// Takes events and arena bytes that follow on those before.
    ///
    /// - Throws: ``JournalDamage`` at the first event that does not fit; those before it have been taken.
    package mutating func take(
        events: UnsafeRawBufferPointer, arena: UnsafeRawBufferPointer
    ) throws(JournalDamage) {
        guard events.count % MemoryLayout<Event>.stride == 0 else { throw whole("its events are cut off") }
        guard log.arena.count + arena.count <= Int(UInt32.max) else { throw whole("it is larger than any run can be") }
        // Payloads may lie anywhere in what the entry brings.
        log.append(events: UnsafeRawBufferPointer(start: nil, count: 0), arena: arena)
        for offset in stride(from: 0, to: events.count, by: MemoryLayout<Event>.stride) {
            let event = try decode(events, at: offset)
            if let fault = fault(in: event) { throw JournalDamage(sequence: log.count + 1, reason: fault) }
            log.append(event)
            machine.apply(event, log: log)
            machine.commands.removeAll()
        }
    }

    /// Takes events and arena bytes onto a log and the state that it tells of, in place of the decoder's own; both are as before
    /// where this throws, but for events that were taken before the damage.
    ///
    /// - Parameter run: the id of the run.
    package mutating func take(
        events: UnsafeRawBufferPointer, arena: UnsafeRawBufferPointer, onto machine: inout RunMachine,
        _ log: inout RunLog, of run: String
    ) throws(JournalDamage) {
        swap(&self.machine, &machine)
        swap(&self.log, &log)
        self.run = run
        defer {
            self.run = nil
            swap(&self.machine, &machine)
            swap(&self.log, &log)
            checked.removeAll(keepingCapacity: true)
        }
        try take(events: events, arena: arena)
    }

    private func whole(_ reason: String) -> JournalDamage { JournalDamage(sequence: 0, reason: reason) }

    private func decode(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(JournalDamage) -> Event {
        guard let event = Event(decoding: bytes, at: offset) else {
            throw JournalDamage(
                sequence: log.count + 1,
                reason: "is of a kind (\(bytes[offset + 30])) that this version does not know: a newer aikit-lua made "
                    + "it",
                isOfNewerVersion: true)
        }
        guard bytes[offset + 31] == 0 else {
            throw JournalDamage(sequence: log.count + 1, reason: "has a mark that no version writes")
        }
        return event
    }

    /// The values of all events of some kinds, in order, without a look at the state of the run; what is damaged is left out.
    ///
    /// The bytes are those of a whole journal.
    package static func payloads(
        of kinds: Set<EventKind>, events: UnsafeRawBufferPointer, arena: UnsafeRawBufferPointer
    ) -> [Value] {
        stride(from: 0, to: events.count - MemoryLayout<Event>.stride + 1, by: MemoryLayout<Event>.stride).compactMap {
            guard let event = Event(decoding: events, at: $0), kinds.contains(event.kind), !event.payload.isNone,
                Int(event.payload.offset) + Int(event.payload.length) <= arena.count
            else { return nil }
            let start = Int(event.payload.offset)
            return try? Value(
                validating: UnsafeRawBufferPointer(rebasing: arena[start..<start + Int(event.payload.length)]))
        }
    }

    /// Whether events start a run; what is damaged is left out.
    package static func hasStart(_ events: UnsafeRawBufferPointer) -> Bool {
        stride(from: 0, to: events.count - MemoryLayout<Event>.stride + 1, by: MemoryLayout<Event>.stride).contains {
            Event(decoding: events, at: $0)?.kind == .workflowStart
        }
    }

    // MARK: What an event has to be

    /// The latest time that an event may have: so far away that additions stay in range.
    private static let latest: Int64 = 1 << 60

    /// What is wrong with an event as the next one; nil if it may be applied.
    private mutating func fault(in event: Event) -> String? {
        if machine.isOver { return "follows on the end of the run" }
        guard event.time >= 0, event.time < Self.latest else { return "has no possible time" }
        if let fault = payloadFault(event) { return fault }
        if machine.frames.isEmpty { return faultBeforeStart(event) }
        if machine.isClosing, let fault = faultWhileClosing(event) { return fault }
        switch event.kind {
        case .workflowStart: return "starts the run a second time"
        case .limitsSet, .queued: return "comes after the run has started"
        case .workflowSuccess, .workflowError, .workflowCancelled, .metadataSet, .ctxSet, .tagsSet, .storeSet,
            .cancelRequested, .signalReceived:
            return nil
        case .workflowResumed: return resumptionFault(event)
        case .stepEvent, .log, .traced, .onceRecorded, .modelCalled:
            return hasFrame(event) && machine.plan.nodes.indices.contains(Int(event.node)) ? nil : "is of no step"
        case .inputSettled: return hasFrame(event) ? nil : "is of no step that runs"
        case .bodyOpened: return openingFault(event)
        case .stepStart, .stepSuccess, .stepError, .stepBranch, .humanRequested, .humanCompleted, .stepRetry,
            .stepCancelled, .stepWaiting, .itemsListed, .answerSigned:
            return stepFault(event)
        case .restartAsked: return restartFault(event)
        case .endingDecided: return endingFault(event)
        case .closingStart, .closingSuccess, .closingError, .closingRetry: return closingFault(event)
        }
    }

    /// Nothing of the workflow itself goes on once its end has been decided.
    private func faultWhileClosing(_ event: Event) -> String? {
        switch event.kind {
        case .bodyOpened, .stepStart, .stepSuccess, .stepError, .stepBranch, .humanRequested, .humanCompleted,
            .stepRetry, .stepCancelled, .stepWaiting, .itemsListed, .answerSigned, .cancelRequested, .inputSettled,
            .endingDecided, .restartAsked:
            return "follows on the decision of the run's end"
        case .workflowSuccess, .workflowCancelled:
            return event.kind == machine.closing?.ending ? nil : "ends the run in another way than was decided"
        case .workflowStart, .workflowError, .workflowResumed, .stepEvent, .metadataSet, .ctxSet, .tagsSet, .storeSet,
            .signalReceived, .log, .limitsSet, .traced, .queued, .closingStart, .closingSuccess, .closingError,
            .closingRetry, .onceRecorded, .modelCalled:
            return nil
        }
    }

    private func restartFault(_ event: Event) -> String? {
        guard hasFrame(event) else { return "is of no step that runs" }
        return machine.restart.isNone && machine.cancelRequest.isNone ? nil : "restarts a run that is being stopped"
    }

    private func endingFault(_ event: Event) -> String? {
        guard let ending = EventKind(number: event.item), ending.isTerminal else {
            return "decides on no end"
        }
        if ending == .workflowError, event.payload.isNone { return "has no value" }
        for index in machine.frames.indices.dropFirst() where machine.frames[index].phase != .free {
            return "decides on the end of a run whose steps run"
        }
        return nil
    }

    private func closingFault(_ event: Event) -> String? {
        guard let closing = machine.closing, hasClosingFrame(event) else { return "undoes what does not end" }
        let phase = machine.frames[Int(event.frame)].phase
        if event.kind != .closingStart { return phase == .running ? nil : "ends what does not run" }
        guard event.attempt > 0, event.attempt == 1 ? !closing.isCalling : phase == .backoff else {
            return "starts what runs"
        }
        let isNext =
            switch machine.nextClosing {
            case .undo(let place):
                event.frame == Closing.undoFrame && Int(event.item) == place
                    && event.node == machine.completed[place].node
            case .handle: event.frame == Closing.handlerFrame && event.item == Closing.handlerItem && event.node == 0
            case .depart, .finish: false
            }
        return isNext ? nil : "undoes something else than what comes next"
    }

    private func hasClosingFrame(_ event: Event) -> Bool {
        guard event.frame == Closing.undoFrame || event.frame == Closing.handlerFrame,
            machine.frames.indices.contains(Int(event.frame))
        else { return false }
        return event.kind != .closingRetry || event.item >= 0
    }

    private func faultBeforeStart(_ event: Event) -> String? {
        switch event.kind {
        case .workflowStart: event.frame == 0 && event.node == 0 ? nil : "starts the run in the wrong place"
        case .workflowError, .workflowCancelled, .metadataSet, .ctxSet, .tagsSet, .storeSet, .traced: nil
        case .limitsSet: machine.limits == RunLimits() ? nil : "sets limits a second time"
        case .queued: machine.isDeferred ? "queues a run that waits already" : nil
        case .signalReceived: machine.isDeferred ? nil : "comes before the run has started"
        default: "comes before the run has started"
        }
    }

    /// Whether the event's frame is in use.
    private func hasFrame(_ event: Event) -> Bool {
        machine.frames.indices.contains(Int(event.frame)) && machine.frames[Int(event.frame)].phase != .free
    }

    private mutating func payloadFault(_ event: Event) -> String? {
        let payload = event.payload
        if payload.isNone {
            switch event.kind {
            case .itemsListed, .stepWaiting, .storeSet, .signalReceived, .metadataSet, .ctxSet, .humanRequested,
                .cancelRequested, .stepEvent, .log, .traced, .stepRetry, .stepError, .limitsSet, .answerSigned, .queued,
                .onceRecorded, .modelCalled, .closingError, .closingRetry, .tagsSet, .restartAsked:
                return "has no value"
            default: return nil
            }
        }
        guard Int(payload.offset) + Int(payload.length) <= log.arena.count else {
            return "refers to bytes that are not there"
        }
        if checked.contains(payload) { return nil }
        if let malformed = Value.fault(in: log.arena[payload]) { return "holds a \(malformed)" }
        checked.insert(payload)
        let value = log.value(payload)
        switch event.kind {
        case .itemsListed:
            if !value.isArray && value.tag != .emptyTable || value.count > Int(Int32.max) { return "lists no items" }
        case .stepWaiting:
            if let until = value["until"]?.int, until < 0 || until >= Self.latest / 1000 {
                return "waits for no possible time"
            }
        case .limitsSet: return RunLimits.fault(in: value)
        case .queued: return RunLimits.queueFault(in: value)
        case .tagsSet: return RunTags.fault(in: value)
        case .restartAsked:
            guard value[key: "input"] != nil, let next = value[key: "run"]?.string, !next.isEmpty else {
                return "restarts the run as nothing"
            }
            if let run, next != RunChain.next(after: run) { return "restarts the run as one that is not the next" }
        case .onceRecorded: if value["name"]?.string == nil { return "records a result under no name" }
        default: break
        }
        return nil
    }

    private func resumptionFault(_ event: Event) -> String? {
        guard let cause = ResumeCause(rawValue: event.item) else { return "resumes the run for no known reason" }
        if cause == .processDied, machine.frames.elements.contains(where: { $0.crashes == .max }) {
            return "counts too many deaths"
        }
        return nil
    }

    private func openingFault(_ event: Event) -> String? {
        guard event.frame == machine.nextFrame else { return "opens a body in the wrong frame" }
        guard machine.frames.indices.contains(Int(event.node)) else { return "opens a body of nothing" }
        let parent = machine.frames[Int(event.node)]
        let node = machine.plan.nodes[Int(parent.node)]
        // A loop opens its body on the answer of its condition, a workflow that is a step on that of its schema.
        let isAnswered = node.kind == .loop || node.kind == .workflow && node.inputSchema >= 0 && event.node != 0
        guard parent.phase == (isAnswered ? .running : .opening) else {
            return "opens a body of a step that has none to open"
        }
        let isNext = event.item == parent.opened &+ 1
        let fits =
            switch node.kind {
            case .workflow: event.item == 1 && node.bodyCount == 1 && parent.live == 0
            case .loop: event.item >= 1 && node.bodyCount == 1 && parent.live == 0
            case .foreach: isNext && event.item <= parent.total && node.bodyCount == 1
            case .parallel: isNext && event.item <= node.bodyCount
            case .branch: event.item >= 1 && event.item <= node.bodyCount && parent.live == 0
            case .step, .human, .delay, .waitFor: false
            }
        if !fits { return "opens a body that the plan does not have" }
        return node.kind == .foreach && event.payload.isNone ? "opens an item without a value" : nil
    }

    private func stepFault(_ event: Event) -> String? {
        // The outermost frame is the workflow's own, whose end has events of its own.
        guard event.frame > 0, hasFrame(event) else { return "is of no step that runs" }
        let frame = machine.frames[Int(event.frame)]
        guard frame.node == event.node else { return "is of another step than the one that runs" }
        let node = machine.plan.nodes[Int(event.node)]
        switch event.kind {
        case .stepStart:
            if frame.phase != .ready && frame.phase != .backoff || frame.live != 0 { return "starts a step that runs" }
            return event.attempt > 0 ? nil : "starts no attempt"
        case .stepBranch:
            return node.kind == .branch && event.item >= -1 && event.item < node.bodyCount ? nil : "chooses no case"
        case .itemsListed:
            return node.kind == .foreach && frame.phase == .running ? nil : "lists items of no foreach"
        case .humanRequested: return node.kind == .human && frame.phase == .running ? nil : "asks nobody"
        case .humanCompleted, .answerSigned:
            return node.kind == .human && frame.phase == .waiting ? nil : "answers nothing"
        case .stepRetry: return frame.phase == .running && event.item >= 0 ? nil : "retries nothing"
        case .stepWaiting: return node.kind == .delay || node.kind == .waitFor ? nil : "waits for nothing"
        case .stepSuccess: return successFault(event, frame, node)
        case .stepError, .stepCancelled: return frame.live == 0 ? nil : "ends a step whose body runs"
        default: return nil
        }
    }

    private func successFault(_ event: Event, _ frame: Frame, _ node: PlanNode) -> String? {
        guard frame.live == 0 else { return "ends a step whose body runs" }
        switch frame.phase {
        case .running, .concluding, .concluded, .waiting, .opening, .backoff: break
        case .free, .ready, .body, .failing, .stopping, .cancelled, .over: return "ends a step that does not run"
        }
        if event.item < 0 { return nil }
        guard machine.plan.nodes.indices.contains(Int(event.item)),
            machine.plan.nodes[Int(event.item)].body == node.body
        else { return "goes on to a step of another place" }
        return nil
    }
}

extension Event {
    /// An event from its 32 bytes, which are the fields of the structure in their order, little-endian; nil for an unknown kind.
    init?(decoding bytes: UnsafeRawBufferPointer, at offset: Int) {
        func word<Word: FixedWidthInteger>(_ place: Int) -> Word {
            Word(littleEndian: bytes.loadUnaligned(fromByteOffset: offset + place, as: Word.self))
        }
        guard let kind = EventKind(rawValue: bytes[offset + 30]) else { return nil }
        self.init(
            kind, time: word(0), frame: word(16), node: word(20), payload: Slice(offset: word(8), length: word(12)),
            item: word(24), attempt: word(28))
    }
}
