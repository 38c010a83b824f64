internal import FlatValue
package import NIOCore
internal import Synchronization
package import WorkflowCore
package import WorkflowEngine

/// The events of all runs for any number of streams: each is rendered and written down once, however many streams there are.
///
/// Nobody waits for a stream: what a slow one has not taken lies in its bounded ``EventOutbox``. Nothing is done without one.
final class EventBroadcast: Sendable {
    private let hub: EventHub
    private let state = Mutex(State())

    private struct State {
        var outboxes: [ObjectIdentifier: EventOutbox] = [:]
        /// What feeds the outboxes; nil without any.
        var feed: Feed?
    }

    private struct Feed {
        let subscription: EventSubscription
        let task: Task<Void, Never>
    }

    /// How much may wait to be rendered, in bytes, before the store is read instead.
    private static let buffer = 16 << 20

    init(_ hub: EventHub) { self.hub = hub }

    /// A new outbox, which gets what passes a filter from now on, until it is cancelled.
    func open(_ filter: EventFilter, redacts: Bool = false) -> EventOutbox {
        let outbox = EventOutbox(filter, redacts: redacts)
        state.withLock { state in
            state.outboxes[ObjectIdentifier(outbox)] = outbox
            if state.feed != nil { return }
            let subscription = hub.subscribe(EventFilter(), buffer: Self.buffer)
            let task = Task { [weak self] in
                while let item = await subscription.next() {
                    guard let self else { return }
                    hand(on: item, of: subscription)
                }
                await self?.finish(subscription)
            }
            state.feed = Feed(subscription: subscription, task: task)
        }
        return outbox
    }

    /// How long a stream gathers what comes before it writes again: the longer, the more streams there are, so that all of them
    /// together write no more than some thousand times a second.
    var pause: Duration {
        let count = state.withLock { $0.outboxes.count }
        return min(max(.milliseconds(20), .microseconds(350) * count), .milliseconds(500))
    }

    func close(_ outbox: EventOutbox) {
        let feed = state.withLock { state -> Feed? in
            state.outboxes[ObjectIdentifier(outbox)] = nil
            return state.outboxes.isEmpty ? state.feed.take() : nil
        }
        feed?.subscription.cancel()
    }

    private func hand(on item: SubscriptionItem, of subscription: EventSubscription) {
        let frames: EventFrames
        switch item {
        case .events(let events): frames = EventFrames(events)
        case .transient(let event): frames = EventFrames(event)
        case .settled, .idle: return
        }
        let outboxes = state.withLock { state in
            state.feed?.subscription === subscription ? Array(state.outboxes.values) : []
        }
        for outbox in outboxes { outbox.put(frames) }
    }

    /// Ends the streams of a subscription that has ended by itself.
    private func finish(_ subscription: EventSubscription) async {
        let outboxes = state.withLock { state -> [EventOutbox] in
            guard state.feed?.subscription === subscription else { return [] }
            state.feed = nil
            defer { state.outboxes = [:] }
            return Array(state.outboxes.values)
        }
        let end = await subscription.end ?? .closed
        for outbox in outboxes { outbox.finish(end) }
    }
}

