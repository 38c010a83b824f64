public import FlatValue

extension NodeDefinition {
    /// A step that calls `handler`, and `compensate` with its output to undo it when the run fails or is cancelled later.
    public static func step(
        _ id: String, description: String? = nil, handler: UInt32, inputSchema: Value? = nil,
        outputSchema: Value? = nil,
        next: Next? = nil, retry: Retry? = nil, timeout: Duration? = nil, compensate: UInt32? = nil,
        file: StaticString = #fileID, line: UInt = #line
    ) -> NodeDefinition {
        var fields = Fields(kind: .step, id: id, description, file, line)
        fields.add("handler", slot: handler)
        fields.add("input_schema", inputSchema)
        fields.add("output_schema", outputSchema)
        switch next {
        case .to(let target): fields.add("next", Value(target))
        case .chosen(let slot): fields.add("next", slot: slot)
        case nil: break
        }
        fields.add("retry", retry?.value)
        fields.add("timeout", timeout)
        fields.add("compensate", slot: compensate)
        return fields.node
    }

    /// A branch whose `resolve` names one of the cases.
    public static func branch(
        _ id: String, description: String? = nil, resolve: UInt32, cases: [String: [NodeDefinition]],
        otherwise: [NodeDefinition]? = nil, file: StaticString = #fileID, line: UInt = #line
    ) -> NodeDefinition {
        var fields = Fields(kind: .branch, id: id, description, file, line)
        fields.add("resolve", slot: resolve)
        fields.add("cases", named(cases))
        fields.add("otherwise", otherwise.map(list))
        return fields.node
    }

    /// A loop that runs its body while `condition` holds.
    public static func loop(
        _ id: String, description: String? = nil, condition: UInt32, maxIterations: Int? = nil,
        prepareNextInput: UInt32? = nil,
        collect: UInt32? = nil, body: [NodeDefinition], file: StaticString = #fileID, line: UInt = #line
    ) -> NodeDefinition {
        var fields = Fields(kind: .loop, id: id, description, file, line)
        fields.add("condition", slot: condition)
        fields.add("max_iterations", maxIterations.map { Value(Int64($0)) })
        fields.add("prepare_next_input", slot: prepareNextInput)
        fields.add("collect", slot: collect)
        fields.add("step", list(body))
        return fields.node
    }

    /// Runs its body once for each item of the list that `items` gives; the first error ends it, unless it goes on after errors,
    /// in which case it gives `{ results, errors }`.
    public static func foreach(
        _ id: String, description: String? = nil, items: UInt32, concurrency: Int? = nil, collect: UInt32? = nil,
        continuesAfterErrors: Bool = false, body: [NodeDefinition], file: StaticString = #fileID, line: UInt = #line
    ) -> NodeDefinition {
        var fields = Fields(kind: .foreach, id: id, description, file, line)
        fields.add("items", slot: items)
        fields.add("concurrency", concurrency.map { Value(Int64($0)) })
        fields.add("collect", slot: collect)
        if continuesAfterErrors { fields.add("on_error", "continue") }
        fields.add("step", list(body))
        return fields.node
    }

    /// Runs its branches beside each other.
    public static func parallel(
        _ id: String, description: String? = nil, branches: [String: [NodeDefinition]], aggregate: UInt32? = nil,
        waitsForAll: Bool = false, file: StaticString = #fileID, line: UInt = #line
    ) -> NodeDefinition {
        var fields = Fields(kind: .parallel, id: id, description, file, line)
        fields.add("branches", named(branches))
        fields.add("aggregate", slot: aggregate)
        if waitsForAll { fields.add("on_error", "wait-all") }
        return fields.node
    }

    /// Waits for a person; `output` gives what the person sees, `form` what is asked.
    public static func human(
        _ id: String, description: String? = nil, output: UInt32? = nil, form: UInt32? = nil,
        responseSchema: Value? = nil,
        timeout: Duration? = nil, fallback: Value? = nil, file: StaticString = #fileID, line: UInt = #line
    ) -> NodeDefinition {
        var fields = Fields(kind: .human, id: id, description, file, line)
        fields.add("output", slot: output)
        fields.add("input", slot: form)
        fields.add("response_schema", responseSchema)
        fields.add("timeout", timeout)
        fields.add("default", fallback)
        return fields.node
    }

    /// Waits for a time.
    public static func delay(
        _ id: String, description: String? = nil, _ length: Length, file: StaticString = #fileID, line: UInt = #line
    ) -> NodeDefinition {
        var fields = Fields(kind: .delay, id: id, description, file, line)
        switch length {
        case .fixed(let duration): fields.add("duration", duration)
        case .chosen(let slot): fields.add("duration", ["$function": Value(Int64(slot))])
        }
        return fields.node
    }

    /// Waits for a signal.
    public static func waitFor(
        _ id: String, description: String? = nil, event: String, timeout: Duration? = nil, responseSchema: Value? = nil,
        file: StaticString = #fileID, line: UInt = #line
    ) -> NodeDefinition {
        var fields = Fields(kind: .waitFor, id: id, description, file, line)
        fields.add("event", Value(event))
        fields.add("timeout", timeout)
        fields.add("response_schema", responseSchema)
        return fields.node
    }

    /// A workflow that stands as a step.
    public static func workflow(
        _ definition: WorkflowDefinition, id: String? = nil, file: StaticString = #fileID, line: UInt = #line
    ) -> NodeDefinition {
        let own = definition.value["id"]?.string ?? ""
        var fields = Fields(kind: .workflow, id: id ?? own, nil, file, line)
        fields.add("workflow", definition.value)
        return fields.node
    }

    private static func named(_ bodies: [String: [NodeDefinition]]) -> Value {
        Value(
            array: bodies.sorted { $0.key < $1.key }.map { ["name": Value($0.key), "body": list($0.value)] as Value })
    }
}
