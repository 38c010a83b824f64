internal import FlatValue
internal import WorkflowCore

/// The spans of steps and constructs, from their start to their end.
extension SpanBuilder {
    func parent(of frame: Int32) -> SpanID? {
        // The machine has let go of frames that the newest entry ended; the tracker knows where they lay.
        var above = tracker.parent(of: frame)
        while above >= 0 {
            if let entry = open[above] { return entry.span.id }
            above = tracker.parent(of: above)
        }
        return root?.id
    }

    mutating func takeStep(_ event: Event, _ log: RunLog) {
        switch event.kind {
        case .stepStart, .closingStart: start(event, log)
        case .inputSettled:
            change(event) { writer, entry in
                writer.record(input: log.copy(event.payload), of: event.node, in: &entry.span)
            }
        case .stepBranch:
            let branch = plan.branchID(of: event.node, choice: event.item)
            let first = plan.details[Int(plan.firstNode(of: event.node, body: event.item))].id
            change(event) { _, entry in
                entry.hasChosen = true
                entry.span.attributes[Names.step + "branch_id"] = branch.attribute
                entry.span.attributes[Names.step + "next_step_id"] = .string(first)
            }
        case .stepSuccess: succeed(event, log)
        case .closingSuccess: end(event.frame) { _, span in span.status = .ok }
        case .stepError, .closingError:
            let error = log.copy(event.payload)
            end(event.frame) { writer, span in writer.fail(&span, error) }
            endBranches(above: event.frame, failing: error)
        case .stepRetry, .closingRetry:
            let error = log.copy(event.payload)
            end(event.frame) { writer, span in
                writer.fail(&span, error)
                span.events.append(
                    Span.Event(
                        name: Names.retry, time: writer.now,
                        attributes: [
                            "delay_ms": .int(Int64(event.item)), "next_attempt": .int(Int64(event.attempt) + 1),
                        ]))
            }
        case .stepCancelled:
            end(event.frame) { writer, span in writer.cancel(&span, reason: nil) }
            endBranches(above: event.frame, failing: nil)
        case .stepEvent, .log:
            let told = log.copy(event.payload)
            change(event) { writer, entry in writer.tell(told, event.kind, event.node, in: &entry.span) }
        case .traced:
            let record = log.copy(event.payload)
            change(event) { writer, entry in
                writer.add(record?["attributes"], to: &entry.span.attributes)
                if let made = record?["span"].flatMap({ MadeSpan($0) }) { entry.made.append(made) }
            }
            if let told = record?["span"], told["index"] == nil {
                let messages = conversation(around: event.frame, goingOnWith: nil)
                change(event) { _, entry in
                    let made = MadeSpan.host(told, index: -1 - entry.made.count, after: messages)
                    if let made { entry.made.append(made) }
                }
            }
        case .modelCalled:
            guard let record = log.copy(event.payload) else { return }
            use(record, below: event.frame)
            let messages = conversation(around: event.frame, goingOnWith: record)
            change(event) { _, entry in
                // Numbers of a script's own spans count from 1.
                let made = MadeSpan(model: record, index: -1 - entry.made.count, after: messages)
                if let made { entry.made.append(made) }
            }
        case .workflowSuccess, .workflowError, .workflowCancelled: finish(event, log)
        case .workflowStart, .workflowResumed, .humanRequested, .humanCompleted, .stepWaiting, .bodyOpened,
            .itemsListed, .metadataSet, .ctxSet, .storeSet, .cancelRequested, .signalReceived,
            .limitsSet, .answerSigned, .queued,
            .onceRecorded, .tagsSet, .restartAsked, .endingDecided:
            break
        }
    }

    mutating func change(_ event: Event, _ body: (SpanWriter, inout OpenSpan) -> Void) {
        guard var entry = open[event.frame], entry.node == event.node else { return }
        body(writer, &entry)
        open[event.frame] = entry
    }