/// Events of one run as the frames of a stream.
package struct EventFrames: Sendable {
    let run: String
    let workflow: String
    private let whole: Written
    /// Without what schemas call secret; nil where that is the same.
    private let redacted: Written?

    /// Frames as bytes.
    private struct Written {
        var bytes = ByteBuffer()
        /// Where the frame of each event lies, and its type.
        var parts: [(type: String, range: Range<Int>)] = []

        mutating func append(_ type: String, _ data: Value) {
            let start = bytes.writerIndex
            bytes.writeString("event: \(type)\ndata: \(data.json)\n\n")
            parts.append((type, start..<bytes.writerIndex))
        }
    }

    /// - Parameter events: at least one, all of one run.
    package init(_ events: [RunEvent]) {
        var whole = Written()
        for event in events { whole.append(event.name, event.value) }
        var redacted: Written?
        if events.contains(where: { $0.redaction?.isEmpty == false }) {
            var written = Written()
            for event in events { written.append(event.name, event.redacted(event.value)) }
            redacted = written
        }
        (run, workflow) = (events.first?.runID ?? "", events.first?.workflowID ?? "")
        (self.whole, self.redacted) = (whole, redacted)
    }

    package init(_ event: TransientEvent) {
        var whole = Written()
        whole.append(event.type, event.value)
        (run, workflow) = (event.runID, event.workflowID)
        // A secret may come in pieces, none of which is known for a part of it; the whole is recorded.
        (self.whole, redacted) = (whole, event.mayHaveSecrets ? Written() : nil)
    }

    /// The frames that a filter lets through, and how many they are; nil for none.
    ///
    /// - Parameter redacts: without what schemas call secret.
    func passing(_ filter: EventFilter, redacts: Bool = false) -> (bytes: ByteBuffer, count: Int)? {
        guard filter.admits(run: run, workflow: workflow) else { return nil }
        let written = redacts ? redacted ?? whole : whole
        let wanted = written.parts.filter { filter.admits(type: $0.type) }
        if wanted.isEmpty { return nil }
        if wanted.count == written.parts.count { return (written.bytes, wanted.count) }
        var chosen = ByteBuffer()
        for part in wanted {
            if var slice = written.bytes.getSlice(at: part.range.lowerBound, length: part.range.count) {
                chosen.writeBuffer(&slice)
            }
        }
        return (chosen, wanted.count)
    }
}

/// What lies ready for one stream of all runs, up to a bound; what comes beyond it is missed, and counted.
///
/// May be used from any thread; one task takes.
package final class EventOutbox: Sendable {
    package enum Item: Sendable, Equatable {
        case frames(ByteBuffer)
        /// So many events were passed over, since too much lay ready.
        case missed(Int)
        /// Somebody wanted to be woken by ``nudge()``.
        case idle
    }

    private let filter: EventFilter
    private let redacts: Bool
    private let limit: Int
    private let state = Mutex(State())

    private struct State {
        var items: [Item] = []
        var bytes = 0
        var end: SubscriptionEnd?
        var waiter: CheckedContinuation<Void, Never>?
    }

    /// - Parameters:
    ///   - redacts: whether it gets events without what schemas call secret.
    ///   - limit: how many bytes may lie ready.
    package init(_ filter: EventFilter, redacts: Bool = false, limit: Int = 512 << 10) {
        self.filter = filter
        self.redacts = redacts
        self.limit = limit
    }

    package func put(_ frames: EventFrames) {
        guard let (bytes, count) = frames.passing(filter, redacts: redacts) else { return }
        wake { state in
            // What is larger than the bound alone passes when nothing else lies ready.
            if state.bytes > 0, state.bytes + bytes.readableBytes > limit {
                if case .missed(let missed)? = state.items.last {
                    state.items[state.items.count - 1] = .missed(missed + count)
                } else {
                    state.items.append(.missed(count))
                }
            } else {
                state.bytes += bytes.readableBytes
                state.items.append(.frames(bytes))
            }
        }
    }

    /// Has ``take()`` give ``Item/idle`` soon, for a writer that has to show that it lives.
    package func nudge() { wake { if $0.items.isEmpty { $0.items.append(.idle) } } }

    /// Nothing comes any more; what lies ready is still taken. The first reason counts.
    package func finish(_ end: SubscriptionEnd) { wake { $0.end = $0.end ?? end } }

    private func wake(_ body: (inout State) -> Void) {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            if state.end == nil { body(&state) }
            return state.waiter.take()
        }
        waiter?.resume()
    }

    /// Takes what lies ready, or waits for something; the reason once there will be nothing more.
    package func take() async -> (items: [Item], end: SubscriptionEnd?) {
        while true {
            let taken = state.withLock { state -> ([Item], SubscriptionEnd?)? in
                guard !state.items.isEmpty || state.end != nil else { return nil }
                defer { (state.items, state.bytes) = ([], 0) }
                return (state.items, state.end)
            }
            if let taken { return taken }
            if Task.isCancelled { return ([], .cancelled) }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isReady = state.withLock { state in
                        if !state.items.isEmpty || state.end != nil || Task.isCancelled { return true }
                        state.waiter = continuation
                        return false
                    }
                    if isReady { continuation.resume() }
                }
            } onCancel: {
                wake { _ in }
            }
        }
    }
}
