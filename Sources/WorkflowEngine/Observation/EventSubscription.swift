public import WorkflowCore

/// Why a subscription ended.
public enum SubscriptionEnd: Sendable, Equatable {
    /// The run is over, and its last event has been given.
    case over
    /// The hub has been closed, as the engine stops, or the run was moved to other code by another process: subscribe anew, behind the
    /// last event.
    case closed
    /// The subscriber's task was cancelled, or it cancelled the subscription.
    case cancelled
    /// The store could not be read.
    case failed(code: String, message: String)
}

/// What a subscriber gets.
public enum SubscriptionItem: Sendable {
    /// Recorded events, each once and in the order of its run; all of them durable.
    case events([RunEvent])
    /// A run is over, or waits for a person or a signal; perhaps told twice. Of a run that this engine does not drive only
    /// subscribers to that one run are told.
    case settled(run: String)
    case transient(TransientEvent)
    /// Nothing has happened; somebody wanted to be woken by ``EventSubscription/nudge()``.
    case idle
}

/// One subscriber's stream of events, rendered in the subscriber's own task.
///
/// One task at a time calls ``next()``. A subscriber that is slow holds up nobody: what does not fit its buffer is
/// read in the store when it is asked for.
///
/// ```swift
/// let events = hub.subscribe(EventFilter(workflow: "order"))
/// while let item = await events.next() {
///     if case .events(let batch) = item { … }
/// }
/// ```
public actor EventSubscription {
    nonisolated let filter: EventFilter
    nonisolated let queue: SubscriptionQueue
    private let hub: EventHub
    private let store: any RunStore
    private var cursors: [String: RunCursor] = [:]
    /// How many entries of runs that rest have been seen, where there is no cursor.
    private var seen: [String: Int] = [:]
    private var ready: [SubscriptionItem] = []
    /// Why there is nothing more; nil as long as there may be.
    public private(set) var end: SubscriptionEnd?

    init(_ filter: EventFilter, hub: EventHub, store: any RunStore, limit: Int) {
        self.filter = filter
        self.hub = hub
        self.store = store
        queue = SubscriptionQueue(limit: limit)
    }

    deinit { hub.remove(ObjectIdentifier(queue)) }

    /// Begins with a run of the store, after an event of it.
    func begin(_ run: String, plan: Plan, after sequence: Int) {
        cursors[run] = RunCursor(run: run, plan: plan, after: sequence)
        queue.post(.behind(run, plan, after: sequence))
    }

    /// Ends the subscription; what waits in ``next()`` returns.
    public nonisolated func cancel() { queue.finish(.cancelled) }

    /// Has ``next()`` give ``SubscriptionItem/idle`` soon, for a writer that has to show that it lives.
    public nonisolated func nudge() { queue.post(.nudge) }

    /// The next item; nil when the subscription has ended, for the reason in ``end``.
    public func next() async -> SubscriptionItem? {
        while true {
            if !ready.isEmpty { return ready.removeFirst() }
            if end != nil { return nil }
            let (messages, reason) = await queue.take()
            for message in messages where end == nil { await take(message) }
            if end == nil, let reason { end = reason }
            if end != nil { hub.remove(ObjectIdentifier(queue)) }
        }
    }

    private func take(_ message: SubscriptionQueue.Message) async {
        switch message {
        case .chunk(let chunk):
            let cursor = cursor(of: chunk)
            if let events = cursor.take(chunk) { give(events, cursor) } else { await catchUp(cursor) }
        case .behind(let run, let plan, let after):
            if let plan, let cursor = cursors[run], cursor.plan.fingerprint != plan.fingerprint {
                cursors[run] = cursor.moved(to: plan)
            }
            if cursors[run] == nil, let plan, let after = seen.removeValue(forKey: run) ?? after {
                cursors[run] = RunCursor(run: run, plan: plan, after: after)
            }
            if let cursor = cursors[run] { await catchUp(cursor) }
        case .settled(let run):
            // A subscriber to all runs has no use for the log of one that is over or rests.
            if filter.run == nil { forget(run) }
            ready.append(.settled(run: run))
            if filter.run == run, cursors[run]?.isOver == true { end = .over }
        case .nudge: ready.append(.idle)
        // Of journals that are followed.
        case .news, .mark: break
        case .transient(let event): if filter.admits(type: event.type) { ready.append(.transient(event)) }
        }
    }

    /// Keeps of a run only how far it has been seen.
    private func forget(_ run: String) {
        if let cursor = cursors.removeValue(forKey: run) { seen[run] = cursor.isOver ? nil : cursor.count }
    }

    private func cursor(of chunk: RunChunk) -> RunCursor {
        if let known = cursors[chunk.run] {
            if known.plan === chunk.plan || known.plan.fingerprint == chunk.plan.fingerprint { return known }
            let cursor = known.moved(to: chunk.plan)
            cursors[chunk.run] = cursor
            return cursor
        }
        // Of runs that began before the subscription only what follows is wanted.
        let cursor = RunCursor(
            run: chunk.run, plan: chunk.plan, after: max(chunk.first, seen.removeValue(forKey: chunk.run) ?? 0))
        cursors[chunk.run] = cursor
        return cursor
    }

    private func give(_ events: [RunEvent], _ cursor: RunCursor) {
        let wanted = filter.types == nil ? events : events.filter { filter.admits(type: $0.name) }
        if !wanted.isEmpty { ready.append(.events(wanted)) }
        // Of a run that is driven here the notice that it has settled follows.
        if filter.run == cursor.run, cursor.isOver, !hub.isLive(cursor.run) { end = .over }
    }

    /// Whether what a store gave has the nodes of the cursor's plan. If not, the run was moved to other code: who follows this run
    /// alone has to subscribe anew, with the plan that it has now; others go on as soon as a piece brings that plan.
    private func fits(_ stored: StoredRun, _ cursor: RunCursor) -> Bool {
        guard let fingerprint = stored.header.origin.fingerprint, fingerprint != cursor.plan.fingerprint else {
            return true
        }
        if filter.run == cursor.run {
            end = .closed
        } else {
            cursors[cursor.run] = nil
            seen[cursor.run] = cursor.count
        }
        return false
    }

    /// Reads in the store what a run has more than the cursor.
    private func catchUp(_ cursor: RunCursor) async {
        do throws(JournalError) {
            guard let stored = try await store.load(cursor.run, after: cursor.count) else {
                // A run that has just been started here may not be in the store yet.
                if filter.run == cursor.run, !hub.isLive(cursor.run) { end = .over }
                return
            }
            guard fits(stored, cursor) else { return }
            let follows = stored.after == cursor.count
            var events = cursor.take(
                RunChunk(stored, plan: cursor.plan, arenaStart: follows ? cursor.arenaCount : 0))
            if events == nil, let whole = try await store.load(cursor.run) {
                guard fits(whole, cursor) else { return }
                events = cursor.take(RunChunk(whole, plan: cursor.plan, arenaStart: 0))
            }
            give(events ?? [], cursor)
            // Nothing tells when a run settles that is not driven here.
            if filter.run == nil, !hub.isLive(cursor.run) { forget(cursor.run) }
            if filter.run == cursor.run, end == nil, !hub.isLive(cursor.run), stored.header.waitsForSomebody {
                ready.append(.settled(run: cursor.run))
            }
        } catch {
            end = .failed(code: error.code, message: error.message)
        }
    }
}
