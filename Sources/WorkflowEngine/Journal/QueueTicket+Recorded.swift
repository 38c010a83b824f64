internal import FlatValue
internal import WorkflowCore

extension QueueTicket {
    /// The ticket that a run's journal keeps as ``EventKind/queued``; what is not readable in it holds nothing back.
    init(recorded value: Value) {
        func key(_ name: String) -> String? { value[name]?["key"]?.string }
        func limit(_ name: String) -> Int { max(Int(clamping: value[name]?["limit"]?.int ?? 1), 1) }
        if let key = key("concurrency") { shares.append(Share(.concurrency, key: key, limit: limit("concurrency"))) }
        if let key = key("rateLimit") {
            let period = Self.microseconds(value["rateLimit"]?["period"])
            shares.append(Share(.rate, key: key, limit: limit("rateLimit"), period: max(period, 1000)))
        }
        if let key = key("singleton") {
            shares.append(Share(.singleton, key: key, limit: 1))
            onConflict = value["singleton"]?["onConflict"]?.string.flatMap { .init(rawValue: $0) } ?? .queue
        }
        debounce = key("debounce")
        let priority = value["priority"]?.int ?? 0
        self.priority = FlowControl.priorities.contains(priority) ? priority : 0
        readyAt = Self.microseconds(value["startAt"])
    }

    private static func microseconds(_ milliseconds: Value?) -> Int64 {
        let given = max(milliseconds?.int ?? 0, 0)
        return given.multipliedReportingOverflow(by: 1000).overflow ? 0 : given * 1000
    }

    /// The ticket with which a run keeps the places that it holds already: nothing keeps it from beginning.
    var held: QueueTicket {
        var ticket = self
        ticket.readyAt = 0
        ticket.debounce = nil
        ticket.onConflict = .queue
        // When it began counts for the rate of the store where it did.
        ticket.shares = shares.filter { $0.kind != .rate }.map { share in
            var share = share
            share.limit = Int(Int32.max)
            return share
        }
        return ticket
    }
}
