internal import Synchronization
internal import WorkflowEngine

/// Tells of an endpoint that does not take what it is sent: at once the first time, then once a minute.
final class Troubles: Sendable {
    /// Microseconds.
    private static let interval: Int64 = 60_000_000

    private let endpoint: String
    /// What is sent to it, as `spans`.
    private let things: String
    private let warn: @Sendable (String) -> Void
    private let state = Mutex(State())

    private struct State {
        /// When it was last told, in microseconds since 1970.
        var toldAt: Int64 = 0
        /// Spans that were dropped and not told of.
        var dropped = 0
        var reason = ""
    }

    init(endpoint: String, things: String = "spans", warn: @escaping @Sendable (String) -> Void) {
        self.endpoint = endpoint
        self.things = things
        self.warn = warn
    }

    /// Spans were given up.
    func drop(_ count: Int, _ reason: String) { note(count, reason, isLast: false) }

    /// A request failed and is sent again.
    func retry(_ reason: String) { note(0, reason, isLast: false) }

    /// Tells of what was dropped since it was last told.
    func finish() {
        if state.withLock({ $0.dropped > 0 }) { note(0, state.withLock { $0.reason }, isLast: true) }
    }

    private func note(_ count: Int, _ reason: String, isLast: Bool) {
        let now = SystemClock().now()
        let dropped = state.withLock { state -> Int? in
            state.dropped += count
            state.reason = reason
            guard isLast || now - state.toldAt >= Self.interval else { return nil }
            state.toldAt = now
            defer { state.dropped = 0 }
            return state.dropped
        }
        guard let dropped else { return }
        warn("telemetry: \(endpoint): \(reason)" + (dropped > 0 ? "; \(dropped) \(things) were dropped" : ""))
    }
}
