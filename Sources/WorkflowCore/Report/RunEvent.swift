/// One event of a run, as watchers get it.
///
/// ``value`` is the event in the form in which it leaves the engine: AI Kit's envelope and data shapes, in camelCase.
public struct RunEvent: Sendable, Equatable {
    /// The name, such as `step:start`.
    public var type: String { kind.name }
    package var kind: EventKind
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

    /// The envelope: `{ type, workflowId, runId, sequence, timestamp, stepId?, path?, … }`.
    public var value: Value {
        Value { arena in
            let object = arena.beginObject()
            var count = 0
            func key(_ name: String, _ arena: inout ByteArena) {
                arena.writeKey(name)
                count += 1
            }
            key("type", &arena)
            arena.write(type)
            key("workflowId", &arena)
            arena.write(workflowID)
            key("runId", &arena)
            arena.write(runID)
            key("sequence", &arena)
            arena.write(Int64(sequence))
            key("timestamp", &arena)
            arena.write(timestamp)
            if let stepID {
                key("stepId", &arena)
                arena.write(stepID)
            }
            if let path {
                key("path", &arena)
                arena.write(path)
            }
            if let attempt {
                key("attempt", &arena)
                arena.write(Int64(attempt))
            }
            if let occurrence {
                key("occurrence", &arena)
                arena.write(Int64(occurrence))
            }
            key("metadata", &arena)
            arena.write(metadata)
            if let data {
                key("data", &arena)
                arena.write(data)
            }
            if let parallelGroupID {
                key("parallelGroupId", &arena)
                arena.write(parallelGroupID)
            }
            if let parallelBranchID {
                key("parallelBranchId", &arena)
                arena.write(parallelBranchID)
            }
            arena.end(object, count: count)
        }
    }

    /// The envelope as one line of JSON text.
    public var json: String { value.json }
}
