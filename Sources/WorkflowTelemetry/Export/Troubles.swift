internal import Synchronization
internal import WorkflowEngine

/// Tells of an endpoint that does not take what it is sent: at once the first time, then once a minute.
final class Troubles: Sendable {
    /// Microseconds.
    private static let interval: Int64 = 60_000_000

    private let endpoint: String
    /// What is sent to it.
    private let things: Things
    private let tell: @Sendable (String) -> Void
    private let state = Mutex(State())

    /// Words for what is sent.
    struct Things: Sendable {
        var one: String
        var many: String

        static let spans = Things(one: "span", many: "spans")
        static let logs = Things(one: "span with logs", many: "spans with logs")
        static let figures = Things(one: "figure", many: "figures")

        func count(_ number: Int) -> String { number == 1 ? "1 \(one) was" : "\(number) \(many) were" }
    }

    private struct State {
        /// When it was last told, in microseconds of the time that passes.
        var toldAt: Int64?
        /// Spans that were dropped and not told of.
        var dropped = 0
        /// All that were dropped.
        var lost = 0
        var reason = ""
    }

    init(endpoint: String, things: Things = .spans, warn: @escaping @Sendable (String) -> Void) {
        self.endpoint = endpoint
        self.things = things
        tell = warn
    }

    /// Spans were given up.
    func drop(_ count: Int, _ reason: String) {
        state.withLock { $0.lost = $0.lost.addingReportingOverflow(count).partialValue }
        note(count, reason, isLast: false)
    }

    /// How many have been given up since the beginning.
    var lost: Int { state.withLock(\.lost) }

    /// A request failed and is sent again.
    func retry(_ reason: String) { note(0, reason, isLast: false) }

    /// The server took all of it, and has something to say.
    func warn(_ reason: String) { note(0, reason, isLast: false) }

    /// Tells of what was dropped since it was last told.
    func finish() {
        let reason = state.withLock { $0.dropped > 0 ? $0.reason : nil }
        if let reason { note(0, reason, isLast: true) }
    }

    private func note(_ count: Int, _ reason: String, isLast: Bool) {
        // The time that passes: a clock that is set neither silences this nor has it told too often.
        let now = SystemClock().elapsed()
        let dropped = state.withLock { state -> Int? in
            state.dropped = state.dropped.addingReportingOverflow(count).partialValue
            state.reason = reason
            if !isLast, let toldAt = state.toldAt, now - toldAt < Self.interval { return nil }
            state.toldAt = now
            defer { state.dropped = 0 }
            return state.dropped
        }
        guard let dropped else { return }
        tell("telemetry: \(endpoint): \(reason)" + (dropped > 0 ? "; \(things.count(dropped)) dropped" : ""))
    }
}
