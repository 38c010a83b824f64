internal import Synchronization

/// Looks for what other processes write, for subscribers to runs that are not driven here: one look at the store for
/// all of them.
final class StorePoller: Sendable {
    private let store: any RunStore
    private let state = Mutex(State())

    private struct State {
        var entries: [ObjectIdentifier: Entry] = [:]
        var task: Task<Void, Never>?
        var isStopped = false
    }

    private struct Entry {
        let run: String
        let queue: SubscriptionQueue
        /// Whether the run is driven elsewhere, or by nobody.
        let isElsewhere: @Sendable () -> Bool
    }

    private static let interval = Duration.milliseconds(50)

    init(_ store: any RunStore) { self.store = store }

    func add(_ run: String, _ queue: SubscriptionQueue, isElsewhere: @escaping @Sendable () -> Bool) {
        state.withLock { state in
            guard !state.isStopped else { return }
            state.entries[ObjectIdentifier(queue)] = Entry(run: run, queue: queue, isElsewhere: isElsewhere)
            if state.task == nil { state.task = Task.detached { [weak self] in await self?.poll() } }
        }
    }

    func remove(_ key: ObjectIdentifier) { state.withLock { $0.entries[key] = nil } }

    func stop() {
        let task = state.withLock { state in
            state.isStopped = true
            state.entries = [:]
            return state.task.take()
        }
        task?.cancel()
    }

    private func poll() async {
        var changes: Int64?
        while !Task.isCancelled {
            let entries: [Entry]? = state.withLock { state in
                if state.entries.isEmpty {
                    state.task = nil
                    return nil
                }
                return Array(state.entries.values)
            }
            guard let entries else { return }
            let elsewhere = entries.filter { $0.isElsewhere() }
            // A store that cannot be asked is read instead, which tells the subscribers why.
            let now = elsewhere.isEmpty ? changes : try? await store.changeCount()
            if now == nil || now != changes {
                for entry in elsewhere { entry.queue.post(.behind(entry.run, nil, after: 0)) }
            }
            changes = now
            try? await Task.sleep(for: Self.interval)
        }
    }
}