    mutating func start(_ event: Event, _ log: RunLog) {
        let path = tracker.path(of: event.frame, node: event.node)
        let occurrence = tracker.occurrence(of: event.frame)
        let part = event.kind.isClosing ? Closing.part(of: event.frame) : ""
        opened += 1
        var entry = OpenSpan(
            span: Span(
                trace: trace,
                id: SpanID(run: runID, path: path + part, attempt: Int(event.attempt), occurrence: occurrence),
                parent: parent(of: event.frame), name: "", start: now, end: now),
            node: event.node, occurrence: occurrence, attempt: Int(event.attempt), path: path, part: part,
            order: opened)
        let input = log.copy(event.payload)
        writer.describeStep(&entry, group: tracker.parallelGroup(of: event.frame), input: input)
        if event.kind.isClosing { entry.span.name += part.replacing("/", with: ".") }
        writer.record(input: input, of: event.node, in: &entry.span)
        open[event.frame] = entry
    }

    mutating func succeed(_ event: Event, _ log: RunLog) {
        let output = log.copy(event.payload)
        let next = plan.following(event.node, next: event.item).map { plan.details[Int($0)].id }
        if open[event.frame]?.hasChosen == true {
            // The case follows, and what it gives is the branch's output.
            return
        }
        end(event.frame) { writer, span in
            span.status = .ok
            span.attributes.set(Names.step + "next_step_id", next)
            writer.record(output: output, of: event.node, in: &span)
        }
        if event.item < 0 {
            endBranches(above: event.frame) { writer, node, span in
                span.status = .ok
                writer.record(output: output, of: node, in: &span)
            }
        }
    }

    mutating func end(_ frame: Int32, _ finish: (SpanWriter, inout Span) -> Void) {
        guard var entry = open.removeValue(forKey: frame) else { return }
        if plan.nodes[Int(entry.node)].bodyCount > 0 { endBelow(frame) }
        entry.span.end = now
        tellUsage(&entry)
        finish(writer, &entry.span)
        ended += MadeSpan.spans(entry.made, in: entry.span, writer)
        ended.append(entry.span)
    }

    /// Ends what lies in a construct that ends and has told of no end: a branch that was stopped before its case began.
    mutating func endBelow(_ frame: Int32) {
        for inner in open.sorted(by: { $0.value.order > $1.value.order }).map(\.key) where lies(inner, below: frame) {
            end(inner) { writer, span in writer.cancel(&span, reason: nil) }
        }
    }

    func lies(_ frame: Int32, below ancestor: Int32) -> Bool {
        var above = tracker.parent(of: frame)
        while above >= 0 {
            if above == ancestor { return true }
            above = tracker.parent(of: above)
        }
        return false
    }

    mutating func endBranches(above frame: Int32, failing error: Value?) {
        endBranches(above: frame) { writer, _, span in
            if let error { writer.fail(&span, error) } else { writer.cancel(&span, reason: nil) }
        }
    }

    /// Ends the branches whose case ended with what a frame ran: no entry of their own tells of that.
    mutating func endBranches(
        above frame: Int32, _ finish: (SpanWriter, NodeIndex, inout Span) -> Void
    ) {
        var above = tracker.parent(of: frame)
        while above >= 0, let entry = open[above], entry.hasChosen {
            let state = machine.frames[Int(above)]
            let goesOn = state.node == entry.node && state.phase != .free && state.phase != .ready
            if goesOn { return }
            end(above) { writer, span in finish(writer, entry.node, &span) }
            above = tracker.parent(of: above)
        }
    }

    /// The run is over, and with it whatever has told of no end.
    mutating func finish(_ event: Event, _ log: RunLog) {
        let outcome = log.copy(event.payload)
        for frame in open.sorted(by: { $0.value.order > $1.value.order }).map(\.key) {
            end(frame) { writer, span in
                if event.kind == .workflowError {
                    writer.fail(&span, outcome)
                } else {
                    writer.cancel(&span, reason: nil)
                }
            }
        }
        let writer = writer
        endRoot { span in
            switch event.kind {
            case .workflowSuccess: writer.succeed(&span, outcome)
            case .workflowError: writer.fail(&span, outcome)
            default: writer.cancel(&span, reason: outcome?["reason"]?.string)
            }
        }
    }
}
