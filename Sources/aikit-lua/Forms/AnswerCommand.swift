internal import FlatValue
internal import JSONSchema
internal import WorkflowCore

/// The command that answers a step which waits for a person, with data that shows what the step takes.
struct AnswerCommand {
    let pending: PendingHuman
    let result: RunResult
    let plan: Plan?
    let runID: String

    /// The command without the program's name and the store.
    var text: String {
        var command = "resume \(shellQuoted(runID))"
        if result.pending.count > 1 || pending.path != pending.stepID {
            command += " --step \(shellQuoted(pending.path))"
        }
        return command + " --data \(shellQuoted(sample.json))"
    }

    /// An answer that shows what the form asks for and what the schema wants besides; where both have a field, the form's.
    private var sample: Value {
        let form = Form(pending.form)?.sample
        guard let schema = pending.responseSchema(in: result, of: plan) else { return form ?? .emptyObject }
        let wanted = SchemaSample.value(of: schema)
        guard let form, let entries = wanted.entries else { return wanted }
        let known = schema["properties"]
        let asked = (form.entries ?? []).filter { field in
            wanted[field.key] == nil && (known == nil || known?[field.key] != nil)
        }
        return Value(entries: entries.map { ($0.key, form[$0.key] ?? $0.value) } + asked.map { ($0.key, $0.value) })
    }

}

extension PendingHuman {
    /// The JSON Schema of the answer; nil for a step without one.
    func responseSchema(in result: RunResult, of plan: Plan?) -> Value? {
        guard let plan, let step = result.steps.last(where: { $0.path == path }) else { return nil }
        let index = plan.nodes[Int(step.node)].outputSchema
        return index < 0 ? nil : plan.schemas[Int(index)].export(withExtensions: false)
    }
}

/// A value that looks like those which a JSON Schema takes; patterns and the rarer keywords are not looked at.
enum SchemaSample {
    static func value(of schema: Value) -> Value {
        if let value = schema["const"] ?? schema["default"] ?? schema["enum"]?[0] ?? schema["examples"]?[0] {
            return value
        }
        if let first = (schema["anyOf"] ?? schema["oneOf"])?[0] { return value(of: first) }
        let type = schema["type"]?.string ?? schema["type"]?[0]?.string
        switch type {
        case "object": return object(schema)
        case "array": return Value(array: (schema["items"].map { [value(of: $0)] }) ?? [])
        case "string": return string(schema)
        case "integer", "number": return schema["minimum"] ?? 1
        case "boolean": return true
        case "null": return .null
        default: return schema["properties"] == nil ? .emptyObject : object(schema)
        }
    }

    private static func object(_ schema: Value) -> Value {
        let required = Set((schema["required"]?.array ?? []).compactMap(\.string))
        let properties = (schema["properties"]?.entries ?? []).filter { required.contains($0.key) }
        return Value(entries: properties.map { ($0.key, value(of: $0.value)) })
    }

    private static func string(_ schema: Value) -> Value {
        switch schema["format"]?.string {
        case "date": "2030-01-31"
        case "date-time": "2030-01-31T12:00:00Z"
        case "time": "12:00:00Z"
        case "email": "ada@example.org"
        case "uri": "https://example.org"
        default: "…"
        }
    }
}
