internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// What the spans of one run have in common, made once: what each of them says of the trace, and what those of a node say of it.
final class SpanTemplate {
    let plan: Plan
    let runID: String
    /// As spans show them.
    let settings: TraceSettings
    let traceName: String
    /// The workflow's id as spans have it.
    let workflow: String
    /// What every span of the trace says.
    let ofTrace: Attributes
    private var nodes: [OfNode?]
    /// How many secrets have been taken out of the settings; nil where there is nothing to take them out of.
    private let secretCount: Int?

    /// What all spans of a node say.
    struct OfNode {
        var name: String
        var attributes: Attributes
        var recordsInputs: Bool
        var recordsOutputs: Bool
    }

    init(_ plan: Plan, runID: String, settings: TraceSettings, redaction: Redaction) {
        self.plan = plan
        self.runID = runID
        secretCount = settings.saysMore ? redaction.count : nil
        let settings = settings.shown(without: redaction)
        self.settings = settings
        workflow = RecordedContent.cut(plan.id, to: Span.nameLimit)
        traceName = settings.name ?? workflow
        ofTrace = Self.ofTrace(settings, name: traceName)
        nodes = Array(repeating: nil, count: plan.nodes.count)
    }

    /// Whether more is known to be secret than what has been taken out.
    func isOutdated(by redaction: Redaction) -> Bool { secretCount.map { $0 != redaction.count } ?? false }

    func node(_ node: NodeIndex) -> OfNode {
        if let made = nodes[Int(node)] { return made }
        let made = make(node)
        nodes[Int(node)] = made
        return made
    }

    private static func ofTrace(_ settings: TraceSettings, name: String) -> Attributes {
        var attributes = Attributes()
        attributes[Names.traceName] = .string(name)
        for key in [Names.langfuseUser, Names.user] { attributes.set(key, settings.userID) }
        for key in [Names.langfuseSession, Names.session] { attributes.set(key, settings.sessionID) }
        if !settings.tags.isEmpty { attributes[Names.traceTags] = .strings(settings.tags) }
        for (key, value) in settings.metadata {
            let shown = value.attribute
            attributes[Names.traceMetadata + key] = shown.text.map { .string(text($0)) } ?? shown
        }
        attributes.set(Names.environment, settings.environment)
        attributes[Names.level] = .string("DEFAULT")
        return attributes
    }

    /// A text that stands on many spans.
    static func text(_ text: String) -> String { RecordedContent.cut(text, to: 4 * Span.nameLimit) }

    /// The id of a step as spans have it.
    func id(of node: NodeIndex) -> String { RecordedContent.cut(plan.details[Int(node)].id, to: Span.nameLimit) }

    private func make(_ index: NodeIndex) -> OfNode {
        let node = plan.nodes[Int(index)]
        let details = plan.details[Int(index)]
        var attributes = ofTrace
        let id = id(of: index)
        let description = details.description.map(Self.text)
        attributes[Names.stepID] = .string(id)
        attributes[Names.stepKind] = .string(node.kind == .human ? "human" : "automatic")
        attributes.set(Names.stepDescription, description)
        attributes[Names.observationType] = .string(node.bodyCount > 0 ? "chain" : "span")
        var name = RecordedContent.cut("\(traceName).step.\(id)", to: Span.nameLimit)
        switch details.role {
        case .agent:
            name = RecordedContent.cut("invoke_agent \(id)", to: Span.nameLimit)
            attributes[Names.operation] = .string("invoke_agent")
            attributes[Names.agentName] = .string(id)
            attributes[Names.agentID] = .string(id)
            attributes.set(Names.agentDescription, description)
            attributes[Names.observationType] = .string("agent")
        case .tool:
            attributes[Names.operation] = .string("execute_tool")
            attributes[Names.toolType] = .string("function")
            attributes.set(Names.toolDescription, description)
            attributes[Names.observationType] = .string("tool")
        case .model, nil: break
        }
        // What a step says of itself goes before what the workflow and the run say.
        func records(_ key: String, _ usual: Bool) -> Bool {
            if details.telemetry?.bool == false { return false }
            return details.telemetry?[key]?.bool ?? usual
        }
        return OfNode(
            name: name, attributes: attributes, recordsInputs: records("record_inputs", settings.recordsInputs),
            recordsOutputs: records("record_outputs", settings.recordsOutputs))
    }
}
