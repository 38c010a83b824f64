internal import WorkflowCore

/// One question of a human step's form, as the script described it.
struct FormField {
    enum Kind: String {
        case text, textarea, number, select, multiselect, confirm, date
    }

    struct Option {
        var label: String
        var value: Value
    }

    var id: String
    var kind: Kind
    var label: String
    var description: String?
    var options: [Option]
    var isRequired: Bool
    /// What an empty answer means; nil for nothing.
    var usual: Value?

    /// Reads a field; a kind that is not known is asked as text.
    init(_ field: Value) {
        id = field["id"]?.string ?? "answer"
        kind = field["type"]?.string.flatMap(Kind.init) ?? .text
        label = field["label"]?.string ?? id
        description = field["description"]?.string ?? field["help"]?.string
        isRequired = field["required"]?.bool ?? false
        usual = field["default"]
        options = (field["options"]?.array ?? []).map { option in
            let value = option["value"] ?? option
            return Option(label: option["label"]?.string ?? value.string ?? value.json, value: value)
        }
    }

    /// An answer that shows what the field takes.
    var sample: Value {
        switch kind {
        case .text, .textarea: "…"
        case .number: 1
        case .select: options.first?.value ?? "…"
        case .multiselect: Value(array: options.prefix(1).map(\.value))
        case .confirm: true
        case .date: "2030-01-31"
        }
    }
}

/// The form of a human step.
struct Form {
    var title: String?
    var description: String?
    var fields: [FormField]

    /// Reads a form; nil where the step has none.
    init?(_ form: Value?) {
        guard let form, let fields = form["fields"]?.array, !fields.isEmpty else { return nil }
        title = form["title"]?.string
        description = form["description"]?.string
        self.fields = fields.map(FormField.init)
    }

    /// An answer that shows what the form takes.
    var sample: Value { Value(entries: fields.map { ($0.id, $0.sample) }) }
}
