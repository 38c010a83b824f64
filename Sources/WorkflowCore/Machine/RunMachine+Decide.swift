package import FlatValue

extension RunMachine {
    /// Deaths of the process in one and the same node before the node counts as the cause.
    package static let crashLimit = 3

    /// Looks at a fact and writes the events that follow from it to the log, each applied as it is written.
    ///
    /// - Parameters:
    ///   - time: now, in microseconds since 1970.
    ///   - log: the run's log; payloads that the machine composes are appended to its arena.
    /// - Throws: ``Refusal`` when the fact does not fit the state, which is then unchanged.
    package mutating func decide(_ fact: Fact, at time: Int64, log: inout RunLog) throws(Refusal) {
        if ending != nil { throw .over }
        switch fact {
        case .started(let input, let metadata, let ctx, let seed, let limits, let queue, let tags):
            guard frames.isEmpty, !isDeferred else { throw .outOfOrder }
            if !metadata.isNone { emit(.metadataSet, time, &log, payload: metadata) }
            if !ctx.isNone { emit(.ctxSet, time, &log, payload: ctx) }
            if !tags.isNone { emit(.tagsSet, time, &log, payload: tags) }
            if !limits.isNone { emit(.limitsSet, time, &log, payload: limits, item: seed) }
            if !queue.isNone { emit(.queued, time, &log, payload: queue, item: seed) }
            if isDeferred { break }
            emit(.workflowStart, time, &log, payload: input, item: seed)
        case .admitted:
            guard isDeferred, limits.isQueued else { throw .stale }
            emit(.workflowStart, time, &log, payload: limits.input, item: seed)
        case .inputRefused(let error, let metadata, let ctx, let tags):
            guard frames.isEmpty else { throw .outOfOrder }
            if !metadata.isNone { emit(.metadataSet, time, &log, payload: metadata) }
            if !ctx.isNone { emit(.ctxSet, time, &log, payload: ctx) }
            if !tags.isNone { emit(.tagsSet, time, &log, payload: tags) }
            emit(.workflowError, time, &log, payload: error)
        case .inputSettled(let frame, let serial, let input):
            switch try phase(frame, serial) {
            case .running: break
            case .stopping: return
            case .concluding, .waiting, .backoff, .free, .ready, .opening, .body, .concluded, .failing, .cancelled,
                .over:
                throw .stale
            }
            emit(.inputSettled, time, &log, frame: frame, payload: input)
        case .completed(let frame, let serial, let output, let next):
            guard try running(frame, serial, time, &log) else { break }
            complete(frame, output, next, time, &log)
        case .failed(let frame, let serial, let error, let retryable, let chance):
            guard try running(frame, serial, time, &log) else { break }
            failed(frame, error, retryable: retryable, chance: chance, time, &log)
        case .stopped(let frame, let serial):
            guard try phase(frame, serial) == .stopping else { throw .stale }
            cancelled(frame, time, &log)
        case .resolved(let frame, let serial, let choice):
            guard try running(frame, serial, time, &log) else { break }
            if choice >= 0 { emit(.stepBranch, time, &log, frame: frame, item: choice) }
            let input = frames[Int(frame)].input
            emit(.stepSuccess, time, &log, frame: frame, payload: input, item: next(frame))
        case .listed(let frame, let serial, let items):
            guard try running(frame, serial, time, &log) else { break }
            emit(.itemsListed, time, &log, frame: frame, payload: items)
        case .continues(let frame, let serial, let input):
            guard try running(frame, serial, time, &log) else { break }
            open(frame, ordinal: frames[Int(frame)].opened + 1, input, time, &log)
        case .ends(let frame, let serial):
            guard try running(frame, serial, time, &log) else { break }
            complete(frame, loopOutput(frame, &log), Fact.usualNext, time, &log)
        case .entered(let frame, let serial):
            guard try running(frame, serial, time, &log) else { break }
            enter(frame, time, &log)
        case .asked(let frame, let serial, let request):
            guard try running(frame, serial, time, &log) else { break }
            emit(.humanRequested, time, &log, frame: frame, payload: request)
        case .delayed(let frame, let serial, let duration):
            guard try running(frame, serial, time, &log) else { break }
            waitFor(frame, until: time.clamped(adding: duration), time, &log)
        case .replied(let frame, let serial, let response, let by):
            guard try phase(frame, serial) == .waiting, kind(frame) == .human else { throw .notWaiting }
            if !by.isNone { emit(.answerSigned, time, &log, frame: frame, payload: by) }
            answer(frame, response, time, &log)
        case .timerFired(RunLimits.frame, let serial):
            try limitReached(serial, time, &log)
        case .timerFired(let frame, let serial):
            try timerFired(frame, serial, time, &log)
        case .signalled(let signal):
            guard !frames.isEmpty || isDeferred else { throw .outOfOrder }
            emit(.signalReceived, time, &log, payload: signal)
            let name = log.value(signal)["name"]?.string
            if let number = name.flatMap({ plan.number(ofEvent: $0) }) { deliver(number, time, &log) }
        case .cancelAsked(let request):
            guard cancelRequest.isNone, !isClosing else { return }
            // A run whose input was still being checked has nothing that could be stopped.
            emit(frames.isEmpty ? .workflowCancelled : .cancelRequested, time, &log, payload: request)
        case .restartAsked(let frame, let request):
            guard frames.indices.contains(Int(frame)), cancelRequest.isNone, restart.isNone, !isClosing else {
                throw .stale
            }
            emit(.restartAsked, time, &log, frame: frame, payload: request)
        case .halted: try childrenHalted(time, &log)
        case .endingTakenUp: closeOn(time, &log)
        case .departed:
            guard let closing, nextClosing == .depart else { throw .stale }
            emit(closing.ending, time, &log, payload: toldOutcome(closing.outcome, &log))
        case .abandoned(let error):
            guard !frames.isEmpty else { throw .outOfOrder }
            emit(.workflowError, time, &log, payload: toldOutcome(error, &log))
        case .recovered(let cause, let died, let inCompany):
            guard !frames.isEmpty else { throw .outOfOrder }
            recover(cause, ResumeCause(died: died, inCompany: inCompany), time, &log)
        case .forked(let cause, let frame, let input):
            guard !frames.isEmpty else { throw .outOfOrder }
            emit(.workflowResumed, time, &log, payload: cause, item: ResumeCause.forked.rawValue)
            if frame >= 0, !input.isNone { emit(.inputSettled, time, &log, frame: frame, payload: input) }
            for index in frames.indices where frames[index].phase != .free { attend(Int32(index)) }
            closeOn(time, &log)
        case .emitted(let frame, let event): emit(.stepEvent, time, &log, frame: frame, payload: event)
        case .traced(let frame, let record):
            guard !frames.isEmpty || log.count == 0 else { throw .outOfOrder }
            emit(.traced, time, &log, frame: frame, payload: record)
        case .recorded(let frame, let record):
            guard frames.indices.contains(Int(frame)) else { throw .outOfOrder }
            emit(.onceRecorded, time, &log, frame: frame, payload: record)
        case .modelCalled(let frame, let record): emit(.modelCalled, time, &log, frame: frame, payload: record)
        case .logged(let frame, let record): emit(.log, time, &log, frame: frame, payload: record)
        case .metadataSet(let frame, let value): emit(.metadataSet, time, &log, frame: frame, payload: value)
        case .ctxSet(let frame, let value): emit(.ctxSet, time, &log, frame: frame, payload: value)
        case .tagsSet(let frame, let value): emit(.tagsSet, time, &log, frame: frame, payload: value)
        case .storeSet(let frame, let entry): emit(.storeSet, time, &log, frame: frame, payload: entry)
        }
        settle(time, &log)
    }

