public import FlatValue

/// One event of a run, as watchers get it.
///
/// ``value`` is the event in the form in which it leaves the engine: AI Kit's envelope and data shapes, in camelCase.
public struct RunEvent: Sendable, Equatable {
    public let type: RunEventType
    /// The name of ``type``, such as `step:start`.
    package var name: String { type.rawValue }
    package let kind: EventKind
    public var workflowID: String
    public var runID: String
    /// Grows from event to event of a run; what only the journal keeps leaves gaps.
    public var sequence: Int
    /// Milliseconds since 1970.
    public var timestamp: Int64
    public var stepID: String?
    /// The place in the run, such as `enrich[3]/translate`.
    public var path: String?
    public var attempt: Int?
    public var occurrence: Int?
    /// The run's metadata at that moment.
    public var metadata: Value
    public var data: Value?
    public var parallelGroupID: String?
    /// The name of the branch; its 1-based index in a list of branches.
    public var parallelBranchID: Value?
    /// What keeps secrets out of the event where it is shown, as far as the run had told them by then; nil for a run whose schemas
    /// call nothing secret, or where nobody has looked.
    package var redaction: Redaction?

    /// The envelope: `{ type, workflowId, runId, sequence, timestamp, stepId?, path?, … }`.
    public var value: Value {
        Value { arena in
            let object = arena.beginObject()
            var count = 0
            arena.writeEntry("type", name, &count)
            arena.writeEntry("workflowId", workflowID, &count)
            arena.writeEntry("runId", runID, &count)
            arena.writeEntry("sequence", sequence, &count)
            arena.writeEntry("timestamp", Int(timestamp), &count)
            arena.writeEntry("stepId", stepID, &count)
            arena.writeEntry("path", path, &count)
            arena.writeEntry("attempt", attempt, &count)
            arena.writeEntry("occurrence", occurrence, &count)
            arena.writeEntry("metadata", metadata, &count)
            arena.writeEntry("data", data, &count)
            arena.writeEntry("parallelGroupId", parallelGroupID, &count)
            arena.writeEntry("parallelBranchId", parallelBranchID, &count)
            arena.end(object, count: count)
        }
    }

    /// The envelope as one line of JSON text.
    public var json: String { value.json }
}

/// Entries of an object under way; one without a value is left out.
extension ByteArena {
    fileprivate mutating func writeEntry(_ key: String, _ value: String?, _ count: inout Int) {
        guard let value else { return }
        writeKey(key)
        write(value)
        count += 1
    }

    fileprivate mutating func writeEntry(_ key: String, _ value: Int?, _ count: inout Int) {
        guard let value else { return }
        writeKey(key)
        write(Int64(value))
        count += 1
    }

    fileprivate mutating func writeEntry(_ key: String, _ value: Value?, _ count: inout Int) {
        guard let value else { return }
        writeKey(key)
        write(value)
        count += 1
    }
}
