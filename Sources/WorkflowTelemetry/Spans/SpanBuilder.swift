internal import FlatValue
package import WorkflowCore
package import WorkflowEngine

/// Makes the spans of a run out of its journal, and out of nothing else.
///
/// It takes one entry after the other and gives each span once, when it has ended, so a run that is followed as it goes has the
/// same spans as one that is read later. The run's own span covers one stretch: from its start, or from where it goes on after
/// a wait, to its end, or to where it waits for a person, a signal, or a time that is ``StretchTracker/longWait`` away. What is under
/// way at a wait, or when the process dies, ends with the stretch; a span that is linked to it goes on in the next one.
///
/// While a span is open only the places of its entries are kept. It is made when it has ended, if somebody wants it then.
package struct SpanBuilder: ~Copyable {
    /// How much of a span that has ended somebody wants.
    package enum Demand: Sendable {
        /// It is only counted.
        case none
        /// What figures are made of.
        case figures
        case whole
    }

    package let plan: Plan
    package let runID: String
    package internal(set) var settings: TraceSettings
    package internal(set) var trace: TraceID
    /// The span elsewhere in which the run's stretches lie.
    package internal(set) var caller: TraceParent?
    /// How many spans ended that nobody wanted.
    package internal(set) var unwanted = 0
    /// What is asked when a span has ended: its trace, the caller of the run, and how many of steps and runs have ended since they
    /// were last taken.
    package typealias Asking = (TraceID, TraceParent?, Int) -> Demand

    private let demand: Asking
    var template: SpanTemplate
    var stretches: StretchTracker
    var tracker: FrameTracker
    /// The span of the stretch that is under way, without what it says.
    var root: Span?
    var lastRoot: Span.Link?
    /// The spans of steps that are under way, by their frame. Between stretches those that go on in the next one.
    var open: [Int32: OpenSpan] = [:]
    var opened = 0
    var input: Value?
    /// Why the run is to stop, once somebody has asked for that and said why.
    var cancelReason: String?
    var secrets = RunSecrets()
    /// The time at which spans end that end now.
    var now: Int64 = 0
    var taken = 0
    /// Whether what ends with the entry that is taken now has been told of.
    private var isTold = false
    /// Spans that have ended since the caller last took them, and how many of them were made in steps.
    var ended: [Span] = []
    var madeCount = 0

    struct OpenSpan {
        /// Nil until somebody needs it.
        var id: SpanID?
        var parent: SpanID?
        var start: Int64
        var node: NodeIndex
        var occurrence: Int
        var attempt: Int
        var path: String
        /// Behind the path, of a span that is not the step's own: `/compensate`, `/completion`.
        var part = ""
        /// Counts the starts, so that what lies outside comes before what lies in it.
        var order: Int
        var group: (id: String, branch: Value)?
        /// What the step was given: at its start, and behind its schema.
        var input: Slice
        var settled: Slice?
        /// The case that a branch has chosen: it ends with the case.
        var choice: Int32?
        /// What the script said of it by attributes.
        var attributes: [Slice] = []
        /// What was emitted and logged in this stretch.
        var told: [(kind: EventKind, content: Slice, time: Int64, sequence: Int)] = []
        var untold = 0
        /// Spans that were made in it, which end with it, and how many more there were.
        var made = MadeSpans()
        /// What models used below it since the beginning of the stretch; of agents.
        var usage = ModelUsage()
        /// What was said so far to the model that is called in the turns below it, as far as the journal has it.
        var conversation = Conversation()
        /// The part of the span that ended with the stretch before, and the number of the stretch in which this one began then.
        var earlier: SpanID?
        var laterStretch: Int?
    }

    /// - Parameter demand: asked by the thread that calls ``take(_:past:)``.
    package init(plan: Plan, runID: String, demand: @escaping Asking = { _, _, _ in .whole }) {
        self.plan = plan
        self.runID = runID
        self.demand = demand
        settings = TraceSettings(workflow: plan.details[0].telemetry)
        template = SpanTemplate(plan, runID: runID, settings: settings, redaction: secrets.redaction)
        trace = TraceID(run: runID)
        stretches = StretchTracker(plan: plan)
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

    /// The spans of a recorded run, and the caller of the run: those that entries ended which were written between two times, in
    /// microseconds since 1970. A span may have ended long before its entry: one of a process that died does so with the entry of
    /// whoever takes its run up.
    static func spans(
        of record: RunRecord, writtenIn times: ClosedRange<Int64>
    ) -> (spans: [Span], caller: TraceParent?) {
        withExtendedLifetime(record) {
            var builder = SpanBuilder(plan: record.plan, runID: record.id)
            let log = record.log
            let spans = builder.take(log).filter { times.contains(log[$0.entry - 1].time) }
            return (spans, builder.caller)
        }
    }

    /// Takes what the log has more than when it was last taken, and gives the spans that have ended.
    ///
    /// - Parameter past: what has been followed before, by somebody who sent its spans: only those are given again of a stretch
    ///   that they did not see the end of, and of what has been told of none.
    package mutating func take(_ log: RunLog, past: RunPast = RunPast()) -> [Span] {
        while taken < log.count {
            isTold = taken < past.told
            take(log[taken], log, isPast: taken < past.count)
            var place = ended.count
            while place > 0, ended[place - 1].entry == 0 {
                place -= 1
                ended[place].entry = taken + 1
            }
            if isTold { forget() }
            taken += 1
        }
        defer { (ended, madeCount) = ([], 0) }
        return ended
    }

    private mutating func take(_ event: Event, _ log: RunLog, isPast: Bool) {
        let before = now
        tracker.follow(event)
        let turn = stretches.follow(event, log)
        now = stretches.now
        switch event.kind {
        case .traced where event.frame == 0 && stretches.number == 0: return takeSettings(log.copy(event.payload))
        case .workflowStart: input = log.copy(event.payload)
        case .cancelRequested: cancelReason = cancelReason ?? log.copy(event.payload)?["reason"]?.string
        default: break
        }
        // Without spans nothing is to be known of the steps.
        if !settings.isOn { return }
        secrets.read(event, log, of: plan)
        if turn.isFork { fork(log.copy(event.payload)) }
        // Whoever let the run go had told of what had ended by then.
        if isPast, event.kind == .workflowResumed, event.item == ResumeCause.released.rawValue { forget() }
        if turn.interrupts { interrupt(at: before, log, reason: log.copy(event.payload)?["reason"]?.string) }
        if turn.begins { begin() }
        if turn.tells { takeStep(event, log) }
        if turn.rests {
            endStretch(stretches.machine.waitsForPerson ? Names.waitingForPerson : Names.waiting, log)
            // Whoever followed the run before has seen this end.
            if isPast { forget() }
        }
    }

    /// Leaves out what has ended so far.
    mutating func forget() {
        ended = []
        madeCount = 0
        unwanted = 0
    }

    private mutating func takeSettings(_ record: Value?) {
        settings = TraceSettings(workflow: plan.details[0].telemetry, run: record?["telemetry"])
        template = SpanTemplate(plan, runID: runID, settings: settings, redaction: secrets.redaction)
        caller = record?["traceparent"]?.string.flatMap { TraceParent($0) }
        if let caller { trace = caller.trace }
        if let source = record?["source"], let run = source["run"]?.string {
            lastRoot = Self.begin(of: run, in: source["traceparent"]?.string.flatMap { TraceParent($0) })
        }
    }

    // MARK: Making spans

    /// What writes attributes at this moment; nil where nobody wants a span that ends now, which is counted then.
    mutating func writer() -> SpanWriter? {
        let demand = isTold ? .none : demand(trace, caller, ended.count - madeCount)
        if demand == .none {
            unwanted += 1
            return nil
        }
        if template.isOutdated(by: secrets.redaction) {
            template = SpanTemplate(plan, runID: runID, settings: settings, redaction: secrets.redaction)
        }
        return SpanWriter(
            template: template, redaction: secrets.redaction, now: now, isFull: demand == .whole)
    }

    /// The id of a step's span that is under way.
    mutating func id(of frame: Int32) -> SpanID? {
        guard let entry = open[frame] else { return nil }
        if let id = entry.id { return id }
        let id = SpanID(
            run: runID, path: entry.path + entry.part, attempt: entry.attempt, occurrence: entry.occurrence,
            stretch: entry.laterStretch)
        open[frame]?.id = id
        return id
    }

    /// The span of a step that ends now, with what the journal says of it so far.
    func made(_ entry: OpenSpan, _ id: SpanID, _ log: RunLog, _ writer: SpanWriter) -> Span {
        var span = Span(trace: trace, id: id, parent: entry.parent, name: "", start: entry.start, end: now)
        let input = log.copy(entry.input)
        writer.describe(&span, entry, input: input)
        span.role = .step
        (span.workflow, span.run) = (template.workflow, runID)
        if !entry.part.isEmpty { span.name += entry.part.replacing("/", with: ".") }
        if let earlier = entry.earlier { span.links = [Span.Link(trace: trace, span: earlier)] }
        if let choice = entry.choice {
            let first = plan.firstNode(of: entry.node, body: choice)
            let branch = plan.branchID(of: entry.node, choice: choice)
            span.attributes[Names.stepBranchID] = writer.redaction.redact(branch).attribute
            span.attributes[Names.stepNext] = .string(writer.short(template.id(of: first)))
        }
        if entry.usage.calls > 0 { writer.add(entry.usage, to: &span.attributes) }
        guard writer.isFull else {
            span.isBrief = true
            return span
        }
        writer.record(input: entry.settled.map { log.copy($0) } ?? input, of: entry.node, in: &span)
        for own in entry.attributes { writer.add(log.copy(own)?["attributes"], to: &span.attributes) }
        span.events.reserveCapacity(entry.told.count + 1)
        for told in entry.told {
            writer.tell(log.copy(told.content), told.kind, at: told.time, entry.node, in: &span)
            span.events[span.events.count - 1].sequence = told.sequence
        }
        span.droppedEvents = entry.untold
        if entry.made.dropped > 0 { span.attributes[Names.droppedSpans] = .int(Int64(entry.made.dropped)) }
        return span
    }
}
