internal import FlatValue

/// Takes the events of a run over to another plan, one after the other, as long as they fit.
///
/// Nodes, bodies and frames get the numbers that they have in the new plan; values stay as they were recorded, at their
/// places in the arena. Each event is held against a machine of the new plan, so what has been taken is a journal that a run of
/// the new plan could have written.
package struct JournalTransfer: ~Copyable {
    package let mapping: PlanMapping
    /// The state of the new run after what has been taken.
    package private(set) var machine: RunMachine
    /// Where each frame of the old run stands, and which frame of the new run it is.
    private var tracker: FrameTracker
    private var frames: [Int32] = []
    /// Frames that are about to run something that the old run did not run there: whatever encloses them is not done.
    private var ahead: [Int32] = []
    /// Frames that the event taken last made ready to start their node.
    package private(set) var ready: [Int32] = []

    package init(_ mapping: PlanMapping) {
        self.mapping = mapping
        machine = RunMachine(plan: mapping.new)
        tracker = FrameTracker(plan: mapping.old)
    }

    /// Takes the next event.
    ///
    /// - Parameter log: the log of the old run, whose arena holds the values.
    /// - Returns: the event as the new run has it.
    /// - Throws: ``Misfit`` when the event cannot have happened under the new plan; the transfer is then as it was.
    package mutating func take(_ event: Event, log: RunLog) throws(Misfit) -> Event {
        var translated = event
        if event.kind == .bodyOpened {
            try translateBody(event, into: &translated)
        } else {
            try translate(event, into: &translated, log)
        }
        tracker.follow(event)
        if event.kind == .bodyOpened { place(event.frame, translated.frame) }
        // From here on frames have fixed numbers.
        if event.kind == .endingDecided { frames = [] }
        machine.apply(translated, log: log)
        ready = readyFrames()
        machine.attention.removeAll()
        machine.commands.removeAll()
        if event.kind == .stepSuccess, event.item < 0, translated.item >= 0 { ahead.append(translated.frame) }
        return translated
    }

    /// The frame of the new run that is ready to start a node where the event happened in the old one.
    func readyFrame(of event: Event) -> Int32? {
        let frame = frame(event.frame)
        guard machine.frames.indices.contains(Int(frame)), machine.frames[Int(frame)].phase == .ready else {
            return nil
        }
        return frame
    }

    /// The new frame that is a frame of the old run.
    private func frame(_ old: Int32) -> Int32 { Int(old) < frames.count ? frames[Int(old)] : old }

    private func readyFrames() -> [Int32] {
        var ready: [Int32] = []
        for frame in machine.attention.elements where machine.frames[Int(frame)].phase == .ready { ready.append(frame) }
        return ready
    }

    private mutating func place(_ old: Int32, _ new: Int32) {
        while frames.count <= old { frames.append(Int32(frames.count)) }
        frames[Int(old)] = new
    }

    // MARK: Bodies

    private func translateBody(_ event: Event, into translated: inout Event) throws(Misfit) {
        let parent = frame(event.node)
        let owner = tracker.frames[Int(event.node)].node
        try expectNothingAhead(below: parent)
        translated.node = parent
        translated.frame = machine.nextFrame
        let kind = mapping.old.nodes[Int(owner)].kind
        guard kind == .branch || kind == .parallel else { return }
        guard let body = mapping.counterpart(ofBody: event.item - 1, of: owner) else {
            throw missingBody(event.item - 1, of: owner, at: tracker.path(of: event.node, node: owner))
        }
        translated.item = body + 1
    }

    private func missingBody(_ body: Int32, of node: NodeIndex, at path: String) -> Misfit {
        let name = mapping.old.bodies[Int(mapping.old.nodes[Int(node)].firstBody + body)].name
        return Misfit(kind: .bodies, path: path, message: "chose '\(name)', which is not in the new definition")
    }

    /// A construct whose body is not done under the new plan cannot have gone on.
    private func expectNothingAhead(below frame: Int32) throws(Misfit) {
        for start in ahead {
            var current = start
            while current >= 0 {
                if current == frame { throw notDone(start) }
                current = machine.frames[Int(current)].parent
            }
        }
    }

    private func notDone(_ frame: Int32) -> Misfit {
        let node = machine.frames[Int(frame)].node
        return Misfit(
            kind: .order, path: machine.path(of: frame, node: node), message: "has not run, but the run has gone on")
    }

    // MARK: Events

    private func translate(_ event: Event, into translated: inout Event, _ log: RunLog) throws(Misfit) {
        translated.frame = frame(event.frame)
        guard let twin = mapping.counterpart(of: event.node) else {
            throw mapping.absence(of: event.node, at: path(event))
        }
        translated.node = twin
        if event.kind.isClosing { translated.frame = event.frame }
        switch event.kind {
        case .closingStart: try expectClosing(event, translated)
        case .workflowStart: _ = try mapping.fit(0, input: log.copy(event.payload), at: "")
        case .stepStart: try expectStart(event, translated, log)
        case .stepBranch:
            guard let body = mapping.counterpart(ofBody: event.item, of: event.node) else {
                throw missingBody(event.item, of: event.node, at: path(event))
            }
            translated.item = body
        case .stepSuccess, .humanCompleted:
            try expectNothingAhead(below: translated.frame)
            try mapping.fit(output: log.copy(event.payload) ?? .null, of: event.node, at: path(event))
            translated.item = try next(event, twin)
        case .stepError: try expectNothingAhead(below: translated.frame)
        case .workflowSuccess, .workflowError:
            try expectNothingAhead(below: 0)
            if event.kind == .workflowSuccess {
                try mapping.fit(output: log.copy(event.payload) ?? .null, of: 0, at: "")
            }
        case .workflowCancelled, .workflowResumed, .stepEvent, .humanRequested, .stepRetry, .stepCancelled,
            .stepWaiting, .bodyOpened, .inputSettled, .itemsListed, .metadataSet, .ctxSet, .storeSet, .cancelRequested,
            .signalReceived, .log, .limitsSet, .answerSigned, .traced, .queued,
            .onceRecorded, .modelCalled, .tagsSet, .restartAsked, .endingDecided, .closingSuccess, .closingError,
            .closingRetry:
            break
        }
    }

    /// What is undone has to be what comes next under the new plan as well.
    private func expectClosing(_ event: Event, _ translated: Event) throws(Misfit) {
        if event.attempt > 1 { return }
        let isNext =
            switch machine.nextClosing {
            case .undo(let place): Int(event.item) == place && machine.completed[place].node == translated.node
            case .handle: event.item == Closing.handlerItem
            case .depart, .finish: false
            }
        if isNext { return }
        throw Misfit(
            kind: .order, path: path(event),
            message: event.node > 0 ? "was being undone, which does not come next any more" : "has ended another way")
    }

    private func path(_ event: Event) -> String {
        event.node > 0 ? tracker.path(of: event.frame, node: event.node) : ""
    }

    private func expectStart(_ event: Event, _ translated: Event, _ log: RunLog) throws(Misfit) {
        guard machine.frames.indices.contains(Int(translated.frame)) else {
            throw Misfit(kind: .order, path: path(event), message: "would not have run at that moment")
        }
        let state = machine.frames[Int(translated.frame)]
        let path = path(event)
        if event.attempt > 1 {
            guard state.phase == .backoff else {
                throw Misfit(kind: .order, path: path, message: "would not have been tried again")
            }
            return
        }
        guard state.phase == .ready, state.node == translated.node else {
            let message =
                state.phase == .ready
                ? "ran, but '\(mapping.new.details[Int(state.node)].id)' comes before it now"
                : "does not follow what ran before it any more"
            throw Misfit(kind: .order, path: path, message: message)
        }
        _ = try mapping.fit(event.node, input: log.copy(event.payload), at: path)
    }

    /// What follows a node in the new plan, where the old run took the usual way or chose one.
    private func next(_ event: Event, _ twin: NodeIndex) throws(Misfit) -> NodeIndex {
        let (was, now) = (mapping.old.nodes[Int(event.node)], mapping.new.nodes[Int(twin)])
        let chose = was.kind == .step && was.extra != 0
        let chooses = now.kind == .step && now.extra != 0
        if event.item == was.next, !chose, !chooses { return now.next }
        guard event.item >= 0 else { return now.next }
        guard let target = mapping.counterpart(of: event.item), mapping.new.nodes[Int(target)].body == now.body else {
            let id = mapping.old.details[Int(event.item)].id
            throw Misfit(kind: .order, path: path(event), message: "led to '\(id)', which is not in the new definition")
        }
        if !chooses, target != now.next {
            let id = mapping.old.details[Int(event.item)].id
            throw Misfit(kind: .order, path: path(event), message: "led to '\(id)', which does not follow it any more")
        }
        return target
    }
}
