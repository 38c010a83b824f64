internal import FlatValue
internal import WorkflowCore

/// Writes what spans of a run say: names, attributes, events, statuses.
struct SpanWriter {
    let plan: Plan
    let runID: String
    let settings: TraceSettings
    let redaction: Redaction
    /// Microseconds since 1970.
    let now: Int64

    private var traceName: String { settings.name ?? plan.id }

    // MARK: Descriptions

    func describeRun(_ span: inout Span, input: Value?) {
        describeTrace(&span.attributes)
        var attributes = span.attributes
        attributes[Names.workflow + "id"] = .string(plan.id)
        attributes[Names.workflow + "run_id"] = .string(runID)
        attributes.set(Names.workflow + "description", plan.details[0].description)
        attributes.set(Names.workflow + "user_id", settings.userID)
        attributes["name"] = .string(traceName)
        for (key, value) in settings.metadata { attributes[Names.workflow + "metadata." + key] = value.attribute }
        if !settings.metadata.isEmpty {
            attributes["metadata"] = .string(Value(entries: settings.metadata.map { ($0.key, $0.value) }).json)
        }
        attributes[Names.operation] = .string("invoke_workflow")
        attributes[Names.workflowName] = .string(plan.id)
        attributes.set(Names.conversation, settings.sessionID)
        attributes[Names.observationType] = .string("chain")
        if settings.recordsInputs, let input {
            let text = redaction.redact(input).recordedText
            for key in [Names.workflow + "input", "input", Names.observationInput] { attributes[key] = .string(text) }
        }
        span.attributes = attributes
    }

    /// - Parameter input: what the step was given; tools get the call that a model made of them.
    func describeStep(
        _ entry: inout SpanBuilder.OpenSpan, group: (id: String, branch: Value)?, input: Value?
    ) {
        let node = plan.nodes[Int(entry.node)]
        let details = plan.details[Int(entry.node)]
        entry.span.name = "\(traceName).step.\(details.id)"
        describeTrace(&entry.span.attributes)
        var attributes = entry.span.attributes
        attributes[Names.step + "id"] = .string(details.id)
        attributes[Names.step + "path"] = .string(entry.path)
        attributes[Names.step + "occurrence"] = .int(Int64(entry.occurrence))
        attributes[Names.step + "attempt"] = .int(Int64(entry.attempt))
        attributes[Names.step + "kind"] = .string(node.kind == .human ? "human" : "automatic")
        attributes.set(Names.step + "description", details.description)
        if let group {
            attributes[Names.step + "parallel_group_id"] = .string(group.id)
            attributes[Names.step + "parallel_branch_id"] = group.branch.attribute
        }
        attributes[Names.observationType] = .string(node.bodyCount > 0 ? "chain" : "span")
        switch details.role {
        case .agent:
            entry.span.name = "invoke_agent \(details.id)"
            attributes[Names.operation] = .string("invoke_agent")
            attributes[Names.agentName] = .string(details.id)
            attributes[Names.agentID] = .string(details.id)
            attributes.set(Names.agentDescription, details.description)
            attributes[Names.observationType] = .string("agent")
        case .tool:
            let name = input?["name"]?.string ?? details.id
            entry.span.name = "execute_tool \(name)"
            attributes[Names.operation] = .string("execute_tool")
            attributes[Names.toolName] = .string(name)
            attributes[Names.toolType] = .string("function")
            attributes.set(Names.toolCallID, input?["id"]?.string)
            attributes.set(Names.toolDescription, details.description)
            attributes[Names.observationType] = .string("tool")
        case .model, nil: break
        }
        entry.span.attributes = attributes
    }

