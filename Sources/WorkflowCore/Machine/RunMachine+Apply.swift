internal import FlatValue

extension RunMachine {
    /// Takes an event into the state; the only operation that changes it.
    ///
    /// The event must be the next one of this run's journal. Commands that follow from it are appended to ``commands``.
    package mutating func apply(_ event: Event, log: RunLog) {
        let index = Int(event.frame)
        switch event.kind {
        case .workflowStart:
            initialInput = event.payload
            started = event.time
            seed = event.item
            frames.append(Frame(parent: -1, ordinal: 0, node: 0, phase: .opening, input: event.payload))
            frames[0].attempt = 1
            attend(0)
            begin(at: event.time)
        case .bodyOpened:
            open(event)
        case .stepStart:
            start(index, event)
        case .inputSettled:
            frames[index].input = event.payload
        case .stepSuccess:
            onces.forget(event.frame)
            succeed(event.frame, event, log)
        case .stepBranch:
            frames[index].total = event.item + 1
        case .itemsListed:
            let count = Int32(log.value(event.payload).count)
            frames[index].total = count
            frames[index].cursor = event.payload.offset + 9
            frames[index].table = tables.take(count)
            if count == 0 { conclude(event.frame) } else { become(.opening, event.frame) }
        case .stepError:
            fail(event.frame, event.payload)
        case .stepRetry, .closingRetry:
            frames[index].phase = .backoff
            frames[index].attempt = event.attempt
            wait(index, until: event.time.clamped(adding: Int64(event.item) * 1000))
        case .stepWaiting:
            frames[index].phase = .waiting
            let until = event.payload.isNone ? nil : log.value(event.payload)["until"]?.int
            wait(
                index,
                until: until.map { $0.multipliedReportingOverflow(by: 1000) }.map { $0.overflow ? .max : $0.0 } ?? 0)
        case .humanRequested:
            frames[index].phase = .waiting
            let duration = plan.nodes[Int(event.node)].duration
            wait(index, until: duration > 0 ? event.time.clamped(adding: duration) : 0)
        case .humanCompleted:
            unwait(index)
        case .stepCancelled:
            closeCancelled(event.frame)
        case .cancelRequested:
            cancelRequest = event.payload
            cancel(0)
        case .restartAsked:
            restart = event.payload
            cancel(0)
        case .signalReceived:
            // A signal that no step waits for is in the journal only.
            let name = log.value(event.payload)["name"]?.string
            if let number = name.flatMap({ plan.number(ofEvent: $0) }) { signals.append(event.payload, of: number) }
        case .metadataSet:
            metadata = event.payload
        case .ctxSet:
            ctx = event.payload
        case .tagsSet:
            tags = event.payload
        case .storeSet:
            storeSet(event.payload, log)
        case .traced:
            if frames.isEmpty { trace.given = event.payload }
        case .onceRecorded:
            onces.record(event.payload, frame: event.frame, log)
            if let child = log.value(event.payload)["child"]?.string { children.insert(child) }
        case .modelCalled: use(ModelUsage(of: log.value(event.payload)), below: event.frame)
        case .stepEvent, .log, .answerSigned:
            break
        case .limitsSet:
            limits = RunLimits(event.payload, log)
            seed = event.item
            for command in limitCommands { commands.append(command) }
        case .queued:
            limits.isQueued = true
            limits.input = RunLimits.input(in: event.payload, log)
            seed = event.item
        case .workflowResumed:
            if event.item == ResumeCause.forked.rawValue {
                // One that was moved to other code is the same run.
                if log.value(event.payload)["reason"]?.string != "upgraded" { trace.fork = event.payload }
                // They are those of the run that this one was taken from.
                children = []
                if limits.deadline != 0 {
                    // What a run took over from another one does not count.
                    limits.serial &+= 1
                    begin(at: event.time)
                }
            }
            if event.item != ResumeCause.answered.rawValue {
                for index in frames.indices where frames[index].phase == .running || frames[index].phase == .concluding
                {
                    if event.item == ResumeCause.processDied.rawValue, frames[index].crashes < .max {
                        frames[index].crashes += 1
                    }
                    if event.item == ResumeCause.processDiedInCompany.rawValue, frames[index].suspicions < .max {
                        frames[index].suspicions += 1
                    }
                    // A branch whose choice was written without its success is asked again.
                    if plan.nodes[Int(frames[index].node)].kind == .branch { frames[index].total = 0 }
                }
            }
        case .endingDecided: beginClosing(event)
        case .closingStart: startClosing(event)
        case .closingSuccess: endClosing(event, .done)
        case .closingError: endClosing(event, .failed(event.payload))
        case .workflowSuccess, .workflowError, .workflowCancelled:
            finish(event)
        }
    }

