internal import FlatValue
package import WorkflowCore
package import WorkflowEngine

/// Makes the spans of a run out of its journal, and out of nothing else.
///
/// It takes one entry after the other and gives each span once, when it has ended, so a run that is followed as it goes has the
/// same spans as one that is read later. The run's own span covers one stretch: from its start, or from where it goes on after
/// a wait, to its end, or to where it waits for a person, a signal, or a time that is ``longWait`` away. What is under way at a
/// wait, or when the process dies, ends with the stretch; a span that is linked to it goes on in the next one.
package struct SpanBuilder: ~Copyable {
    /// How far away a time has to be that ends a stretch, in microseconds.
    package static let longWait: Int64 = 60_000_000

    package let plan: Plan
    package let runID: String
    package internal(set) var settings: TraceSettings
    package internal(set) var trace: TraceID
    /// The span elsewhere in which the run's stretches lie.
    package internal(set) var caller: TraceParent?
    var machine: RunMachine
    var tracker: FrameTracker
    /// The number of the stretch, from 1; 0 before the first one.
    var stretch = 0
    /// The span of the stretch that is under way.
    var root: Span?
    var lastRoot: Span.Link?
    /// The spans of steps that are under way, by their frame. Between stretches those that go on in the next one.
    var open: [Int32: OpenSpan] = [:]
    var opened = 0
    var input: Value?
    var redaction = Redaction()
    /// The time of the newest entry; clocks that differ do not move it back.
    var now: Int64 = 0
    var taken = 0
    /// Spans that have ended since the caller last took them.
    var ended: [Span] = []

    struct OpenSpan {
        var span: Span
        var node: NodeIndex
        var occurrence: Int
        var attempt: Int
        var path: String
        /// Behind the path, of a span that is not the step's own: `/compensate`, `/completion`.
        var part = ""
        /// Counts the starts, so that what lies outside comes before what lies in it.
        var order: Int
        /// A branch that has chosen: it ends with the case.
        var hasChosen = false
        /// Spans that were made in it, which end with it.
        var made: [MadeSpan] = []
        /// What models used below it since the beginning of the stretch; of agents.
        var usage = ModelUsage()
        /// What was said so far to the model that is called in the turns below it, as far as the journal has it.
        var messages: [Value] = []
        /// The part of the span that ended with the stretch before.
        var earlier: SpanID?
    }

    package init(plan: Plan, runID: String) {
        self.plan = plan
        self.runID = runID
        settings = TraceSettings(workflow: plan.details[0].telemetry)
        trace = TraceID(run: runID)
        machine = RunMachine(plan: plan)
        tracker = FrameTracker(plan: plan)
    }

    /// All spans of a recorded run that have ended.
    package static func spans(of record: RunRecord) -> [Span] {
        // The log lives as long as its record.
        withExtendedLifetime(record) { spans(plan: record.plan, runID: record.id, log: record.log) }
    }

    /// All spans of a run's log that have ended.
    package static func spans(plan: Plan, runID: String, log: RunLog) -> [Span] {
        var builder = SpanBuilder(plan: plan, runID: runID)
        return builder.take(log)
    }

    /// Takes what the log has more than when it was last taken, and gives the spans that have ended.
    ///
    /// - Parameter past: entries up to this one have been followed before, by a process that sent their spans: only those of a
    ///   stretch that it did not see the end of are given again.
    package mutating func take(_ log: RunLog, past: Int = 0) -> [Span] {
        while taken < log.count {
            take(log[taken], log, isPast: taken < past)
            taken += 1
        }
        defer { ended = [] }
        return settings.isOn ? ended : []
    }

    private mutating func take(_ event: Event, _ log: RunLog, isPast: Bool) {
        let before = now
        now = max(now, event.time)
        tracker.follow(event)
        machine.apply(event, log: log)
        machine.commands.removeAll()
        switch event.kind {
        case .traced where event.frame == 0 && stretch == 0: return takeSettings(log.copy(event.payload))
        case .metadataSet, .ctxSet, .tagsSet, .storeSet, .cancelRequested, .signalReceived: return
        case .workflowResumed: return resume(event, log, at: before)
        case .workflowStart: input = log.copy(event.payload)
        default: break
        }
        learnSecrets(event, log)
        if root == nil {
            guard opensStretch(event.kind) || !machine.rests(until: now + Self.longWait) else { return }
            begin()
        }
        takeStep(event, log)
        if root != nil, event.kind == .humanRequested || event.kind == .stepWaiting || isEnd(event.kind),
            machine.rests(until: now + Self.longWait)
        {
            endStretch(machine.waitsForPerson ? Names.waitingForPerson : Names.waiting)
            // Whoever followed the run before has seen this end.
            if isPast { ended = [] }
        }
    }

    /// A human step's answer passes the schema that its node has for outputs.
    private mutating func learnSecrets(_ event: Event, _ log: RunLog) {
        let node = plan.nodes[Int(event.node)]
        let place: Int32
        switch event.kind {
        case .workflowStart, .stepStart, .inputSettled: place = node.inputSchema
        case .stepSuccess, .humanCompleted, .workflowSuccess: place = node.outputSchema
        default: return
        }
        if plan.schemas.indices.contains(Int(place)) {
            redaction.learn(log.copy(event.payload), plan.schemas[Int(place)])
        }
    }

    private func isEnd(_ kind: EventKind) -> Bool {
        kind == .stepSuccess || kind == .stepError || kind == .stepCancelled || kind == .stepRetry
            || kind == .closingRetry
    }

    private func opensStretch(_ kind: EventKind) -> Bool {
        isEnd(kind) || kind == .stepStart || kind == .bodyOpened || kind.isTerminal
    }

    private mutating func takeSettings(_ record: Value?) {
        settings = TraceSettings(workflow: plan.details[0].telemetry, run: record?["telemetry"])
        caller = record?["traceparent"]?.string.flatMap { TraceParent($0) }
        if let caller { trace = caller.trace }
    }

    /// What writes attributes at this moment.
    var writer: SpanWriter {
        SpanWriter(plan: plan, runID: runID, settings: settings, redaction: redaction, now: now)
    }
}