    /// What every span of the trace says.
    private func describeTrace(_ attributes: inout Attributes) {
        // What most spans have.
        attributes.reserve(24)
        attributes[Names.traceName] = .string(traceName)
        for key in [Names.langfuseUser, Names.user] { attributes.set(key, settings.userID) }
        for key in [Names.langfuseSession, Names.session] { attributes.set(key, settings.sessionID) }
        if !settings.tags.isEmpty { attributes[Names.traceTags] = .strings(settings.tags) }
        for (key, value) in settings.metadata { attributes[Names.traceMetadata + key] = value.attribute }
        attributes.set(Names.environment, settings.environment)
        attributes[Names.level] = .string("DEFAULT")
    }

    func describeMade(_ span: inout Span, _ made: MadeSpan) {
        describeTrace(&span.attributes)
        switch made.content {
        case .model(let record, let input): describe(&span, model: record, input: input)
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
            attributes[key] = redaction.redact(value).attribute
        }
    }

    // MARK: Inputs and outputs

    /// What a step says of itself goes before what the workflow and the run say.
    private func records(_ key: String, _ usual: Bool, of node: NodeIndex) -> Bool {
        let own = plan.details[Int(node)].telemetry
        if own?.bool == false { return false }
        return own?[key]?.bool ?? usual
    }

    func record(input: Value?, of node: NodeIndex, in span: inout Span) {
        guard let input, records("record_inputs", settings.recordsInputs, of: node) else { return }
        let text = redaction.redact(input).recordedText
        span.attributes[Names.step + "input"] = .string(text)
        span.attributes[Names.observationInput] = .string(text)
    }

    func record(output: Value?, of node: NodeIndex, in span: inout Span) {
        guard let output, records("record_outputs", settings.recordsOutputs, of: node) else { return }
        let text = redaction.redact(output).recordedText
        span.attributes[Names.step + "output"] = .string(text)
        span.attributes[Names.observationOutput] = .string(text)
    }

    // MARK: Events and ends

    /// Something that the script emitted or logged; what it says is recorded as outputs are.
    func tell(_ told: Value?, _ kind: EventKind, _ node: NodeIndex, in span: inout Span) {
        var attributes = Attributes()
        if kind == .log { attributes.set(Names.logLevel, told?["level"]?.string) }
        if records("record_outputs", settings.recordsOutputs, of: node) {
            let content = kind == .log ? "message" : "payload"
            if let value = told?[content] {
                let told = redaction.redact(value)
                attributes[kind == .log ? Names.logMessage : content] = .string(told.string ?? told.recordedText)
            }
        }
        let name = kind == .log ? Names.log : told?["name"]?.string ?? "event"
        span.events.append(Span.Event(name: name, time: now, attributes: attributes))
    }

    func succeed(_ span: inout Span, _ output: Value?) {
        span.status = .ok
        guard settings.recordsOutputs, let output else { return }
        let text = redaction.redact(output).recordedText
        for key in [Names.workflow + "output", "output", Names.observationOutput] {
            span.attributes[key] = .string(text)
        }
    }

    func fail(_ span: inout Span, _ error: Value?) { fail(&span, error, at: now) }

    private func fail(_ span: inout Span, _ error: Value?, at time: Int64) {
        let code = error?["code"]?.string ?? "_OTHER"
        let message = redaction.redact(error?["message"]?.string ?? "failed")
        span.status = .error(message)
        span.attributes[Names.errorType] = .string(code)
        span.attributes[Names.level] = .string("ERROR")
        span.attributes[Names.statusMessage] = .string(message)
        var attributes: Attributes = [Names.exceptionType: .string(code), Names.exceptionMessage: .string(message)]
        attributes.set(Names.exceptionTrace, error?["traceback"]?.string.map { redaction.redact($0) })
        span.events.append(Span.Event(name: Names.exception, time: time, attributes: attributes))
    }

    func cancel(_ span: inout Span, reason: String?) {
        span.attributes[Names.level] = .string("WARNING")
        span.attributes[Names.statusMessage] = .string(reason ?? "cancelled")
        var attributes = Attributes()
        attributes.set("reason", reason)
        span.events.append(Span.Event(name: Names.cancelled, time: now, attributes: attributes))
    }
}
