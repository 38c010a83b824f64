package import Platform
internal import Synchronization
package import WorkflowCore

/// Gives the events of all runs of an engine to any number of subscribers.
///
/// Workers publish what is durable, as bytes; subscribers render it in their own tasks. With no subscriber it costs a
/// worker one load. A subscriber that falls behind by more than its buffer reads the store.
public final class EventHub: Sendable {
    let store: any RunStore
    /// The logs that subscribers read who are behind.
    let logs: SharedLogs
    /// Who renders many events waits for a turn, so that a processor is left for everybody else.
    package let turns = TurnLimit(Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))) - 1)
    private let state = Mutex(State())
    private let count = Atomic<Int>(0)
    private let watchesSettled = Atomic<Bool>(false)
    private let poller: StorePoller

    private struct State {
        /// Subscribers to one run each, by the run.
        var byRun: [String: [ObjectIdentifier: Entry]] = [:]
        var all: [ObjectIdentifier: Entry] = [:]
        var runs: [ObjectIdentifier: String] = [:]
        var isClosed = false
        weak var live: LiveRuns?
        var settled: (@Sendable (RunRecord) -> Void)?
    }

    private struct Entry {
        let queue: SubscriptionQueue
        let filter: EventFilter
    }

    init(_ store: any RunStore) {
        self.store = store
        logs = SharedLogs(store)
        poller = StorePoller(store)
    }

    /// Says where the runs of the engine are found; called once, before there is a run.
    func attach(_ live: LiveRuns) { state.withLock { $0.live = live } }

    /// How many subscribers there are.
    public var subscriberCount: Int { count.load(ordering: .relaxed) }

    // MARK: Subscribing

    /// Subscribes to runs of this engine, from now on.
    ///
    /// - Parameter buffer: how many bytes may wait for the subscriber before it has to read the store.
    public func subscribe(_ filter: EventFilter = EventFilter(), buffer: Int = 1 << 20) -> EventSubscription {
        let subscription = EventSubscription(filter, hub: self, limit: buffer)
        add(subscription)
        return subscription
    }

    /// Subscribes to one run: first to what it has recorded after an event, then to what it goes on to record,
    /// wherever it is driven. It ends when the run is over.
    package func follow(
        _ run: String, plan: Plan, after sequence: Int = 0, buffer: Int = 1 << 15
    ) async -> EventSubscription {
        let subscription = EventSubscription(EventFilter(run: run), hub: self, limit: buffer)
        add(subscription)
        await subscription.begin(run, plan: plan, after: sequence)
        return subscription
    }

    private func add(_ subscription: EventSubscription) { add(subscription.queue, subscription.filter) }

    func add(_ queue: SubscriptionQueue, _ filter: EventFilter) {
        let entry = Entry(queue: queue, filter: filter)
        let key = ObjectIdentifier(entry.queue)
        let isClosed = state.withLock { state in
            if state.isClosed { return true }
            if let run = entry.filter.run {
                state.byRun[run, default: [:]][key] = entry
                state.runs[key] = run
            } else {
                state.all[key] = entry
            }
            return false
        }
        if isClosed { return entry.queue.finish(.closed) }
        count.add(1, ordering: .relaxed)
        if let run = entry.filter.run { poller.add(run, entry.queue) { [weak self] in self?.isLive(run) != true } }
    }

    func remove(_ key: ObjectIdentifier) {
        let wasThere = state.withLock { state in
            if state.all.removeValue(forKey: key) != nil { return true }
            guard let run = state.runs.removeValue(forKey: key) else { return false }
            state.byRun[run]?[key] = nil
            if state.byRun[run]?.isEmpty == true { state.byRun[run] = nil }
            return true
        }
        if wasThere {
            count.subtract(1, ordering: .relaxed)
            poller.remove(key)
        }
    }

    /// Ends all subscriptions, once they have taken what lies ready, and those that come later.
    package func close() {
        let queues = state.withLock { state in
            state.isClosed = true
            return state.all.values.map(\.queue) + state.byRun.values.flatMap { $0.values.map(\.queue) }
        }
        for queue in queues { queue.finish(.closed) }
        poller.stop()
    }

    /// Whether the engine stops, and nobody is told anything more.
    var isClosed: Bool { state.withLock(\.isClosed) }

    func isLive(_ run: String) -> Bool { state.withLock { $0.live }?.find(run) != nil }

    // MARK: Publishing

    /// Publishes something that nobody records.
    public func publish(_ event: TransientEvent) {
        for queue in queues(run: event.runID, workflow: event.workflowID) { queue.post(.transient(event)) }
    }

    /// Publishes what a run has recorded and the store has; worker's thread.
    func publish(_ run: Run, from first: Int) {
        guard count.load(ordering: .relaxed) > 0 else { return }
        let queues = queues(run: run.id, workflow: run.plan.id)
        if !queues.isEmpty { post(run, from: first, to: queues) }
    }

    @inline(never)
    private func post(_ run: Run, from first: Int, to queues: [SubscriptionQueue]) {
        let end = run.log.count
        let piece = LogPiece.take(run.log, of: run.id, run.plan, from: first, before: end, .news)
        for queue in queues {
            if let piece, piece.end == end {
                queue.post(.piece(piece))
            } else {
                queue.post(.behind(run.id, run.plan, after: first))
            }
        }
    }

    /// Calls `body` with each run that is over or waits for somebody, on the worker's thread, so it must be quick. One
    /// at a time can be set.
    package func onSettled(_ body: (@Sendable (RunRecord) -> Void)?) {
        state.withLock { $0.settled = body }
        watchesSettled.store(body != nil, ordering: .releasing)
    }

    /// Tells that a run is over or waits for somebody; worker's thread.
    func publishSettled(_ run: Run, _ record: RunRecord) {
        if watchesSettled.load(ordering: .acquiring) { state.withLock { $0.settled }?(record) }
        guard count.load(ordering: .relaxed) > 0 else { return }
        for queue in queues(run: run.id, workflow: run.plan.id) { queue.post(.settled(run.id)) }
    }

    /// Tells that a run is not driven here any more; any thread.
    ///
    /// - Parameter sequence: the newest event before what the store has got besides, for those who do not know the run; nil if
    ///   nothing has been written besides.
    func publishLost(_ run: String, plan: Plan, after sequence: Int? = nil) {
        for queue in queues(run: run, workflow: plan.id) { queue.post(.behind(run, plan, after: sequence)) }
    }

    @inline(never)
    private func queues(run: String, workflow: String) -> [SubscriptionQueue] {
        guard count.load(ordering: .relaxed) > 0 else { return [] }
        return state.withLock { state in
            var queues: [SubscriptionQueue] = []
            for entry in (state.byRun[run] ?? [:]).values
            where entry.filter.admits(run: run, workflow: workflow) { queues.append(entry.queue) }
            for entry in state.all.values where entry.filter.admits(run: run, workflow: workflow) {
                queues.append(entry.queue)
            }
            return queues
        }
    }
}