    // MARK: Writing

    mutating func emit(
        _ kind: EventKind, _ time: Int64, _ log: inout RunLog, frame: Int32 = 0, payload: Slice = .none,
        item: Int32 = 0,
        attempt: UInt16? = nil
    ) {
        let inFrame = Int(frame) < frames.count
        let event = Event(
            kind, time: time, frame: frame, node: inFrame ? frames[Int(frame)].node : 0, payload: payload, item: item,
            attempt: attempt ?? (inFrame ? frames[Int(frame)].attempt : 0))
        log.append(event)
        apply(event, log: log)
    }

    private mutating func open(_ parent: Int32, ordinal: Int32, _ input: Slice, _ time: Int64, _ log: inout RunLog) {
        let event = Event(
            .bodyOpened, time: time, frame: nextFrame, node: parent, payload: input, item: ordinal)
        log.append(event)
        apply(event, log: log)
    }

    private func kind(_ frame: Int32) -> NodeKind { plan.nodes[Int(frames[Int(frame)].node)].kind }

    private func next(_ frame: Int32) -> NodeIndex { plan.nodes[Int(frames[Int(frame)].node)].next }

    /// The phase of a frame that has been asked something, or a refusal of the answer.
    private func phase(_ frame: Int32, _ serial: UInt32) throws(Refusal) -> Frame.Phase {
        guard frame >= 0, Int(frame) < frames.count, frames[Int(frame)].serial == serial else { throw .stale }
        switch frames[Int(frame)].phase {
        case .running, .concluding, .stopping, .waiting, .backoff: return frames[Int(frame)].phase
        case .free, .ready, .opening, .body, .concluded, .failing, .cancelled, .over: throw .stale
        }
    }

