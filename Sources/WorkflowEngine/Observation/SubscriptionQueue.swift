internal import Platform
internal import Synchronization
internal import WorkflowCore

/// What lies ready for one subscriber: pieces of logs up to a bound of bytes.
///
/// Beyond the bound the pieces of a run are dropped and its id is kept instead: the subscriber then reads what it
/// lacks in the store. May be used from any thread; one task waits.
final class SubscriptionQueue: Sendable {
    enum Message: Sendable {
        case piece(LogPiece)
        /// Pieces of the run were dropped, or another process may have written some: the store has them.
        ///
        /// `after` is the event behind which whoever does not know the run begins; nil if they need not begin.
        case behind(String, Plan?, after: Int?)
        /// The run is over, or waits for a person or a signal.
        case settled(String)
        case transient(TransientEvent)
        /// A run has something that can be fetched.
        case news(RunPull)
        case nudge
        /// Whoever takes opens the gate when everything before it has been dealt with; it is open once nothing is taken any more.
        case mark(Gate)
    }

    private let state = Mutex(State())
    private let limit: Int

    fileprivate struct State {
        var messages: [Message] = []
        /// How many of those in front have been taken.
        var taken = 0
        var bytes = 0
        var behind: Set<String> = []
        var end: SubscriptionEnd?
        var waiter: CheckedContinuation<Void, Never>?
    }

    init(limit: Int) { self.limit = limit }

    func post(_ message: Message) {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard state.end == nil else {
                if case .mark(let gate) = message { gate.open() }
                return nil
            }
            switch message {
            case .piece(let piece):
                if state.behind.contains(piece.run) { return nil }
                if state.bytes + piece.byteCount > limit {
                    state.behind.insert(piece.run)
                    state.messages.append(.behind(piece.run, piece.plan, after: piece.first))
                } else {
                    state.bytes += piece.byteCount
                    state.messages.append(message)
                }
            case .behind(let run, _, _):
                if !state.behind.insert(run).inserted { return nil }
                state.messages.append(message)
            case .nudge:
                // One is as good as many for whoever is slow.
                if case .nudge? = state.messages.last { return nil }
                state.messages.append(message)
            case .settled(let run):
                if case .settled(run)? = state.messages.last { return nil }
                state.messages.append(message)
            case .news, .mark: state.messages.append(message)
            case .transient(let event):
                // Nobody can read it elsewhere, and nobody is promised it.
                if state.bytes + event.byteCount > limit { return nil }
                state.bytes += event.byteCount
                state.messages.append(message)
            }
            return state.waiter.take()
        }
        waiter?.resume()
    }

    /// No message comes any more; those that are there are still taken. The first reason counts.
    func finish(_ end: SubscriptionEnd) {
        let waiter = state.withLock { state in
            if state.end == nil { state.end = end }
            return state.waiter.take()
        }
        waiter?.resume()
    }

    /// Why no message comes any more; nil as long as some may.
    var end: SubscriptionEnd? { state.withLock(\.end) }

    /// What ``takeFirst()`` gives.
    enum First {
        case message(Message)
        case end(SubscriptionEnd)
    }

    /// Takes what has been there longest, or waits until there is something; the reason once there will be nothing more.
    func takeFirst() async -> First {
        while true {
            let taken = state.withLock { state -> First? in
                if let message = state.removeFirst() { return .message(message) }
                return state.end.map { .end($0) }
            }
            if let taken { return taken }
            if Task.isCancelled { return .end(.cancelled) }
            await wait()
        }
    }

    /// Takes what is there, or waits until there is something; the reason once there will be nothing more.
    func take() async -> (messages: [Message], end: SubscriptionEnd?) {
        while true {
            let taken = state.withLock { state -> ([Message], SubscriptionEnd?)? in
                guard !state.messages.isEmpty || state.end != nil else { return nil }
                defer {
                    state.messages = []
                    state.taken = 0
                    state.behind = []
                    state.bytes = 0
                }
                return (Array(state.messages[state.taken...]), state.end)
            }
            if let taken { return taken }
            if Task.isCancelled { return ([], .cancelled) }
            await wait()
        }
    }

    /// Waits until there is something, or the task is cancelled.
    private func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    if !state.messages.isEmpty || state.end != nil || Task.isCancelled { return true }
                    state.waiter = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiter.take() }?.resume()
        }
    }
}

extension SubscriptionQueue.State {
    fileprivate mutating func removeFirst() -> SubscriptionQueue.Message? {
        guard taken < messages.count else { return nil }
        let first = messages[taken]
        // It is not to live until the others have been taken.
        messages[taken] = .nudge
        taken += 1
        if taken == messages.count {
            messages.removeAll(keepingCapacity: messages.capacity <= 64)
            taken = 0
        } else if taken >= 64, taken * 2 > messages.count {
            messages.removeFirst(taken)
            taken = 0
        }
        switch first {
        case .piece(let piece): bytes -= piece.byteCount
        case .transient(let event): bytes -= event.byteCount
        case .behind(let run, _, _): behind.remove(run)
        case .settled, .news, .nudge, .mark: break
        }
        return first
    }
}