    /// The run's time begins to count.
    private mutating func begin(at time: Int64) {
        guard limits != RunLimits() else { return }
        limits.startAt = 0
        limits.input = .none
        limits.isQueued = false
        if limits.timeout > 0 { limits.deadline = time.clamped(adding: limits.timeout) }
        for command in limitCommands { commands.append(command) }
    }

    private mutating func finish(_ event: Event) {
        ending = event.kind
        outcome = event.payload
        if !frames.isEmpty {
            frames[0].phase = .over
            if frames[0].table >= 0 { tables.release(frames[0].table) }
        }
        commands.append(Command(kind: .finish, frame: 0, node: 0, serial: 0))
    }

    // MARK: Frames

    mutating func attend(_ frame: Int32) { attention.append(frame) }

    mutating func become(_ phase: Frame.Phase, _ frame: Int32) {
        frames[Int(frame)].phase = phase
        attend(frame)
    }

    /// Begins something that a driver has to answer.
    mutating func ask(_ kind: Command.Kind, _ frame: Int32) {
        let index = Int(frame)
        frames[index].serial &+= 1
        frames[index].phase = kind == .conclude ? .concluding : .running
        commands.append(Command(kind: kind, frame: frame, node: frames[index].node, serial: frames[index].serial))
    }

    mutating func wait(_ index: Int, until deadline: Int64) {
        frames[index].serial &+= 1
        frames[index].deadline = deadline
        if deadline != 0 {
            commands.append(
                Command(
                    kind: .wait, frame: Int32(index), node: frames[index].node, serial: frames[index].serial,
                    time: deadline))
        }
    }

    mutating func unwait(_ index: Int) {
        guard frames[index].deadline != 0 else { return }
        frames[index].deadline = 0
        commands.append(
            Command(kind: .unwait, frame: Int32(index), node: frames[index].node, serial: frames[index].serial))
    }

    private mutating func open(_ event: Event) {
        let parent = Int(event.node)
        let node = plan.nodes[Int(frames[parent].node)]
        frames[parent].live += 1
        frames[parent].opened += 1
        var body = Int(node.firstBody)
        switch node.kind {
        case .branch, .parallel: body += Int(event.item) - 1
        case .foreach:
            frames[parent].cursor = event.payload.offset + event.payload.length
        case .workflow, .loop, .step, .human, .delay, .waitFor: break
        }
        let more: Bool
        switch node.kind {
        case .foreach: more = frames[parent].opened < frames[parent].total && frames[parent].live < max(node.limit, 1)
        case .parallel: more = frames[parent].opened < frames[parent].total
        case .workflow, .loop, .branch, .step, .human, .delay, .waitFor: more = false
        }
        frames[parent].phase = more ? .opening : .body
        var frame = Frame(
            parent: event.node, ordinal: event.item, node: plan.bodies[body].first, phase: .ready, input: event.payload)
        let index = freeFrame
        frame.olderBody = frames[parent].lastBody
        if frame.olderBody >= 0 { frames[Int(frame.olderBody)].newerBody = nextFrame }
        frames[parent].lastBody = nextFrame
        if index >= 0 {
            freeFrame = frames[Int(index)].parent
            frame.serial = frames[Int(index)].serial
            frames[Int(index)] = frame
            attend(index)
        } else {
            frames.append(frame)
            attend(Int32(frames.count - 1))
        }
    }

    /// The frame that the next opened body gets.
    var nextFrame: Int32 { freeFrame >= 0 ? freeFrame : Int32(frames.count) }

    mutating func release(_ frame: Int32) {
        let index = Int(frame)
        if frames[index].table >= 0 { tables.release(frames[index].table) }
        frames[index].table = -1
        frames[index].phase = .free
        onces.forget(frame)
        if !usages.isEmpty, frame > 0 { usages[frame] = nil }
        frames[index].serial &+= 1
        let (older, newer) = (frames[index].olderBody, frames[index].newerBody)
        if older >= 0 { frames[Int(older)].newerBody = newer }
        if newer >= 0 {
            frames[Int(newer)].olderBody = older
        } else if frames[index].parent >= 0 {
            frames[Int(frames[index].parent)].lastBody = older
        }
        (frames[index].olderBody, frames[index].newerBody) = (-1, -1)
        frames[index].parent = freeFrame
        frames[index].live = 0
        frames[index].cancelling = false
        freeFrame = frame
    }

    // MARK: The store

    mutating func storeSet(_ payload: Slice, _ log: RunLog) {
        let cursor = log.value(payload)
        guard let key = cursor["key"]?.stringBytes, let base = log.arena.bytes.baseAddress else { return }
        func slice(_ bytes: UnsafeRawBufferPointer) -> Slice {
            guard let start = bytes.baseAddress else { return .none }
            return Slice(offset: UInt32(start - base), length: UInt32(bytes.count))
        }
        let value = cursor["value"].map { slice($0.bytes) } ?? .none
        store.set(StoreTable.Entry(key: slice(key), value: value), in: log.arena)
    }
}
