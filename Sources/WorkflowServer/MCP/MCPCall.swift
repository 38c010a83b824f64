internal import FlatValue
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// A tool's call that is under way.
final class MCPCall: Sendable {
    let params: Value
    /// Whether the client's user may be asked.
    let canAsk: Bool
    /// The span of the caller, as W3C's header; nil for none.
    let traceparent: String?
    let channel: MCPSession.Channel
    private let state = Mutex(State())

    private struct State {
        var isCancelled = false
        var reason: String?
        /// The run that the call began, once it has.
        var run: String?
        var question: MCPQuestion?
    }

    /// - Parameter traceparent: of the request that brought the call; what the call says of itself in `_meta` counts before it.
    init(_ params: Value, canAsk: Bool, traceparent: String?, _ channel: @escaping MCPSession.Channel) {
        self.params = params
        self.canAsk = canAsk
        let own = params["_meta"]?["traceparent"]?.string
        self.traceparent = own.flatMap { TraceParentText.parts(of: $0) == nil ? nil : $0 } ?? traceparent
        self.channel = channel
    }

    /// Whether the client gave the call up.
    var isCancelled: Bool { state.withLock { $0.isCancelled } }

    /// Gives the call up: its run is cancelled, and what is asked of a person needs no answer. Returns when the run has stopped.
    func cancel(in directory: RunDirectory, reason: String?) async {
        let (run, question) = state.withLock { state in
            state.isCancelled = true
            state.reason = reason
            return (state.run, state.question)
        }
        question?.end(Value?.none)
        if let run { await Self.cancel(run, in: directory, reason) }
    }

    /// Says which run the call began; one that was given up before is cancelled.
    func began(_ run: String, in directory: RunDirectory) async {
        let (isCancelled, reason) = state.withLock { state in
            state.run = run
            return (state.isCancelled, state.reason)
        }
        if isCancelled { await Self.cancel(run, in: directory, reason) }
    }

    private static func cancel(_ run: String, in directory: RunDirectory, _ reason: String?) async {
        // A run that was over before stays as it is.
        _ = try? await directory.cancel(run, reason: reason ?? "cancelled by the client")
    }

    /// - Returns: false for a call that has been given up.
    func begin(_ question: MCPQuestion) -> Bool {
        state.withLock { state in
            if state.isCancelled { return false }
            state.question = question
            return true
        }
    }
}

/// A request to the client, for the one task that waits for its answer.
final class MCPQuestion: Sendable {
    private let state = Mutex(State.open)

    private enum State {
        /// Nobody waits yet, and there is no answer.
        case open
        case waiting(CheckedContinuation<Value?, Never>)
        case ended(Value?)
    }

    /// Gives the answer, nil for none; the first one counts.
    func end(_ answer: Value?) {
        let waiter = state.withLock { state -> CheckedContinuation<Value?, Never>? in
            switch state {
            case .open:
                state = .ended(answer)
                return nil
            case .waiting(let waiter):
                state = .ended(answer)
                return waiter
            case .ended: return nil
            }
        }
        waiter?.resume(returning: answer)
    }

    /// Waits for the answer; nil for none, as when the task is cancelled.
    func answer() async -> Value? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer = state.withLock { state -> Value?? in
                    if case .ended(let answer) = state { return .some(answer) }
                    state = .waiting(continuation)
                    return .none
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            end(Value?.none)
        }
    }
}
