internal import FlatValue
internal import WorkflowCore

/// The questions that a JSON Schema asks, for steps that want an answer and have no form.
enum SchemaQuestions {
    /// As many questions as somebody answers one by one; of more the answer is asked as JSON.
    private static let fieldLimit = 40

    /// A form whose answers make a value that the schema may take; nil for schemas that are no object of simple parts.
    static func form(for schema: Value) -> Form? {
        if let properties = schema["properties"]?.entries, !properties.isEmpty, properties.count <= fieldLimit {
            let required = Set((schema["required"]?.array ?? []).compactMap(\.string))
            let fields = properties.map { field($0.key, $0.value, isRequired: required.contains($0.key)) }
            return Form(title: nil, description: schema["description"]?.string, fields: fields, takesJSON: true)
        }
        guard schema["type"]?.string != "object", schema.count > 0 else { return nil }
        let only = field("answer", schema, isRequired: true, label: schema["title"]?.string ?? "Answer")
        if only.kind == .json { return nil }
        return Form(title: nil, description: nil, fields: [only], takesJSON: only.kind != .text, isBare: true)
    }

    private static func field(_ id: String, _ schema: Value, isRequired: Bool, label: String? = nil) -> FormField {
        let (schema, isNullable) = withoutNull(schema)
        var field = FormField(["id": Value(id)])
        field.label = label ?? schema["title"]?.string ?? id
        field.description = schema["description"]?.string
        field.usual = schema["default"]
        field.isRequired = isRequired && !isNullable && field.usual == nil
        field.leavesOut = !field.isRequired
        field.kind = kind(of: schema)
        switch field.kind {
        case .select: field.options = options(of: schema)
        case .multiselect: field.options = options(of: schema["items"] ?? .null)
        case .text:
            // An empty text is an answer, unless the schema says otherwise.
            if field.isRequired { field.isRequired = (schema["minLength"]?.int ?? 0) > 0 }
        case .textarea, .number, .confirm, .date, .list, .json: break
        }
        if field.kind == .select, field.leavesOut, field.usual == nil {
            field.options.append(FormField.Option(label: "no answer", value: .null))
        }
        if field.kind == .number { field.description = bounds(of: schema, field.description) }
        return field
    }

    private static func kind(of schema: Value) -> FormField.Kind {
        if !options(of: schema).isEmpty { return .select }
        switch schema["type"]?.string {
        case "boolean": return .confirm
        case "integer", "number": return .number
        case "string": return schema["format"]?.string == "date" ? .date : .text
        case "array":
            guard let items = schema["items"] else { return .json }
            if !options(of: items).isEmpty { return .multiselect }
            return items["type"]?.string == "string" ? .list : .json
        default: return .json
        }
    }

    private static func options(of schema: Value) -> [FormField.Option] {
        let values = schema["enum"]?.array ?? schema["const"].map { [$0] } ?? constants(of: schema)
        return values.map { FormField.Option(label: $0.string ?? $0.json, value: $0) }
    }

    /// The values of a choice between constants.
    private static func constants(of schema: Value) -> [Value] {
        let values = ((schema["anyOf"] ?? schema["oneOf"])?.array ?? []).map { $0["const"] }
        return values.contains { $0 == nil } ? [] : values.compactMap { $0 }
    }

    /// The schema without the alternative null, and whether it had one.
    private static func withoutNull(_ schema: Value) -> (Value, isNullable: Bool) {
        if let types = schema["type"]?.array {
            let rest = types.filter { $0.string != "null" }
            guard rest.count == 1, rest.count < types.count else { return (schema, false) }
            let entries = (schema.entries ?? []).map { ($0.key, $0.key == "type" ? rest[0] : $0.value) }
            return (Value(entries: entries), true)
        }
        if let parts = schema["anyOf"]?.array {
            let rest = parts.filter { $0["type"]?.string != "null" }
            if rest.count == 1, rest.count < parts.count { return (rest[0], true) }
        }
        return (schema, false)
    }

    private static func bounds(of schema: Value, _ description: String?) -> String? {
        let range: String? =
            switch (schema["minimum"], schema["maximum"]) {
            case (let low?, let high?): "from \(low.json) to \(high.json)"
            case (let low?, nil): "at least \(low.json)"
            case (nil, let high?): "at most \(high.json)"
            case (nil, nil): nil
            }
        return [description, range].compactMap { $0 }.joined(separator: "; ").nonEmpty
    }
}

extension String {
    fileprivate var nonEmpty: String? { isEmpty ? nil : self }
}
