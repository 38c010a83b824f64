public import FlatValue
internal import WorkflowCore

/// Something that is told while it happens and kept nowhere, such as a piece of a model's answer; it has no sequence.
public struct TransientEvent: Sendable {
    public var type: String
    public var workflowID: String
    public var runID: String
    public var path: String?
    public var data: Value
    /// The schemas of the run call something secret, which the event may have a part of.
    package var mayHaveSecrets = false

    public init(type: String, workflowID: String, runID: String, path: String? = nil, data: Value) {
        self.type = type
        self.workflowID = workflowID
        self.runID = runID
        self.path = path
        self.data = data
    }

    var byteCount: Int { data.byteCount + 64 }

    /// The event in the form in which it leaves the engine.
    public var value: Value {
        var entries: [(String, Value)] = [
            ("type", Value(type)), ("workflowId", Value(workflowID)), ("runId", Value(runID)), ("data", data),
        ]
        if let path { entries.append(("path", Value(path))) }
        return Value(entries: entries)
    }
}
