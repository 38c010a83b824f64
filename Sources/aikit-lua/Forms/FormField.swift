internal import FlatValue
internal import WorkflowCore

/// One question of a human step's form, as the script described it.
struct FormField {
    enum Kind: String {
        case text, textarea, number, select, multiselect, confirm, date
        /// Texts, separated by commas.
        case list
        /// Any value, as JSON.
        case json
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
    /// Whether the answer has no such field where nothing is typed, in place of an empty text.
    var leavesOut = false
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
        case .list: ["…"]
        case .json: .emptyObject
        }
    }
}

/// The form of a human step.
struct Form {
    var title: String?
    var description: String?
    var fields: [FormField]
    /// Whether the whole answer may be given as JSON.
    var takesJSON = false
    /// Whether the answer is the value of the only field, in place of an object.
    var isBare = false

    init(
        title: String?, description: String?, fields: [FormField], takesJSON: Bool = false, isBare: Bool = false
    ) {
        self.title = title
        self.description = description
        self.fields = fields
        self.takesJSON = takesJSON
        self.isBare = isBare
    }

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
