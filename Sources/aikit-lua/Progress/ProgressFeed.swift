internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// One event of a run, reduced to what a display needs; it refers to nothing of the run.
struct ProgressEvent: Sendable {
    /// What an event is about. Numbers are those of the log and fit no plan until ``ProgressModel`` has checked them.
    enum Place: Sendable, Equatable {
        /// The run as a whole.
        case run
        /// A node in a frame.
        case node(Int32, frame: Int32)
        /// A body that begins: its frame, and the frame that it lies in.
        case body(frame: Int32, parent: Int32)
    }

    var kind: EventKind
    /// Microseconds since 1970.
    var time: Int64
    var place: Place
    /// See ``Event/item``.
    var item: Int32
    var attempt: UInt16
    /// `itemsListed`: how many items there are.
    var count = 0
    /// `stepError`, `stepRetry`, `closingError`, `closingRetry`, `workflowError`: the message · `stepWaiting`,
    /// `workflowCancelled`: for what, why · `stepBranch`: the name of the case where the run has secrets, without them.
    var text: String?
}

/// Copies what a run records for the main thread, on the worker's thread and without rendering anything.
final class ProgressFeed: EventFeed {
    /// A model that is asked again sooner than after so many seconds is no news.
    private static let quietWait = 2.0

    private let post: @Sendable (Message) -> Void
    /// How many events of the log have been taken, and what they say of secrets; only the worker's thread touches these.
    nonisolated(unsafe) private var taken = 0
    nonisolated(unsafe) private var secrets = RunSecrets()

    private let plan: Plan
    private let past: Int

    /// - Parameters:
    ///   - past: how many events, from the first one on, are old.
    ///   - post: called on the worker's thread.
    init(plan: Plan, past: Int, post: @escaping @Sendable (Message) -> Void) {
        self.plan = plan
        self.past = past
        self.post = post
    }

    convenience init(plan: Plan, past: Int, mailbox: Mailbox) {
        self.init(plan: plan, past: past) { message in
            // Old events are in memory once anyway, and come before anybody reads.
            guard case .progress(let events) = message else { return mailbox.post(message) }
            let texts = events.reduce(0) { $0 + ($1.text?.utf8.count ?? 0) }
            mailbox.postFlow(message, bytes: events.count * MemoryLayout<ProgressEvent>.stride + texts)
        }
    }

    func take(_ run: Run) { take(run.log) }

    func take(_ log: RunLog) {
        guard taken < log.count else { return }
        if taken < past { send(log, to: min(past, log.count), isPast: true) }
        if taken < log.count { send(log, to: log.count, isPast: false) }
    }

    /// A call of a model that waits to be made again is nothing that the log has, and may take minutes.
    func take(_ event: TransientEvent) {
        guard event.data["kind"] == "restart", let reason = event.data["reason"]?.string,
            let seconds = event.data["seconds"]?.number, seconds >= Self.quietWait
        else { return }
        let wait = Int64(min(seconds, 1e6) * 1e6)
        let again = "the model is asked again in \(elapsedText(microseconds: wait))"
        post(.text("\(event.path.map { $0 + ": " } ?? "")\(reason); \(again)"))
    }

    func finish() {}

    private func send(_ log: RunLog, to end: Int, isPast: Bool) {
        var events: [ProgressEvent] = []
        events.reserveCapacity(end - taken)
        secrets.read(log, of: plan, upTo: end)
        for index in taken..<end { events.append(reduce(log[index], log)) }
        taken = end
        post(isPast ? .past(events) : .progress(events))
    }

    private static func place(of event: Event) -> ProgressEvent.Place {
        switch event.kind {
        case .bodyOpened: .body(frame: event.frame, parent: event.node)
        case .stepStart, .stepSuccess, .stepError, .stepEvent, .stepBranch, .humanRequested, .humanCompleted,
            .stepRetry,
            .stepCancelled, .stepWaiting, .inputSettled, .itemsListed, .log, .answerSigned, .traced, .onceRecorded,
            .modelCalled:
            .node(event.node, frame: event.frame)
        case .closingStart, .closingSuccess, .closingError, .closingRetry:
            event.node > 0 ? .node(event.node, frame: event.frame) : .run
        case .workflowStart, .workflowSuccess, .workflowError, .workflowCancelled, .workflowResumed, .metadataSet,
            .ctxSet, .tagsSet, .restartAsked, .storeSet, .cancelRequested, .signalReceived, .limitsSet, .queued,
            .endingDecided:
            .run
        }
    }

    private func reduce(_ event: Event, _ log: RunLog) -> ProgressEvent {
        var reduced = ProgressEvent(
            kind: event.kind, time: event.time, place: Self.place(of: event), item: event.item,
            attempt: event.attempt)
        if event.kind == .stepBranch, !secrets.redaction.isEmpty {
            reduced.text = plan.branchName(of: event.node, choice: event.item).map { secrets.redaction.redact($0) }
        }
        guard !event.payload.isNone else { return reduced }
        switch event.kind {
        case .itemsListed: reduced.count = log.value(event.payload).count
        case .stepError, .stepRetry, .workflowError, .closingError, .closingRetry:
            reduced.text = (log.value(event.payload)["message"]?.string).map(ShownText.shortened)
        case .workflowCancelled: reduced.text = log.value(event.payload)["reason"]?.string
        case .stepWaiting: reduced.text = log.value(event.payload)["event"]?.string
        default: break
        }
        reduced.text = reduced.text.map { secrets.redaction.redact($0) }
        return reduced
    }
}
