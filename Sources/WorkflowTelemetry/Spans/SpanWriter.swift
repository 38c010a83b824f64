internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// Writes what spans of a run say: names, attributes, events, statuses.
struct SpanWriter {
    let template: SpanTemplate
    let redaction: Redaction
    /// Microseconds since 1970.
    let now: Int64
    /// Whether more is said than figures are made of.
    let isFull: Bool

    private var settings: TraceSettings { template.settings }

    // MARK: Descriptions

    func describeRun(_ span: inout Span, input: Value?) {
        let plan = template.plan
        // What is secret in it may have been learnt since the span began.
        span.name = template.traceName
        var attributes = template.ofTrace
        attributes.reserve(24)
        attributes[Names.workflowID] = .string(template.workflow)
        attributes[Names.runID] = .string(template.runID)
        attributes.set(Names.workflow + "description", plan.details[0].description.map(SpanTemplate.text))
        attributes.set(Names.workflow + "user_id", settings.userID)
        attributes["name"] = .string(template.traceName)
        for (key, value) in settings.metadata { attributes[Names.workflow + "metadata." + key] = value.attribute }
        if !settings.metadata.isEmpty {
            attributes["metadata"] = .string(Value(entries: settings.metadata.map { ($0.key, $0.value) }).recordedText)
        }
        attributes[Names.operation] = .string("invoke_workflow")
        attributes[Names.workflowName] = .string(template.workflow)
        attributes.set(Names.conversation, settings.sessionID)
        attributes[Names.observationType] = .string("chain")
        if isFull, settings.recordsInputs, let input {
            let text = redaction.redact(input).recordedText
            for key in [Names.workflow + "input", "input", Names.observationInput] { attributes[key] = .string(text) }
        }
        span.attributes = attributes
    }

    /// Names a step's span, and says what its node and its place are.
    ///
    /// - Parameter input: what the step was given; tools get the call that a model made of them.
    func describe(_ span: inout Span, _ entry: SpanBuilder.OpenSpan, input: Value?) {
        let node = template.node(entry.node)
        span.name = node.name
        span.attributes = node.attributes
        // What most spans have.
        span.attributes.reserve(16)
        span.attributes[Names.stepPath] = .string(SpanTemplate.text(redaction.redact(entry.path)))
        span.attributes[Names.stepOccurrence] = .int(Int64(entry.occurrence))
        span.attributes[Names.stepAttempt] = .int(Int64(entry.attempt))
        if let group = entry.group {
            span.attributes[Names.stepGroup] = .string(redaction.redact(group.id))
            span.attributes[Names.stepBranch] = redaction.redact(group.branch).attribute
        }
        if template.plan.details[Int(entry.node)].role == .tool {
            let name = short(input?["name"]?.string ?? template.plan.details[Int(entry.node)].id)
            span.name = short("execute_tool \(name)")
            span.attributes[Names.toolName] = .string(name)
            span.attributes.set(Names.toolCallID, (input?["id"]?.string).map(short))
        }
    }

    func describeMade(_ span: inout Span, _ made: MadeSpan) {
        span.attributes = template.ofTrace
        switch made.content {
        case .model(let record, let input, let isWhole):
            describe(&span, model: record, input: input, isWhole: isWhole)
        case .http(let record): describe(&span, http: record)
        case .script(let attributes):
            span.attributes[Names.observationType] = .string("span")
            add(attributes, to: &span.attributes)
        }
        guard let failure = made.failure else { return }
        fail(&span, ["code": Value(failure.code), "message": Value(failure.message)], at: span.end)
    }

    /// Adds what a script says of a span.
    func add(_ own: Value?, to attributes: inout Attributes) {
        for (key, value) in own?.entries ?? [] where !Names.refusedKeys.contains(key) {
            attributes.setOwn(redaction.redact(key), redaction.redact(value).attribute)
        }
    }

    /// A name that a script, a model or a server has given: without secrets, and cut.
    func short(_ name: String) -> String { RecordedContent.cut(redaction.redact(name), to: Span.nameLimit) }

    // MARK: Inputs and outputs

    func record(input: Value?, of node: NodeIndex, in span: inout Span) {
        guard isFull, let input, template.node(node).recordsInputs else { return }
        let text = redaction.redact(input).recordedText
        span.attributes[Names.stepInput] = .string(text)
        span.attributes[Names.observationInput] = .string(text)
    }

    /// - Parameter output: gives what the step gave; called only where that is recorded.
    func record(output: () -> Value?, of node: NodeIndex, in span: inout Span) {
        let node = template.node(node)
        guard isFull, node.recordsOutputs, let output = output() else { return }
        let text = shown(output, withQuestions: node.recordsInputs).recordedText
        span.attributes[Names.stepOutput] = .string(text)
        span.attributes[Names.observationOutput] = .string(text)
    }

    /// - Parameter withQuestions: whether what models were asked is shown as well.
    private func shown(_ output: Value, withQuestions: Bool) -> Value {
        redaction.redact(withQuestions || !template.plan.hasAgents ? output : output.withoutQuestions)
    }

    // MARK: Events and ends

    /// Something that the script emitted or logged; what it says is recorded as outputs are.
    func tell(_ told: Value?, _ kind: EventKind, at time: Int64, _ node: NodeIndex, in span: inout Span) {
        var attributes = Attributes()
        if kind == .log { attributes.set(Names.logLevel, told?["level"]?.string) }
        if template.node(node).recordsOutputs {
            let content = kind == .log ? "message" : "payload"
            if let value = told?[content] {
                let told = redaction.redact(value)
                attributes[kind == .log ? Names.logMessage : content] = .string(told.recordedContent)
            }
        }
        let name = kind == .log ? Names.log : (told?["name"]?.string).map(short) ?? "event"
        span.events.append(Span.Event(name: name, time: time, attributes: attributes))
    }

    func succeed(_ span: inout Span, _ output: Value?) {
        span.status = .ok
        guard isFull, settings.recordsOutputs, let output else { return }
        let text = shown(output, withQuestions: settings.recordsInputs).recordedText
        for key in [Names.workflow + "output", "output", Names.observationOutput] {
            span.attributes[key] = .string(text)
        }
    }

    func fail(_ span: inout Span, _ error: Value?) { fail(&span, error, at: now) }

    private func fail(_ span: inout Span, _ error: Value?, at time: Int64) {
        let code = (error?["code"]?.string).map(short) ?? "_OTHER"
        let message = RecordedContent.cut(redaction.redact(error?["message"]?.string ?? "failed"))
        span.status = .error(message)
        span.attributes[Names.errorType] = .string(code)
        span.attributes[Names.level] = .string("ERROR")
        span.attributes[Names.statusMessage] = .string(message)
        var attributes: Attributes = [Names.exceptionType: .string(code), Names.exceptionMessage: .string(message)]
        attributes.set(
            Names.exceptionTrace,
            error?["traceback"]?.string.map { RecordedContent.cut(redaction.redact($0)) })
        span.events.append(Span.Event(name: Names.exception, time: time, attributes: attributes))
    }

    func cancel(_ span: inout Span, reason: String?) {
        let reason = reason.map { RecordedContent.cut(redaction.redact($0)) }
        span.attributes[Names.level] = .string("WARNING")
        span.attributes[Names.statusMessage] = .string(reason ?? "cancelled")
        var attributes = Attributes()
        attributes.set("reason", reason)
        span.events.append(Span.Event(name: Names.cancelled, time: now, attributes: attributes))
    }
}
