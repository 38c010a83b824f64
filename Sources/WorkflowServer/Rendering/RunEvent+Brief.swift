internal import FlatValue
internal import WorkflowCore

extension RunEvent {
    /// The envelope for those who know the run and ask for the values of single steps: without `runId` and `workflowId`,
    /// of steps without `metadata`, and without what they got and gave.
    var brief: Value {
        var entries: [(String, Value)] = [
            ("type", Value(name)), ("sequence", Value(Int64(sequence))), ("timestamp", Value(timestamp)),
        ]
        if let stepID { entries.append(("stepId", Value(stepID))) }
        if let path { entries.append(("path", Value(path))) }
        if let attempt { entries.append(("attempt", Value(Int64(attempt)))) }
        if let occurrence { entries.append(("occurrence", Value(Int64(occurrence)))) }
        if stepID == nil { entries.append(("metadata", metadata)) }
        if let data, kind != .stepStart, kind != .stepSuccess { entries.append(("data", data)) }
        return Value(entries: entries)
    }
}
