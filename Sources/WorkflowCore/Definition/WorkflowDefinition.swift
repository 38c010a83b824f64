public import FlatValue

/// A workflow written in Swift, in the same form in which scripts give theirs.
///
/// Callbacks are slots: numbers, from 1, under which the embedder's executor knows its functions. Nothing is checked here;
/// reading the definition reports all that is wrong with it, with the `file:line` of the Swift code.
///
/// ```swift
/// let definition = WorkflowDefinition(id: "greet", nodes: [.step("hello", handler: 1)])
/// ```
public struct WorkflowDefinition: Sendable {
    /// The definition as the engine reads it.
    public let value: Value

    public init(
        id: String, description: String? = nil, inputSchema: Value? = nil, outputSchema: Value? = nil,
        metadata: Value? = nil, ctx: Value? = nil, telemetry: Value? = nil, finalize: UInt32? = nil,
        schedules: Value? = nil, flow: Value? = nil,
        tags: Value? = nil, hooks: Value? = nil, onSuccess: UInt32? = nil, onFailure: UInt32? = nil,
        onCancel: UInt32? = nil,
        nodes: [NodeDefinition],
        file: StaticString = #fileID, line: UInt = #line
    ) {
        var fields = NodeDefinition.Fields(kind: .workflow, id: id, description, file, line)
        fields.add("input_schema", inputSchema)
        fields.add("output_schema", outputSchema)
        fields.add("metadata", metadata)
        fields.add("ctx", ctx)
        fields.add("telemetry", telemetry)
        fields.add("finalize", slot: finalize)
        fields.add("schedules", schedules)
        for (key, value) in flow?.entries ?? [] { fields.add(key, value) }
        fields.add("tags", tags)
        fields.add("hooks", hooks)
        fields.add("on_success", slot: onSuccess)
        fields.add("on_failure", slot: onFailure)
        fields.add("on_cancel", slot: onCancel)
        fields.add("nodes", NodeDefinition.list(nodes))
        value = fields.value
    }
}

/// One node of a workflow written in Swift; see ``WorkflowDefinition``.
public struct NodeDefinition: Sendable {
    let value: Value

    /// Where a step goes on.
    public enum Next: Sendable {
        case to(String)
        /// The slot of a function that gives an id.
        case chosen(by: UInt32)
    }

    /// How long a delay takes.
    public enum Length: Sendable {
        case fixed(Duration)
        /// The slot of a function that gives a duration.
        case chosen(by: UInt32)
    }

    /// How a failed step is tried again; what is left out has the usual value.
    public struct Retry: Sendable {
        public var maxAttempts: Int
        public var backoff: String
        public var initial: Duration
        public var maximum: Duration
        public var factor: Double
        public var jitter: Double

        public init(
            maxAttempts: Int = 3, backoff: String = "exponential", initial: Duration = .milliseconds(200),
            maximum: Duration = .seconds(60), factor: Double = 2, jitter: Double = 0
        ) {
            self.maxAttempts = maxAttempts
            self.backoff = backoff
            self.initial = initial
            self.maximum = maximum
            self.factor = factor
            self.jitter = jitter
        }

        var value: Value {
            [
                "max_attempts": Value(Int64(maxAttempts)), "backoff": Value(backoff),
                "initial": Value(initial.inSeconds),
                "max": Value(maximum.inSeconds), "factor": Value(factor), "jitter": Value(jitter),
            ]
        }
    }

    static func list(_ nodes: [NodeDefinition]) -> Value { Value(array: nodes.map(\.value)) }

    /// Collects the keys of a node.
    struct Fields {
        private var entries: [(String, Value)]

        init(kind: NodeKind, id: String, _ description: String?, _ file: StaticString, _ line: UInt) {
            entries = [("kind", Value(kind.name)), ("id", Value(id)), ("where", Value("\(file):\(line)"))]
            add("description", description.map { Value($0) })
        }

        mutating func add(_ key: String, _ value: Value?) {
            if let value { entries.append((key, value)) }
        }

        mutating func add(_ key: String, slot: UInt32?) { add(key, slot.map { Value(Int64($0)) }) }

        mutating func add(_ key: String, _ duration: Duration?) { add(key, duration.map { Value($0.inSeconds) }) }

        var value: Value { Value(entries: entries) }
        var node: NodeDefinition { NodeDefinition(value: value) }
    }
}

extension Duration {
    fileprivate var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
