internal import FlatValue
internal import WorkflowCore

/// What the operations of calls leave in the journal for the trace of their run.
extension Worker {
    /// How many spans of its operations a call puts into the journal; of what it does more often only the number is kept.
    private static let spanLimit = 1000
    /// The most that is kept of a URL, in bytes.
    private static let urlLimit = 2000

    /// Keeps what an operation of a call used, or its span.
    ///
    /// - Parameter span: the number of the script's span in which the operation was asked for, 0 for none; nil where nobody knows.
    func keep(_ usage: Value, in span: Int64?, _ run: Run, _ pending: PendingCall) {
        guard run.machine.frames.indices.contains(Int(pending.frame)) else { return }
        // What is only learnt of secrets has no span, and is kept however many there are.
        let isSpan = usage["span"] != nil
        let isCall = !isSpan && usage["model"] != nil
        if isSpan, pending.spanCount >= Self.spanLimit {
            run.calls[pending.id]?.unshownCount += 1
            return
        }
        let shown = placed(bounded(recorded(usage, run, run.machine.frames[Int(pending.frame)].node), run), in: span)
        guard run.log.hasRoom(for: shown.byteCount) else { return }
        if isSpan { run.calls[pending.id]?.spanCount += 1 }
        if !isSpan, !isCall, RunSecrets.recorded(in: shown).isEmpty { return }
        let record = run.log.arena.writing { $0.write(shown) }
        run.decide(
            isCall
                ? .modelCalled(frame: pending.frame, record: record) : .traced(frame: pending.frame, record: record),
            at: now)
    }

    /// Keeps how many spans of a call that ends were not kept.
    func keepUnshown(_ run: Run, _ id: UInt64) {
        guard let pending = run.calls[id], pending.unshownCount > 0,
            run.machine.frames.indices.contains(Int(pending.frame)), run.log.hasRoom(for: 0)
        else { return }
        let record = run.log.arena.writing { $0.write(["dropped": Value(Int64(pending.unshownCount))]) }
        run.decide(.traced(frame: pending.frame, record: record), at: now)
    }

    /// The record with the span of the script around it.
    private func placed(_ usage: Value, in span: Int64?) -> Value {
        guard let span else { return usage }
        func placed(_ record: Value) -> Value {
            Value(entries: (record.entries ?? []).map { ($0.key, $0.value) } + [("parent", Value(span))])
        }
        guard let inner = usage["span"] else { return placed(usage) }
        guard let model = inner["model"], model.entries != nil else {
            return usage.replacing("span", by: placed(inner))
        }
        return usage.replacing("span", by: inner.replacing("model", by: placed(model)))
    }

    /// The record without what the run's trace is not to say.
    private func recorded(_ usage: Value, _ run: Run, _ node: NodeIndex) -> Value {
        guard
            ["input", "output", "secretsInOutput"].contains(where: { usage[$0] != nil })
                || usage["span"]?["model"] != nil
        else { return usage }
        let trace =
            run.machine.trace.given.isNone ? nil : run.log.value(run.machine.trace.given)["telemetry"].map { Value($0) }
        let content = RecordedContent(
            workflow: run.plan.details[0].telemetry, run: trace, step: run.plan.details[Int(node)].telemetry)
        return usage.changing { key, value in
            switch key {
            case "input" where !content.inputs, "output" where !content.outputs: nil
            case "secretsInOutput" where !content.outputs: nil
            default: value
            }
        }
    }

    /// The record with no more of contents and URLs than a span shows; secrets are taken out before something is cut, so that
    /// nothing of one is left at the end.
    private func bounded(_ usage: Value, _ run: Run) -> Value {
        guard usage.byteCount > Self.urlLimit else { return usage }
        var redaction: Redaction?
        func withoutSecrets(_ value: Value) -> Value {
            var known = redaction ?? run.readSecrets()
            if redaction == nil { known.learn(RunSecrets.recorded(in: usage)) }
            redaction = known
            return known.redact(value)
        }
        return usage.changing { key, value in
            switch key {
            case "input", "output":
                guard value.json.utf8.count > RecordedContent.textLimit else { return value }
                let shown = withoutSecrets(value)
                let text = RecordedContent.text(of: shown)
                return text.hasSuffix(RecordedContent.cutMark) ? Value(text) : shown
            case "url":
                guard let text = value.string, text.utf8.count > Self.urlLimit else { return value }
                return Value(RecordedContent.cut(withoutSecrets(value).string ?? "", to: Self.urlLimit))
            default: return value
            }
        }
    }
}

extension Value {
    /// The object with another value of a key that it has.
    fileprivate func replacing(_ key: String, by value: Value) -> Value {
        Value(entries: (entries ?? []).map { ($0.key, $0.key == key ? value : $0.value) })
    }

    /// The record of an operation with what `change` makes of its fields and of those of the span, the model and the request in it;
    /// nil leaves a field out.
    fileprivate func changing(_ change: (String, Value) -> Value?) -> Value {
        Value(
            entries: (entries ?? []).compactMap { key, value in
                switch key {
                case "span", "model", "http":
                    (key, value.entries == nil ? value : value.changing(change))
                default: change(key, value).map { (key, $0) }
                }
            })
    }
}
