internal import FlatValue
internal import WorkflowCore

/// The spans of steps and constructs, from their start to their end.
extension SpanBuilder {
    mutating func parent(of frame: Int32) -> SpanID? {
        // The machine has let go of frames that the newest entry ended; the tracker knows where they lay.
        var above = tracker.parent(of: frame)
        while above >= 0 {
            if let id = id(of: above) { return id }
            above = tracker.parent(of: above)
        }
        return root?.id
    }

    mutating func takeStep(_ event: Event, _ log: RunLog) {
        switch event.kind {
        case .stepStart, .closingStart: start(event)
        case .inputSettled: change(event) { $0.settled = event.payload }
        case .stepBranch: change(event) { $0.choice = event.item }
        case .stepSuccess: succeed(event, log)
        case .closingSuccess: end(event.frame, log) { _, span in span.status = .ok }
        case .stepError, .closingError:
            let error = log.copy(event.payload)
            end(event.frame, log) { writer, span in writer.fail(&span, error) }
            endBranches(above: event.frame, failing: error, log)
        case .stepRetry, .closingRetry:
            end(event.frame, log) { writer, span in
                writer.fail(&span, log.copy(event.payload))
                span.events.append(
                    Span.Event(
                        name: Names.retry, time: writer.now,
                        attributes: [
                            "delay_ms": .int(Int64(event.item)), "next_attempt": .int(Int64(event.attempt) + 1),
                        ]))
            }
        case .stepCancelled:
            end(event.frame, log) { writer, span in writer.cancel(&span, reason: nil) }
            endBranches(above: event.frame, failing: nil, log)
        case .stepEvent, .log:
            let (time, sequence) = (now, taken + 1)
            change(event) { entry in
                if entry.told.count < Span.eventLimit {
                    entry.told.append((event.kind, event.payload, time, sequence))
                } else {
                    entry.untold += 1
                }
            }
        case .traced: takeTraced(event, log)
        case .modelCalled:
            guard let record = log.copy(event.payload) else { return }
            use(record, below: event.frame)
            let before = conversation(around: event.frame, goingOnWith: record)
            change(event) { entry in
                entry.made.append(MadeSpan(model: record, index: entry.made.nextOfHost, after: before))
            }
        case .workflowSuccess, .workflowError, .workflowCancelled: finish(event, log)
        case .workflowStart, .workflowResumed, .humanRequested, .humanCompleted, .stepWaiting, .bodyOpened,
            .itemsListed, .metadataSet, .ctxSet, .storeSet, .cancelRequested, .signalReceived,
            .limitsSet, .answerSigned, .queued,
            .onceRecorded, .tagsSet, .restartAsked, .endingDecided:
            break
        }
    }

    /// What only traces show: attributes, a span that the script made, or what the host did.
    private mutating func takeTraced(_ event: Event, _ log: RunLog) {
        guard let record = log.copy(event.payload) else { return }
        if record["attributes"] != nil { change(event) { $0.attributes.append(event.payload) } }
        if let count = record["dropped"]?.int { change(event) { $0.made.drop(Int(clamping: count)) } }
        guard let told = record["span"] else { return }
        if told["index"] != nil {
            let isOver = told["end"] != nil
            return change(event) { isOver ? $0.made.append(MadeSpan(told)) : $0.made.begin(MadeSpan(told)) }
        }
        let before = conversation(around: event.frame, goingOnWith: nil)
        change(event) { entry in
            entry.made.append(MadeSpan.host(told, index: entry.made.nextOfHost, after: before))
        }
    }

    private mutating func change(_ event: Event, _ body: (inout OpenSpan) -> Void) {
        guard let place = open.index(forKey: event.frame), open.values[place].node == event.node else { return }
        body(&open.values[place])
    }

    private mutating func start(_ event: Event) {
        opened += 1
        open[event.frame] = OpenSpan(
            parent: parent(of: event.frame), start: now, node: event.node,
            occurrence: tracker.occurrence(of: event.frame), attempt: Int(event.attempt),
            path: tracker.path(of: event.frame, node: event.node),
            part: event.kind.isClosing ? Closing.part(of: event.frame) : "", order: opened,
            group: tracker.parallelGroup(of: event.frame), input: event.payload)
    }

