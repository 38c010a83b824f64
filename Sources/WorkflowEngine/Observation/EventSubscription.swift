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
/// read in the store when it is asked for, a page at a time, so that a subscriber costs its buffer and one page however long
/// the run is.
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
    private var cursors: [String: RunCursor] = [:]
    /// How many entries of runs that rest have been seen, where there is no cursor.
    private var seen: [String: Int] = [:]
    private var ready: [SubscriptionItem] = []
    /// The run whose log is read, page by page, before anything else is taken; nil where all that came has been told.
    private var reading: String?
    /// Why there is nothing more; nil as long as there may be.
    public private(set) var end: SubscriptionEnd?

    init(_ filter: EventFilter, hub: EventHub, limit: Int) {
        self.filter = filter
        self.hub = hub
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
            if end == nil {
                if let run = reading {
                    await readOn(run)
                    // Others have their turn between two pages.
                    await Task.yield()
                } else {
                    switch await queue.takeFirst() {
                    case .message(let message): take(message)
                    case .end(let reason): end = reason
                    }
                }
            }
            if end != nil {
                hub.remove(ObjectIdentifier(queue))
                if ready.isEmpty { return nil }
            }
        }
    }

    private func take(_ message: SubscriptionQueue.Message) {
        switch message {
        case .piece(let piece):
            let cursor = cursor(of: piece)
            if let events = cursor.take(piece) { give(events, cursor) } else { reading = cursor.run }
        case .behind(let run, let plan, let after):
            if let plan, let cursor = cursors[run], cursor.plan.fingerprint != plan.fingerprint {
                cursors[run] = cursor.moved(to: plan)
            }
            if cursors[run] == nil, let plan, let after = seen.removeValue(forKey: run) ?? after {
                cursors[run] = RunCursor(run: run, plan: plan, after: after)
            }
            if cursors[run] != nil { reading = run }
        case .settled(let run):
            // A subscriber to all runs has no use for the cursor of one that is over or rests.
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

    private func cursor(of piece: LogPiece) -> RunCursor {
        if let known = cursors[piece.run] {
            if known.plan === piece.plan || known.plan.fingerprint == piece.plan.fingerprint { return known }
            let cursor = known.moved(to: piece.plan)
            cursors[piece.run] = cursor
            return cursor
        }
        // Of runs that began before the subscription only what follows is wanted.
        let cursor = RunCursor(
            run: piece.run, plan: piece.plan, after: max(piece.first, seen.removeValue(forKey: piece.run) ?? 0))
        cursors[piece.run] = cursor
        return cursor
    }

    private func give(_ events: [RunEvent], _ cursor: RunCursor) {
        let wanted = filter.types == nil ? events : events.filter { filter.admits(type: $0.name) }
        if !wanted.isEmpty { ready.append(.events(wanted)) }
        // Of a run that is driven here the notice that it has settled follows.
        if filter.run == cursor.run, cursor.isOver, !hub.isLive(cursor.run) { end = .over }
    }

    // MARK: Reading

    /// Reads the next page of what a run has more than its cursor.
    private func readOn(_ run: String) async {
        guard let cursor = cursors[run] else { return reading = nil }
        // What has not been read lies in the store, for whoever subscribes anew.
        if let reason = queue.end { return end = reason }
        do throws(JournalError) {
            switch try await cursor.read(hub) {
            case .events(let events): give(events, cursor)
            case .end(let header): caughtUp(cursor, header)
            case .moved: moved(cursor)
            case .missing:
                reading = nil
                // A run that has just been started here may not be in the store yet.
                if filter.run == run, !hub.isLive(run) { end = .over }
            }
        } catch {
            end = .failed(code: error.code, message: error.message)
        }
    }

    /// All that the store has of a run has been told.
    ///
    /// - Parameter header: of a run that is not over.
    private func caughtUp(_ cursor: RunCursor, _ header: RunHeader?) {
        reading = nil
        give([], cursor)
        // Nothing tells when a run settles that is not driven here.
        if hub.isLive(cursor.run) { return }
        if filter.run == nil { forget(cursor.run) }
        if filter.run == cursor.run, end == nil, header?.waitsForSomebody == true {
            ready.append(.settled(run: cursor.run))
        }
    }

    /// A run was moved to other code, whose nodes what follows in the store has. Who follows this run alone has to subscribe anew,
    /// with the plan that it has now; others go on as soon as a piece brings that plan.
    private func moved(_ cursor: RunCursor) {
        reading = nil
        if filter.run == cursor.run {
            end = .closed
        } else {
            cursors[cursor.run] = nil
            seen[cursor.run] = cursor.count
        }
    }
}
