package import FlatValue

/// An error as events and results carry it: `{ code, message, retryable?, retry_after?, details?, step?, traceback? }`.
package struct ErrorObject: Error {
    package var code: String
    package var message: String
    package var retryable: Bool?
    package var details: Value?
    package var traceback: String?

    package init(code: String, message: String, retryable: Bool? = nil, details: Value? = nil, traceback: String? = nil)
    {
        self.code = code
        self.message = message
        self.retryable = retryable
        self.details = details
        self.traceback = traceback
    }

    package func write(into arena: inout ByteArena, step: String? = nil) -> Slice {
        var entries: [(String, Value)] = [("code", Value(code)), ("message", Value(message))]
        if let retryable { entries.append(("retryable", Value(retryable))) }
        if let details { entries.append(("details", details)) }
        if let step, !step.isEmpty { entries.append(("step", Value(step))) }
        if let traceback { entries.append(("traceback", Value(traceback))) }
        return arena.writing { $0.write(Value(entries: entries)) }
    }

    /// The longest wait that an error may ask for: a server's word must not hold a run up for years.
    static let longestRetryAfter: Int32 = 86_400_000

    /// The milliseconds that an error asks to wait before the next attempt, from `retry_after` (a duration); 0 for none.
    static func retryAfter(_ error: Value) -> Int32 {
        guard let given = error["retry_after"], let wait = DurationText.microseconds(given) else { return 0 }
        return min(Int32(clamping: wait / 1000 + (wait % 1000 > 0 ? 1 : 0)), longestRetryAfter)
    }

    /// The error with the path of the step that it belongs to, unless it names one.
    static func adding(step: String, to error: Slice, in arena: inout ByteArena) -> Slice {
        let value = Value(ValueCursor(arena[error]))
        guard value["step"] == nil, var entries = value.entries, !step.isEmpty else { return error }
        entries.append(("step", Value(step)))
        return arena.writing { $0.write(Value(entries: entries.map { ($0.key, $0.value) })) }
    }

    /// The error of a body as its construct passes it on: the message begins with the path of the step that failed.
    static func prefixed(_ error: Slice, in arena: inout ByteArena) -> Slice {
        let value = Value(ValueCursor(arena[error]))
        guard let step = value["step"]?.string, let message = value["message"]?.string, !message.hasPrefix(step + ": "),
            let entries = value.entries
        else { return error }
        let changed = entries.map { ($0.key, $0.key == "message" ? Value(step + ": " + message) : $0.value) }
        return arena.writing { $0.write(Value(entries: changed)) }
    }

    /// One error for several branches; its message names each, and `details.errors` has them all.
    static func combined(_ branches: [(String, Slice)], of total: Int, step: String, in arena: inout ByteArena) -> Slice
    {
        let errors = branches.map { ($0.0, Value(ValueCursor(arena[$0.1]))) }
        let messages = errors.map { "\($0.0): \($0.1["message"]?.string ?? "failed")" }
        let object = ErrorObject(
            code: "parallel_failed",
            message: "\(branches.count) of \(total) branches failed: " + messages.joined(separator: "; "),
            details: ["errors": Value(entries: errors)])
        return object.write(into: &arena, step: step)
    }
}