    private mutating func succeed(_ event: Event, _ log: RunLog) {
        // The case follows, and what it gives is the branch's output.
        if open[event.frame]?.choice != nil { return }
        end(event.frame, log) { writer, span in
            span.status = .ok
            let next = writer.template.plan.following(event.node, next: event.item)
            span.attributes.set(Names.stepNext, next.map { writer.short(writer.template.id(of: $0)) })
            writer.record(output: { log.copy(event.payload) }, of: event.node, in: &span)
        }
        guard event.item < 0 else { return }
        endBranches(above: event.frame, log) { writer, node, span in
            span.status = .ok
            writer.record(output: { log.copy(event.payload) }, of: node, in: &span)
        }
    }

    private mutating func end(_ frame: Int32, _ log: RunLog, _ finish: (SpanWriter, inout Span) -> Void) {
        guard open[frame] != nil else { return }
        let writer = self.writer()
        // Nobody needs the id of a span that is not made, and has nothing in it.
        let id = writer == nil ? nil : id(of: frame)
        guard var entry = open.removeValue(forKey: frame) else { return }
        if plan.nodes[Int(entry.node)].bodyCount > 0 { endBelow(frame, log) }
        guard let writer, let id else {
            unwanted += entry.made.spans.count + entry.made.begun.count
            return
        }
        var span = made(entry, id, log, writer)
        finish(writer, &span)
        if !entry.made.begun.isEmpty { entry.made.end(at: now, failing: cause(of: span)) }
        append(span, entry.made, writer)
    }

    /// Why what lies in a step ended with it; nil where the step has succeeded.
    private func cause(of step: Span) -> MadeSpan.Failure? {
        if case .error(let message) = step.status {
            let code = step.attributes[Names.errorType]?.text ?? "_OTHER"
            return MadeSpan.Failure(code: code, message: "the step ended before it: \(message)")
        }
        guard step.events.contains(where: { $0.name == Names.cancelled }) else { return nil }
        let reason = cancelReason.map { ": \($0)" } ?? ""
        return MadeSpan.Failure(code: "cancelled", message: "the step was cancelled before it ended\(reason)")
    }

    /// Gives a step's span, and before it those that were made in it.
    mutating func append(_ span: Span, _ made: MadeSpans, _ writer: SpanWriter) {
        if !made.spans.isEmpty {
            let inner = MadeSpan.spans(made.spans, in: span, writer)
            ended += inner
            madeCount += inner.count
        }
        ended.append(span)
    }

    /// Ends what lies in a construct that ends and has told of no end: a branch that was stopped before its case began.
    private mutating func endBelow(_ frame: Int32, _ log: RunLog) {
        let inner = open.filter { lies($0.key, below: frame) }
        if inner.isEmpty { return }
        for (frame, _) in inner.sorted(by: { $0.value.order > $1.value.order }) {
            end(frame, log) { writer, span in writer.cancel(&span, reason: nil) }
        }
    }

    private func lies(_ frame: Int32, below ancestor: Int32) -> Bool {
        var above = tracker.parent(of: frame)
        while above >= 0 {
            if above == ancestor { return true }
            above = tracker.parent(of: above)
        }
        return false
    }

    private mutating func endBranches(above frame: Int32, failing error: Value?, _ log: RunLog) {
        endBranches(above: frame, log) { writer, _, span in
            if let error { writer.fail(&span, error) } else { writer.cancel(&span, reason: nil) }
        }
    }

    /// Ends the branches whose case ended with what a frame ran: no entry of their own tells of that.
    private mutating func endBranches(
        above frame: Int32, _ log: RunLog, _ finish: (SpanWriter, NodeIndex, inout Span) -> Void
    ) {
        var above = tracker.parent(of: frame)
        while above >= 0, let entry = open[above], entry.choice != nil {
            let state = stretches.machine.frames[Int(above)]
            let goesOn = state.node == entry.node && state.phase != .free && state.phase != .ready
            if goesOn { return }
            end(above, log) { writer, span in finish(writer, entry.node, &span) }
            above = tracker.parent(of: above)
        }
    }

    /// The run is over, and with it whatever has told of no end.
    private mutating func finish(_ event: Event, _ log: RunLog) {
        let outcome = log.copy(event.payload)
        for frame in open.sorted(by: { $0.value.order > $1.value.order }).map(\.key) {
            end(frame, log) { writer, span in
                if event.kind == .workflowError {
                    writer.fail(&span, outcome)
                } else {
                    writer.cancel(&span, reason: nil)
                }
            }
        }
        endRoot { writer, span in
            switch event.kind {
            case .workflowSuccess: writer.succeed(&span, outcome)
            case .workflowError: writer.fail(&span, outcome)
            default: writer.cancel(&span, reason: outcome?["reason"]?.string)
            }
        }
    }
}
