package import FlatValue

/// The ids of runs that follow on each other: `nightly`, `nightly~2`, `nightly~3`.
package enum RunChain {
    /// The id of the run that follows on one.
    package static func next(after id: String) -> String {
        let (base, number) = split(id)
        return "\(base)~\(number + 1)"
    }

    /// The id of a run of a chain, by its number from 1.
    package static func id(_ base: String, _ number: Int) -> String { number == 1 ? base : "\(base)~\(number)" }

    /// The id of the first run of a chain, and the number of one of its runs, from 1.
    package static func split(_ id: String) -> (base: String, number: Int) {
        guard let mark = id.lastIndex(of: "~"), mark > id.startIndex else { return (id, 1) }
        let digits = id[id.index(after: mark)...]
        guard (1...15).contains(digits.utf8.count), digits.utf8.allSatisfy({ (48...57).contains($0) }),
            digits.first != "0", let number = Int(digits), number > 1
        else { return (id, 1) }
        return (String(id[..<mark]), number)
    }
}

/// What a run begins with that another one ended in favour of.
package struct Successor: Sendable {
    package let id: String
    package let input: Value
    /// As they were when that run ended.
    package let metadata: Value
    package let ctx: Value
    package let tags: RunTags
    package let trace: Value?
    /// How long it may take from its beginning, in microseconds; 0 for any time.
    package let timeout: Int64
}

extension RunMachine {
    /// The run that is to follow on this one; nil where none is.
    package func successor(from log: RunLog) -> Successor? {
        guard !restart.isNone, let id = log.value(restart)["run"]?.string else { return nil }
        return Successor(
            id: id, input: log.copy(restart)?["input"] ?? .null, metadata: log.copy(metadata) ?? plan.metadata,
            ctx: log.copy(ctx) ?? plan.ctx, tags: log.copy(tags).flatMap { try? RunTags($0) } ?? .none,
            trace: heldTrace(from: log), timeout: limits.timeout)
    }

    /// The caller of the run, as W3C's header, in whose trace it lies; nil for a trace of its own.
    package func traceparent(in log: RunLog) -> String? { trace.caller(in: log) }

    /// What a run is traced by that another one leads to: that one's telemetry, and its caller; nil for nothing.
    package func heldTrace(from log: RunLog) -> Value? {
        var entries: [(String, Value)] = []
        if let telemetry = log.copy(trace.given)?["telemetry"] { entries.append(("telemetry", telemetry)) }
        if let caller = traceparent(in: log) { entries.append(("traceparent", Value(caller))) }
        return entries.isEmpty ? Value?.none : Value(entries: entries)
    }

    /// The id of the run that follows on this one, once this one has ended in favour of it.
    package func successor(in log: RunLog) -> String? {
        guard ending == .workflowSuccess, !restart.isNone else { return nil }
        return log.value(restart)["run"]?.string
    }
}