    /// Whether the answer counts; one that came after the frame was told to stop only says that it has stopped.
    private mutating func running(_ frame: Int32, _ serial: UInt32, _ time: Int64, _ log: inout RunLog) throws(Refusal)
        -> Bool
    {
        switch try phase(frame, serial) {
        case .running, .concluding: return true
        case .stopping:
            cancelled(frame, time, &log)
            return false
        case .waiting, .backoff, .free, .ready, .opening, .body, .concluded, .failing, .cancelled, .over: throw .stale
        }
    }

    // MARK: Settling

    /// Decides what every frame that needs it does next, until only answers from outside can go on.
    private mutating func settle(_ time: Int64, _ log: inout RunLog) {
        while attended < attention.count {
            let frame = attention[attended]
            attended += 1
            switch frames[Int(frame)].phase {
            case .ready: emit(.stepStart, time, &log, frame: frame, payload: frames[Int(frame)].input, attempt: 1)
            case .opening: enter(frame, time, &log)
            case .concluded:
                if log.hasRoom(for: resultSize(of: frame)) {
                    complete(frame, defaultOutput(frame, &log), Fact.usualNext, time, &log)
                } else {
                    outgrown(frame, time, &log)
                }
            case .failing: fail(frame, bodyError(frame, &log), time, &log)
            case .cancelled: cancelled(frame, time, &log)
            case .free, .running, .body, .concluding, .waiting, .backoff, .stopping, .over: break
            }
        }
        attention.removeAll()
        attended = 0
    }

    private mutating func cancelled(_ frame: Int32, _ time: Int64, _ log: inout RunLog) {
        if frames[Int(frame)].node == 0, cancelRequest.isNone, !restart.isNone {
            end(.workflowSuccess, .none, time, &log)
        } else if frames[Int(frame)].node == 0 {
            end(.workflowCancelled, cancelRequest, time, &log)
        } else {
            emit(.stepCancelled, time, &log, frame: frame)
        }
    }

