internal import Synchronization
internal import WorkflowEngine

/// Tells of an endpoint that does not take what it is sent: at once the first time, then once a minute.
final class Troubles: Sendable {
    /// Microseconds.
    private static let interval: Int64 = 60_000_000

    private let endpoint: String
    /// What is sent to it.
    private let things: Things
    private let leaves: Bool
    private let tell: @Sendable (String) -> Void
    private let state = Mutex(State())

    /// Words for what is sent.
    struct Things: Sendable {
        var one: String
        var many: String

        static let spans = Things(one: "span", many: "spans")
        static let logs = Things(one: "span with logs", many: "spans with logs")
        static let figures = Things(one: "figure", many: "figures")

        func count(_ number: Int) -> String { "\(number) \(number == 1 ? one : many)" }
    }

    private struct State {
        /// When it was last told, in microseconds of the time that passes.
        var toldAt: Int64?
        /// Spans that were given up and not told of.
        var untold = Counts()
        /// All that were given up.
        var lost = 0
        var reason = ""
    }

    /// What became of those that were given up.
    private struct Counts {
        var dropped = 0
        /// Those that another process sends.
        var left = 0

        static func + (left: Counts, right: Counts) -> Counts {
            Counts(
                dropped: left.dropped.addingReportingOverflow(right.dropped).partialValue,
                left: left.left.addingReportingOverflow(right.left).partialValue)
        }

        var isEmpty: Bool { dropped == 0 && left == 0 }

        func text(_ things: Things) -> String {
            func part(_ count: Int, _ what: String, isFirst: Bool) -> String? {
                if count == 0 { return nil }
                let number = isFirst ? things.count(count) : "\(count)"
                return "\(number) \(count == 1 ? "was" : "were") \(what)"
            }
            let parts = [
                part(dropped, "dropped", isFirst: true),
                part(left, "left to the next serve, mcp or runs recover", isFirst: dropped == 0),
            ]
            return parts.compactMap { $0 }.joined(separator: ", ")
        }
    }

    /// - Parameter leaves: whether what could not be sent is left to another process.
    init(endpoint: String, things: Things = .spans, leaves: Bool = false, warn: @escaping @Sendable (String) -> Void) {
        self.endpoint = endpoint
        self.things = things
        self.leaves = leaves
        tell = warn
    }

    /// Spans were given up for good.
    func drop(_ count: Int, _ reason: String) { giveUp(count, Counts(dropped: count), reason) }

    /// Spans could not be sent.
    func leave(_ count: Int, _ reason: String) {
        giveUp(count, leaves ? Counts(left: count) : Counts(dropped: count), reason)
    }

    private func giveUp(_ count: Int, _ counts: Counts, _ reason: String) {
        state.withLock { $0.lost = $0.lost.addingReportingOverflow(count).partialValue }
        note(counts, reason, isLast: false)
    }

    /// How many have been given up since the beginning.
    var lost: Int { state.withLock(\.lost) }

    /// A request failed and is sent again.
    func retry(_ reason: String) { note(Counts(), reason, isLast: false) }

    /// The server took all of it, and has something to say.
    func warn(_ reason: String) { note(Counts(), reason, isLast: false) }

    /// Tells of what was given up since it was last told.
    func finish() {
        let reason = state.withLock { $0.untold.isEmpty ? nil : $0.reason }
        if let reason { note(Counts(), reason, isLast: true) }
    }

    private func note(_ counts: Counts, _ reason: String, isLast: Bool) {
        // The time that passes: a clock that is set neither silences this nor has it told too often.
        let now = SystemClock().elapsed()
        let untold = state.withLock { state -> Counts? in
            state.untold = state.untold + counts
            state.reason = reason
            if !isLast, let toldAt = state.toldAt, now - toldAt < Self.interval { return nil }
            state.toldAt = now
            defer { state.untold = Counts() }
            return state.untold
        }
        guard let untold else { return }
        tell("telemetry: \(endpoint): \(reason)" + (untold.isEmpty ? "" : "; " + untold.text(things)))
    }
}
