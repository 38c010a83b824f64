internal import Platform
internal import Synchronization
internal import WorkflowCore

/// What lies ready for one subscriber: pieces of logs up to a bound of bytes.
///
/// Beyond the bound the pieces of a run are dropped and its id is kept instead: the subscriber then reads what it
/// lacks in the store. May be used from any thread; one task waits.
final class SubscriptionQueue: Sendable {
    enum Message: Sendable {
        case chunk(RunChunk)
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

    private struct State {
        var messages: [Message] = []
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
            case .chunk(let chunk):
                if state.behind.contains(chunk.run) { return nil }
                if state.bytes + chunk.byteCount > limit {
                    state.behind.insert(chunk.run)
                    state.messages.append(.behind(chunk.run, chunk.plan, after: chunk.first))
                } else {
                    state.bytes += chunk.byteCount
                    state.messages.append(message)
                }
            case .behind(let run, _, _):
                if !state.behind.insert(run).inserted { return nil }
                state.messages.append(message)
            case .settled, .news, .nudge, .mark: state.messages.append(message)
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

    /// Takes what is there, or waits until there is something; the reason once there will be nothing more.
    func take() async -> (messages: [Message], end: SubscriptionEnd?) {
        while true {
            let taken = state.withLock { state -> ([Message], SubscriptionEnd?)? in
                guard !state.messages.isEmpty || state.end != nil else { return nil }
                defer {
                    state.messages = []
                    state.behind = []
                    state.bytes = 0
                }
                return (state.messages, state.end)
            }
            if let taken { return taken }
            if Task.isCancelled { return ([], .cancelled) }
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
}