    private mutating func complete(
        _ frame: Int32, _ output: Slice, _ chosen: NodeIndex, _ time: Int64, _ log: inout RunLog
    ) {
        let index = Int(frame)
        if isClosing { return closed(.closingSuccess, frame, output, time, &log) }
        if frames[index].node == 0 { return end(.workflowSuccess, output, time, &log) }
        let next = chosen == Fact.usualNext ? plan.nodes[Int(frames[index].node)].next : chosen
        if next >= 0, next <= frames[index].node, jumps >= plan.jumpLimit {
            let error = ErrorObject(
                code: "too_many_jumps",
                message:
                    "the run jumped backwards more than \(plan.jumpLimit) times; does `next` ever choose another step?")
            fail(frame, error.write(into: &log.arena, step: path(of: frame)), time, &log)
            return
        }
        emit(.stepSuccess, time, &log, frame: frame, payload: output, item: next)
    }

    private mutating func failed(
        _ frame: Int32, _ error: Slice, retryable: Bool, chance: Double, _ time: Int64, _ log: inout RunLog
    ) {
        let index = Int(frame)
        let node = plan.nodes[Int(frames[index].node)]
        let error = ErrorObject.adding(step: path(of: frame), to: error, in: &log.arena)
        let isHandler = isClosing && frame == Closing.handlerFrame
        if retryable, node.hasRetry || isHandler,
            let policy = isHandler ? RetryPolicy() : plan.details[Int(frames[index].node)].retry,
            Int(frames[index].attempt) < policy.maxAttempts
        {
            let delay = max(
                policy.delay(after: Int(frames[index].attempt), chance: chance),
                ErrorObject.retryAfter(Value(ValueCursor(log.arena[error]))))
            emit(isClosing ? .closingRetry : .stepRetry, time, &log, frame: frame, payload: error, item: delay)
            return
        }
        fail(frame, error, time, &log)
    }

    /// The output of a construct does not fit into the run.
    private mutating func outgrown(_ frame: Int32, _ time: Int64, _ log: inout RunLog) {
        let error = ErrorObject(
            code: "run_too_large", message: "the run has recorded as much as it may", retryable: false)
        fail(frame, error.write(into: &log.arena, step: path(of: frame)), time, &log)
    }

    package mutating func fail(_ frame: Int32, _ error: Slice, _ time: Int64, _ log: inout RunLog) {
        if isClosing { return closed(.closingError, frame, error, time, &log) }
        if frames[Int(frame)].node == 0 { return end(.workflowError, error, time, &log) }
        emit(.stepError, time, &log, frame: frame, payload: error)
    }

    /// Opens bodies, or begins the wait of a node that needs no callback for it.
    private mutating func enter(_ frame: Int32, _ time: Int64, _ log: inout RunLog) {
        let index = Int(frame)
        let node = plan.nodes[Int(frames[index].node)]
        switch node.kind {
        case .workflow: open(frame, ordinal: 1, frames[index].input, time, &log)
        case .branch: open(frame, ordinal: frames[index].total, frames[index].input, time, &log)
        case .parallel:
            while frames[index].phase == .opening {
                open(frame, ordinal: frames[index].opened + 1, frames[index].input, time, &log)
            }
        case .foreach:
            while frames[index].phase == .opening {
                let item = ValueCursor(UnsafeRawPointer(log.arena.base.unsafelyUnwrapped + Int(frames[index].cursor)))
                let slice = Slice(offset: frames[index].cursor, length: UInt32(item.byteCount))
                open(frame, ordinal: frames[index].opened + 1, slice, time, &log)
            }
        case .delay: waitFor(frame, until: time.clamped(adding: node.duration), time, &log)
        case .waitFor:
            let event = plan.details[Int(frames[index].node)].event ?? ""
            let payload = log.arena.writing { arena in
                let object = arena.beginObject()
                arena.writeKey("event")
                arena.write(event)
                if node.duration > 0 {
                    arena.writeKey("until")
                    arena.write(time.clamped(adding: node.duration) / 1000)
                }
                arena.end(object, count: node.duration > 0 ? 2 : 1)
            }
            emit(.stepWaiting, time, &log, frame: frame, payload: payload)
            deliver(node.event, time, &log)
        case .step, .loop, .human: break
        }
    }

