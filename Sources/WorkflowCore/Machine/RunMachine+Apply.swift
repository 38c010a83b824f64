extension RunMachine {
    /// Takes an event into the state; the only operation that changes it.
    ///
    /// The event must be the next one of this run's journal. Commands that follow from it are appended to ``commands``.
    package mutating func apply(_ event: Event, log: RunLog) {
        let index = Int(event.frame)
        switch event.kind {
        case .workflowStart:
            initialInput = event.payload
            frames.append(Frame(parent: -1, ordinal: 0, node: 0, phase: .opening, input: event.payload))
            frames[0].attempt = 1
            attend(0)
        case .bodyOpened:
            open(event)
        case .stepStart:
            start(index, event)
        case .inputSettled:
            frames[index].input = event.payload
        case .stepSuccess:
            succeed(event.frame, event, log)
        case .stepBranch:
            frames[index].total = event.item + 1
        case .itemsListed:
            let count = Int32(log.value(event.payload).count)
            frames[index].total = count
            frames[index].cursor = event.payload.offset + 9
            frames[index].table = takeTable(count)
            if count == 0 { conclude(event.frame) } else { become(.opening, event.frame) }
        case .stepError:
            fail(event.frame, event.payload)
        case .stepRetry:
            frames[index].phase = .backoff
            frames[index].attempt = event.attempt
            wait(index, until: event.time + Int64(event.item) * 1000)
        case .stepWaiting:
            frames[index].phase = .waiting
            wait(index, until: log.value(event.payload)["until"]?.int.map { $0 * 1000 } ?? 0)
        case .humanRequested:
            frames[index].phase = .waiting
            let duration = plan.nodes[Int(event.node)].duration
            wait(index, until: duration > 0 ? event.time + duration : 0)
        case .humanCompleted:
            unwait(index)
        case .stepCancelled:
            closeCancelled(event.frame)
        case .cancelRequested:
            cancelRequest = event.payload
            cancel(0)
        case .signalReceived:
            signals.append(event.payload)
        case .metadataSet:
            metadata = event.payload
        case .ctxSet:
            ctx = event.payload
        case .storeSet:
            storeSet(event.payload, log)
        case .stepEvent:
            break
        case .workflowResumed:
            if event.item != 0 {
                for index in frames.indices where frames[index].phase == .running || frames[index].phase == .concluding
                {
                    if event.item == 1 { frames[index].crashes += 1 }
                    // A branch whose choice was written without its success is asked again.
                    if plan.nodes[Int(frames[index].node)].kind == .branch { frames[index].total = 0 }
                }
            }
        case .workflowSuccess, .workflowError, .workflowCancelled:
            finish(event)
        }
    }

    private mutating func finish(_ event: Event) {
        ending = event.kind
        outcome = event.payload
        if !frames.isEmpty {
            frames[0].phase = .over
            release(table: frames[0].table)
        }
        commands.append(Command(kind: .finish, frame: 0, node: 0, serial: 0))
    }

    // MARK: Frames

    mutating func attend(_ frame: Int32) { attention.append(frame) }

    private mutating func become(_ phase: Frame.Phase, _ frame: Int32) {
        frames[Int(frame)].phase = phase
        attend(frame)
    }

    /// Begins something that a driver has to answer.
    private mutating func ask(_ kind: Command.Kind, _ frame: Int32) {
        let index = Int(frame)
        frames[index].serial &+= 1
        frames[index].phase = kind == .invoke ? .running : .concluding
        commands.append(Command(kind: kind, frame: frame, node: frames[index].node, serial: frames[index].serial))
    }

    private mutating func wait(_ index: Int, until deadline: Int64) {
        frames[index].serial &+= 1
        frames[index].deadline = deadline
        if deadline != 0 {
            commands.append(
                Command(
                    kind: .wait, frame: Int32(index), node: frames[index].node, serial: frames[index].serial,
                    time: deadline))
        }
    }

    private mutating func unwait(_ index: Int) {
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

    private mutating func release(_ frame: Int32) {
        let index = Int(frame)
        release(table: frames[index].table)
        frames[index].table = -1
        frames[index].phase = .free
        frames[index].serial &+= 1
        frames[index].parent = freeFrame
        frames[index].live = 0
        frames[index].cancelling = false
        freeFrame = frame
    }

    private mutating func takeTable(_ count: Int32) -> Int32 {
        let fresh = ContiguousArray(repeating: Slice.none, count: Int(count))
        if let free = freeTables.popLast() {
            tables[Int(free)] = fresh
            return free
        }
        tables.append(fresh)
        return Int32(tables.count - 1)
    }

    private mutating func release(table: Int32) {
        guard table >= 0 else { return }
        tables[Int(table)] = []
        freeTables.append(table)
    }

    // MARK: Going forward

    private mutating func start(_ index: Int, _ event: Event) {
        let node = plan.nodes[Int(event.node)]
        frames[index].attempt = event.attempt
        frames[index].deadline = 0
        if event.attempt == 1 {
            frames[index].crashes = 0
            frames[index].live = 0
            frames[index].opened = 0
            frames[index].total = 0
            frames[index].failed = false
            frames[index].failure = .none
            frames[index].value = .none
            frames[index].occurrence = 1
            if node.repeats {
                if starts.isEmpty { starts = ContiguousArray(repeating: 0, count: plan.nodes.count) }
                starts[Int(event.node)] += 1
                frames[index].occurrence = starts[Int(event.node)]
            }
        }
        switch node.kind {
        case .step, .branch, .foreach, .human: ask(.invoke, event.frame)
        case .loop:
            frames[index].table = takeTable(0)
            ask(.invoke, event.frame)
        case .workflow:
            if node.inputSchema >= 0 { ask(.invoke, event.frame) } else { become(.opening, event.frame) }
        case .parallel:
            frames[index].total = node.bodyCount
            frames[index].table = takeTable(node.bodyCount)
            become(.opening, event.frame)
        case .delay:
            if node.callback != 0 { ask(.invoke, event.frame) } else { become(.opening, event.frame) }
        case .waitFor: become(.opening, event.frame)
        }
    }

    private mutating func succeed(_ frame: Int32, _ event: Event, _ log: RunLog) {
        let index = Int(frame)
        let node = plan.nodes[Int(event.node)]
        if node.kind == .branch, frames[index].total > 0 {
            become(.opening, frame)
            return
        }
        if frames[index].phase == .waiting {
            if node.kind == .waitFor { consumeSignal(of: event.node, log) }
            unwait(index)
        }
        if frames[index].table >= 0 {
            release(table: frames[index].table)
            frames[index].table = -1
        }
        if event.item >= 0, event.item <= event.node { jumps += 1 }
        advance(frame, event.payload, next: event.item)
    }

    /// The frame goes on to its next node, or its body has ended.
    private mutating func advance(_ frame: Int32, _ output: Slice, next: NodeIndex) {
        let index = Int(frame)
        if next >= 0 {
            frames[index].node = next
            frames[index].input = output
            frames[index].phase = .ready
            return attend(frame)
        }
        let parent = frames[index].parent
        let ordinal = frames[index].ordinal
        release(frame)
        frames[Int(parent)].live -= 1
        bodyEnded(parent, ordinal: Int(ordinal), output)
    }

    private mutating func bodyEnded(_ frame: Int32, ordinal: Int, _ output: Slice) {
        let index = Int(frame)
        let node = plan.nodes[Int(frames[index].node)]
        if frames[index].cancelling || (frames[index].failed && !node.waitsForAll) { return allStopped(frame) }
        switch node.kind {
        case .workflow:
            frames[index].value = output
            conclude(frame)
        case .branch:
            advance(frame, output, next: node.next)
        case .loop:
            frames[index].value = output
            tables[Int(frames[index].table)].append(output)
            ask(.invoke, frame)
        case .foreach, .parallel:
            tables[Int(frames[index].table)][ordinal - 1] = output
            if frames[index].opened < frames[index].total {
                become(.opening, frame)
            } else if frames[index].live == 0 {
                if frames[index].failed { become(.failing, frame) } else { conclude(frame) }
            }
        case .step, .human, .delay, .waitFor: break
        }
    }

    private mutating func conclude(_ frame: Int32) {
        let node = plan.nodes[Int(frames[Int(frame)].node)]
        if node.conclude != 0 || (node.kind == .workflow && node.outputSchema >= 0) {
            ask(.conclude, frame)
        } else {
            become(.concluded, frame)
        }
    }

    // MARK: Failure and cancellation

    private mutating func fail(_ frame: Int32, _ error: Slice) {
        let parent = frames[Int(frame)].parent
        let ordinal = frames[Int(frame)].ordinal
        release(frame)
        let index = Int(parent)
        frames[index].live -= 1
        let node = plan.nodes[Int(frames[index].node)]
        if frames[index].cancelling { return allStopped(parent) }
        switch node.kind {
        case .branch: fail(parent, error)
        case .parallel where node.waitsForAll:
            tables[Int(frames[index].table)][Int(ordinal) - 1] = error
            if !frames[index].failed {
                frames[index].failed = true
                frames[index].failure = error
            }
            failures(of: parent, insert: ordinal)
            if frames[index].live == 0, frames[index].opened == frames[index].total { become(.failing, parent) }
        case .workflow, .loop, .foreach, .parallel, .step, .human, .delay, .waitFor:
            if !frames[index].failed {
                frames[index].failed = true
                frames[index].failure = error
                if frames[index].phase == .opening { frames[index].phase = .body }
                cancelBodies(of: parent)
            }
            allStopped(parent)
        }
    }

    /// Marks which results of a parallel that waits for all are errors: an entry behind the results for each.
    private mutating func failures(of frame: Int32, insert ordinal: Int32) {
        tables[Int(frames[Int(frame)].table)].append(Slice(offset: UInt32(ordinal), length: 0))
    }

    /// A construct that is being stopped has lost a body; the last one ends it.
    private mutating func allStopped(_ frame: Int32) {
        let index = Int(frame)
        guard frames[index].live == 0 else { return }
        if frames[index].cancelling {
            if plan.nodes[Int(frames[index].node)].kind == .branch {
                closeCancelled(frame)
            } else {
                become(.cancelled, frame)
            }
        } else {
            become(.failing, frame)
        }
    }

    private mutating func closeCancelled(_ frame: Int32) {
        let parent = frames[Int(frame)].parent
        release(frame)
        guard parent >= 0 else { return }
        frames[Int(parent)].live -= 1
        allStopped(parent)
    }

    private mutating func cancelBodies(of parent: Int32) {
        guard frames[Int(parent)].live > 0 else { return }
        for index in frames.indices where frames[index].phase != .free && lies(index, below: parent) {
            cancelOne(index)
        }
        // Bodies that had not begun end here: there is nothing to stop and nothing to tell.
        for index in frames.indices where frames[index].phase == .cancelled && frames[index].attempt == 0 {
            if lies(index, below: parent) { closeCancelled(Int32(index)) }
        }
    }

    private mutating func cancel(_ frame: Int32) {
        cancelOne(Int(frame))
        cancelBodies(of: frame)
    }

    private mutating func cancelOne(_ index: Int) {
        frames[index].cancelling = true
        switch frames[index].phase {
        case .running, .concluding:
            frames[index].phase = .stopping
            commands.append(
                Command(kind: .stop, frame: Int32(index), node: frames[index].node, serial: frames[index].serial))
        case .waiting, .backoff:
            unwait(index)
            become(.cancelled, Int32(index))
        case .ready:
            // Its node has not started. A frame that is past its first node has told of all that it started.
            frames[index].attempt = 0
            frames[index].phase = .cancelled
        case .opening where frames[index].live > 0: frames[index].phase = .body
        case .opening where plan.nodes[Int(frames[index].node)].kind == .branch:
            // The branch has told of its success; its case has not begun.
            frames[index].attempt = 0
            frames[index].phase = .cancelled
        case .opening, .concluded, .failing: become(.cancelled, Int32(index))
        case .body, .stopping, .cancelled, .free, .over: break
        }
    }

    private func lies(_ index: Int, below ancestor: Int32) -> Bool {
        var parent = frames[index].parent
        while parent >= 0 {
            if parent == ancestor { return true }
            parent = frames[Int(parent)].parent
        }
        return false
    }

    // MARK: Store and signals

    private mutating func storeSet(_ payload: Slice, _ log: RunLog) {
        let cursor = log.value(payload)
        guard let key = cursor["key"]?.stringBytes, let base = log.arena.bytes.baseAddress else { return }
        func slice(_ bytes: UnsafeRawBufferPointer) -> Slice {
            guard let start = bytes.baseAddress else { return .none }
            return Slice(offset: UInt32(start - base), length: UInt32(bytes.count))
        }
        let entry = StoreEntry(key: slice(key), value: cursor["value"].map { slice($0.bytes) } ?? .none)
        let arena = log.arena
        let existing = store.firstIndex { arena[$0.key].elementsEqual(key) }
        switch (existing, entry.value.isNone) {
        case (let index?, true): store.remove(at: index)
        case (let index?, false): store[index] = entry
        case (nil, false): store.append(entry)
        case (nil, true): break
        }
    }

    /// Takes away the signal that the wait got: the first one of its name.
    private mutating func consumeSignal(of node: NodeIndex, _ log: RunLog) {
        let name = plan.details[Int(node)].event
        if let index = signals.firstIndex(where: { log.value($0)["name"]?.string == name }) {
            signals.remove(at: index)
        }
    }
}
