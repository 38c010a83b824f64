package import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// What a workflow, and whoever starts its run, say of the run's trace.
///
/// `false` of either wins. Metadata is merged by key, the run's over the workflow's; of any other field the run's counts, then
/// the workflow's.
public struct TraceSettings: Sendable, Equatable {
    /// Whether there are spans at all.
    public var isOn = true
    /// The name of the trace; the workflow's id unless given.
    public var name: String?
    package var metadata: [(key: String, value: Value)] = []
    public var tags: [String] = []
    public var userID: String?
    public var sessionID: String?
    public var environment: String?
    /// Inputs and outputs are recorded where `telemetry` was given and does not refuse it.
    public var recordsInputs = false
    public var recordsOutputs = false

    public init() {}

    /// - Parameters:
    ///   - workflow: the `telemetry` of a workflow: a boolean, an object, nil or null.
    ///   - run: that of one run.
    package init(workflow: Value?, run: Value? = nil) {
        self.init()
        for value in [workflow, run].compactMap({ $0 }) {
            if value.bool == false { isOn = false }
            take(value)
        }
        let content = RecordedContent(workflow: workflow, run: run)
        (recordsInputs, recordsOutputs) = (content.inputs, content.outputs)
    }

    private mutating func take(_ value: Value) {
        name = value["trace_name"]?.string ?? name
        userID = value["user_id"]?.string ?? userID
        sessionID = value["session_id"]?.string ?? sessionID
        environment = value["environment"]?.string ?? environment
        if let tags = value["tags"]?.array { self.tags = tags.prefix(Self.limit).compactMap(\.string) }
        var merged = Dictionary(metadata.map { ($0.key, $0.value) }) { $1 }
        for (key, item) in value["metadata"]?.entries ?? []
        where !key.isEmpty && key.utf8.count <= Span.nameLimit && !Names.refusedKeys.contains(key) {
            merged[key] = item
        }
        // The table of a script has an order of its own in every process.
        metadata = merged.sorted { $0.key < $1.key }.prefix(Self.limit).map { ($0.key, $0.value) }
    }

    /// Tags, and entries of metadata: they stand on every span.
    private static let limit = 128

    /// The settings as spans show them: without what schemas call secret, and cut.
    func shown(without redaction: Redaction) -> TraceSettings {
        func short(_ text: String) -> String { RecordedContent.cut(redaction.redact(text), to: Span.nameLimit) }
        var shown = self
        shown.name = name.map(short)
        shown.userID = userID.map(short)
        shown.sessionID = sessionID.map(short)
        shown.environment = environment.map(short)
        shown.tags = tags.map(short)
        shown.metadata = metadata.map { (redaction.redact($0.key), redaction.redact($0.value)) }
        return shown
    }

    /// Whether there is anything that may have a secret in it.
    var saysMore: Bool {
        name != nil || userID != nil || sessionID != nil || environment != nil || !tags.isEmpty || !metadata.isEmpty
    }

    public static func == (left: TraceSettings, right: TraceSettings) -> Bool {
        left.isOn == right.isOn && left.name == right.name && left.tags == right.tags && left.userID == right.userID
            && left.sessionID == right.sessionID && left.environment == right.environment
            && left.recordsInputs == right.recordsInputs && left.recordsOutputs == right.recordsOutputs
            && left.metadata.elementsEqual(right.metadata) { $0.key == $1.key && $0.value == $1.value }
    }
}

extension Value {
    /// The value as an attribute: scalars as they are, all else as JSON text.
    var attribute: Attributes.Item {
        if let text = string { return .string(RecordedContent.cut(text)) }
        if let flag = bool { return .bool(flag) }
        if let number = int { return .int(number) }
        if let number = double { return .double(number) }
        return .string(recordedText)
    }

    /// A text as it is, anything else as JSON; what is cut off is marked.
    var recordedContent: String { string.map { RecordedContent.cut($0) } ?? recordedText }

    /// JSON text of at most 32 kB; what is cut off is marked.
    var recordedText: String { RecordedContent.text(of: self) }
}