    private mutating func waitFor(_ frame: Int32, until deadline: Int64, _ time: Int64, _ log: inout RunLog) {
        let payload = log.arena.writing { arena in
            let object = arena.beginObject()
            arena.writeKey("until")
            arena.write(deadline.clamped(adding: 999) / 1000)
            arena.end(object, count: 1)
        }
        emit(.stepWaiting, time, &log, frame: frame, payload: payload)
    }

    // MARK: Answers from outside

    private mutating func answer(_ frame: Int32, _ response: Slice, _ time: Int64, _ log: inout RunLog) {
        emit(.humanCompleted, time, &log, frame: frame, payload: response, item: next(frame))
        complete(frame, response, Fact.usualNext, time, &log)
    }

    private mutating func timerFired(_ frame: Int32, _ serial: UInt32, _ time: Int64, _ log: inout RunLog)
        throws(Refusal)
    {
        let index = Int(frame)
        switch try phase(frame, serial) {
        case .backoff where isClosing: closeAgain(frame, time, &log)
        case .backoff:
            emit(
                .stepStart, time, &log, frame: frame, payload: frames[index].input,
                attempt: frames[index].attempt == .max ? .max : frames[index].attempt + 1)
        case .waiting:
            switch kind(frame) {
            case .delay: complete(frame, frames[index].input, Fact.usualNext, time, &log)
            case .human:
                if let fallback = plan.details[Int(frames[index].node)].fallback {
                    let response = log.arena.writing { $0.write(fallback) }
                    answer(frame, response, time, &log)
                } else {
                    timedOut(frame, "nobody answered in time", time, &log)
                }
            case .waitFor:
                timedOut(
                    frame, "event '\(plan.details[Int(frames[index].node)].event ?? "")' did not come in time", time,
                    &log)
            case .workflow, .step, .branch, .loop, .foreach, .parallel: throw .stale
            }
        case .running, .concluding, .stopping, .free, .ready, .opening, .body, .concluded, .failing, .cancelled, .over:
            throw .stale
        }
    }

    /// The run is to begin, or has taken as long as it may.
    private mutating func limitReached(_ serial: UInt32, _ time: Int64, _ log: inout RunLog) throws(Refusal) {
        if serial == RunLimits.startSerial {
            guard isDeferred else { throw .stale }
            emit(.workflowStart, time, &log, payload: limits.input, item: seed)
            return
        }
        guard limits.deadline != 0, serial == limits.serial, cancelRequest.isNone, !isClosing else { throw .stale }
        let text = DurationText.text(microseconds: limits.timeout)
        let request = log.arena.writing {
            $0.write(["reason": Value("the run took longer than its timeout of \(text)"), "code": "timeout"] as Value)
        }
        emit(.cancelRequested, time, &log, payload: request)
    }

    private mutating func timedOut(_ frame: Int32, _ message: String, _ time: Int64, _ log: inout RunLog) {
        let error = ErrorObject(code: "timeout", message: message)
        fail(frame, error.write(into: &log.arena, step: path(of: frame)), time, &log)
    }

    /// Gives the signals of an event that came, the oldest first, to the steps that wait for it.
    private mutating func deliver(_ event: Int32, _ time: Int64, _ log: inout RunLog) {
        while let signal = signals.first(of: event) {
            let waiting = frames.indices.first { index in
                frames[index].phase == .waiting && plan.nodes[Int(frames[index].node)].event == event
            }
            guard let waiting else { return }
            let payload: Slice
            if let value = log.value(signal)["payload"], let base = log.arena.bytes.baseAddress {
                payload = Slice(offset: UInt32(value.start - base), length: UInt32(value.byteCount))
            } else {
                payload = log.arena.writing { $0.writeNull() }
            }
            complete(Int32(waiting), payload, Fact.usualNext, time, &log)
        }
    }
}
