internal import FlatValue
internal import WorkflowCore

/// Forms for steps that have none of their own, made from what their answers have to be.
enum SchemaForm {
    /// The form of an object's properties, in the form that `ask.form` gives; nil for answers that are no objects.
    static func form(of schema: Value, title: String) -> Value? {
        guard schema["type"]?.string == "object", let properties = schema["properties"]?.entries, !properties.isEmpty
        else { return nil }
        let required = Set((schema["required"]?.array ?? []).compactMap(\.string))
        let fields = properties.map { field($0.key, $0.value, isRequired: required.contains($0.key)) }
        return ["title": Value(title), "fields": Value(array: fields), "generated": true]
    }

    private static func field(_ name: String, _ schema: Value, isRequired: Bool) -> Value {
        let items = schema["items"]?["enum"]?.array
        let options = schema["enum"]?.array ?? items
        let type: String
        switch schema["type"]?.string ?? "" {
        case _ where schema["enum"] != nil: type = "select"
        case "boolean": type = "confirm"
        case "integer", "number": type = "number"
        case "array" where items != nil: type = "multiselect"
        case "string" where schema["format"]?.string == "date": type = "date"
        case "string" where (schema["maxLength"]?.int ?? 0) > 200: type = "textarea"
        default: type = "text"
        }
        var entries: [(String, Value)] = [
            ("type", Value(type)), ("id", Value(name)), ("label", schema["title"] ?? Value(name)),
        ]
        if let text = schema["description"] { entries.append(("description", text)) }
        if let options { entries.append(("options", Value(array: options))) }
        if let usual = schema["default"] { entries.append(("default", usual)) }
        if isRequired { entries.append(("required", true)) }
        return Value(entries: entries)
    }
}
