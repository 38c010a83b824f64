internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// A question to a person in the narrow form of the Model Context Protocol: an object of texts, numbers, choices and flags.
struct ElicitationForm {
    private(set) var message: String
    /// The schema of the answer.
    let schema: Value
    /// Whether the step's answer is the one field ``field`` and not the object.
    private let isWrapped: Bool

    private static let field = "answer"
    private static let shownLimit = 4000
    private static let formats: Set<String> = ["email", "uri", "date", "date-time"]
    private static let kept = ["title", "description", "default", "minLength", "maxLength", "minimum", "maximum"]

    /// - Parameter takesLists: whether the client knows fields of several choices.
    /// - Returns: nil for a question that does not fit the form.
    init?(_ pending: PendingHuman, of record: RunRecord, takesLists: Bool) {
        let node = record.plan.details.indices.first { record.plan.details[$0].id == pending.stepID }
        let schema = node.flatMap { WorkflowRendering.schema(record.plan.nodes[$0].outputSchema, record.plan) }
        let fields = pending.form?["fields"]?.array ?? []
        let properties: [(String, Value)]
        var required: [Value] = []
        if let schema {
            if schema["type"]?.string == "object", let given = schema["properties"]?.entries, !given.isEmpty {
                let titles = fields.compactMap { field in field["id"]?.string.map { ($0, field["label"]) } }
                let known = given.compactMap { entry in
                    Self.property(entry.value, title: titles.first { $0.0 == entry.key }?.1, takesLists)
                        .map { (entry.key, $0) }
                }
                let names = Set(known.map { $0.0 })
                required = schema["required"]?.array ?? []
                // What may be left out is, where the form has no such field.
                guard !known.isEmpty, required.allSatisfy({ names.contains($0.string ?? "") }) else { return nil }
                properties = known
                isWrapped = false
            } else {
                guard let property = Self.property(schema, title: Value?.none, takesLists) else { return nil }
                properties = [(Self.field, property)]
                required = [Value(Self.field)]
                isWrapped = true
            }
        } else if !fields.isEmpty {
            let known = fields.map { field in
                Self.property(of: field, takesLists).map { (field["id"]?.string ?? "", $0) }
            }
            guard known.allSatisfy({ $0 != nil }) else { return nil }
            properties = known.compactMap { $0 }
            required = fields.filter { $0["required"]?.bool == true }.compactMap { $0["id"] }
            isWrapped = false
        } else {
            properties = [(Self.field, ["type": "string"])]
            required = [Value(Self.field)]
            isWrapped = true
        }
        var entries: [(String, Value)] = [("type", "object"), ("properties", Value(entries: properties))]
        if !required.isEmpty { entries.append(("required", Value(array: required))) }
        self.schema = Value(entries: entries)
        message = Self.message(pending, node.flatMap { record.plan.details[$0].description })
    }

    /// The step's answer in what a person filled in.
    func answer(_ content: Value) -> Value { isWrapped ? content[Self.field] ?? .null : content }

    /// The same question with what was wrong with the answer before; nil for the first time.
    func again(_ complaint: String?) -> ElicitationForm {
        guard let complaint else { return self }
        var form = self
        form.message = complaint + "\n" + message
        return form
    }

    private static func message(_ pending: PendingHuman, _ description: String?) -> String {
        var lines = [pending.form?["title"]?.string ?? description ?? pending.stepID]
        if let text = pending.form?["description"]?.string { lines.append(text) }
        if let output = pending.output, !output.isNull {
            let text = output.string ?? output.prettyJSON
            lines.append(text.utf8.count > shownLimit ? String(text.prefix(shownLimit)) + "…" : text)
        }
        return lines.joined(separator: "\n")
    }

    /// A property as the form takes it; nil for one that it cannot have.
    private static func property(_ schema: Value, title: Value?, _ takesLists: Bool) -> Value? {
        var entries: [(String, Value)] = kept.compactMap { key in schema[key].map { (key, $0) } }
        if schema["title"] == nil, let title { entries.append(("title", title)) }
        if let choices = schema["enum"]?.array {
            guard choices.allSatisfy({ $0.string != nil }) else { return Value?.none }
            return Value(entries: entries + [("type", "string"), ("enum", Value(array: choices))])
        }
        guard let type = schema["type"]?.string else { return Value?.none }
        switch type {
        case "string":
            if let format = schema["format"], formats.contains(format.string ?? "") {
                entries.append(("format", format))
            }
        case "number", "integer", "boolean": break
        case "array":
            guard takesLists, let items = schema["items"], let choices = items["enum"],
                choices.array?.allSatisfy({ $0.string != nil }) == true
            else { return Value?.none }
            entries.append(("items", ["type": "string", "enum": choices]))
        default: return Value?.none
        }
        return Value(entries: entries + [("type", Value(type))])
    }

    /// A field of a step's own form as a property.
    private static func property(of field: Value, _ takesLists: Bool) -> Value? {
        var entries: [(String, Value)] = [("title", field["label"] ?? field["id"] ?? "")]
        if let text = field["description"], text.string != nil { entries.append(("description", text)) }
        let options = (field["options"]?.array ?? []).map { $0["value"] ?? $0 }
        let areTexts = options.allSatisfy { $0.string != nil }
        switch field["type"]?.string {
        case "number": entries.append(("type", "number"))
        case "confirm": entries.append(("type", "boolean"))
        case "select":
            guard areTexts else { return Value?.none }
            entries += [("type", "string"), ("enum", Value(array: options))]
        case "multiselect":
            guard areTexts, takesLists else { return Value?.none }
            entries += [("type", "array"), ("items", ["type": "string", "enum": Value(array: options)])]
        case "date": entries += [("type", "string"), ("format", "date")]
        default: entries.append(("type", "string"))
        }
        return Value(entries: entries)
    }
}
