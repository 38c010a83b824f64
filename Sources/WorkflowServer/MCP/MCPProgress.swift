internal import FlatValue
internal import WorkflowCore

/// Tells a client of a run's steps as they begin and end: at most one notification for what came at once, and few a second.
struct MCPProgress {
    private let token: Value
    private var steps: Int64 = 0
    private var told = ContinuousClock.Instant.now - interval

    private static let interval = Duration.milliseconds(50)
    /// The events that move a run on.
    private static let names: [RunEventType: String] = [
        "step:start": "began", "step:success": "done", "step:error": "failed", "step:retry": "tries again",
        "step:human:requested": "waits for a person", "step:waiting": "waits", "step:event": "says",
    ]

    /// - Returns: nil where the client asked for no progress.
    init?(_ params: Value) {
        guard let token = params["_meta"]?["progressToken"], token.string != nil || token.int != nil else { return nil }
        self.token = token
    }

    /// The notification for events that came; nil where there is nothing to tell now.
    mutating func take(_ events: [RunEvent], at now: ContinuousClock.Instant = .now) -> Value? {
        let known = events.filter { Self.names[$0.type] != nil }
        steps += Int64(known.count)
        guard let last = known.last, now - told >= Self.interval || last.type == "step:human:requested" else {
            return Value?.none
        }
        told = now
        return [
            "jsonrpc": "2.0", "method": "notifications/progress",
            "params": [
                "progressToken": token, "progress": Value(steps), "message": Value(Self.message(last)),
            ],
        ]
    }

    private static func message(_ event: RunEvent) -> String {
        let place = event.path ?? event.stepID ?? event.workflowID
        guard event.type == "step:event" else { return "\(place) \(names[event.type] ?? "")" }
        let text = event.data?.json ?? ""
        return "\(place): " + (text.utf8.count > 500 ? String(text.prefix(500)) + "…" : text)
    }
}
