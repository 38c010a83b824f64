internal import FlatValue
internal import WorkflowCore

/// Asks the questions of a form on the terminal, one after the other.
///
/// What was typed stays for the next time when an answer is not accepted.
final class FormDialogue {
    private let keyboard: Keyboard
    private let style = Style(.errors)
    /// What was typed into the fields, by their ids.
    private var typed: [String: String] = [:]

    init(keyboard: Keyboard) { self.keyboard = keyboard }

    /// The person gives the whole answer as JSON, which begins with this text.
    struct GivesJSON: Error {
        var text: String
    }

    private func show(_ text: String) { TextStream.errors.write(text) }

    /// Shows what the person is to judge, asks every field, and gives the answer.
    ///
    /// - Parameters:
    ///   - schema: what the step takes, for a step without a form.
    ///   - refusal: why an earlier answer was not accepted.
    func answer(step: String, output: Value?, form: Value?, schema: Value?, refusal: String?) throws -> Value {
        let form = Form(form) ?? schema.flatMap(SchemaQuestions.form)
        keyboard.begin()
        defer { keyboard.end() }
        if let refusal {
            show(style("  " + refusal, .red) + "\n")
        } else {
            introduce(step, output, form)
        }
        keyboard.showAgain = { [unowned self] in introduce(step, output, form) }
        defer { keyboard.showAgain = {} }
        guard let form else { return try askJSON() }
        var answers: [(String, Value)] = []
        do {
            for field in form.fields {
                if let value = try ask(field, of: form) { answers.append((field.id, value)) }
            }
        } catch let json as GivesJSON {
            return try askJSON(json.text)
        }
        if form.isBare { return answers.first?.1 ?? .null }
        return Value(entries: answers)
    }

    private func introduce(_ step: String, _ output: Value?, _ form: Form?) {
        let ways =
            form?.takesJSON == true ? "  Ctrl-D answers later, { begins the answer as JSON" : "  Ctrl-D answers later"
        show("\n" + style("? ", .cyan, .bold) + style(step, .bold) + style(ways, .dim) + "\n")
        if let output, !output.isNull { showOutput(output) }
        if let title = form?.title { show(style(title, .bold) + "\n") }
        if let description = form?.description { show(style(description, .dim) + "\n") }
    }

    private func showOutput(_ output: Value) {
        if let entries = output.entries, entries.allSatisfy({ $0.value.count == 0 }) {
            for (key, value) in entries { show("  \(style(key + ":", .dim)) \(value.string ?? value.json)\n") }
        } else {
            let text = output.string ?? output.prettyJSON
            for line in text.split(separator: "\n", omittingEmptySubsequences: false) { show("  \(line)\n") }
        }
    }

    private func askJSON(_ text: String = "") throws -> Value {
        var text = text
        while true {
            if text.isEmpty || typed["json"] != nil {
                text = try keyboard.readLine(prompt: "Answer (JSON): ", typed["json"] ?? "")
            }
            typed["json"] = text
            do throws(JSONError) {
                return try Value(json: text)
            } catch {
                show(style("  column \(error.column): \(error.message)", .red) + "\n")
            }
        }
    }

    private func ask(_ field: FormField, of form: Form) throws -> Value? {
        if let description = field.description { show(style("  " + description, .dim) + "\n") }
        if !field.options.isEmpty, field.kind == .select || field.kind == .multiselect {
            let list = OptionList(keyboard: keyboard, style: style, field: field, takesJSON: form.takesJSON)
            let value = try list.choose()
            return field.leavesOut && (value?.isNull == true || value?.array?.isEmpty == true) ? nil : value
        }
        while true {
            let text = try read(field)
            typed[field.id] = text
            if form.takesJSON, field.kind != .json, text.trimmed.hasPrefix("{") { throw GivesJSON(text: text) }
            switch FieldAnswer.read(text, for: field) {
            case .value(let value): return value
            case .none: return nil
            case .refused(let message): show(style("  " + message, .red) + "\n")
            }
        }
    }

    private func read(_ field: FormField) throws -> String {
        guard field.kind == .textarea else {
            return try keyboard.readLine(prompt: field.label + hint(field) + ": ", typed[field.id] ?? "")
        }
        show(style(field.label, .bold) + style(hint(field), .dim) + ":\n")
        var before = (typed[field.id] ?? "").split(separator: "\n", omittingEmptySubsequences: false)[...]
        var lines: [String] = []
        while true {
            let line = try keyboard.readLine(prompt: "  ", String(before.popFirst() ?? ""))
            if line.isEmpty { return lines.joined(separator: "\n") }
            lines.append(line)
        }
    }

    private func hint(_ field: FormField) -> String {
        let usual = field.usual.map { $0.string ?? $0.json }
        let text: String? =
            switch field.kind {
            case .confirm: field.usual?.bool == true ? "Y/n" : field.usual?.bool == false ? "y/N" : "y/n"
            case .date: usual ?? "YYYY-MM-DD"
            case .textarea: "an empty line ends it"
            case .list: usual ?? "separated by commas"
            case .json: usual ?? "JSON"
            case .text, .number, .select, .multiselect: usual
            }
        let optional = field.leavesOut && usual == nil ? "may stay empty" : nil
        let parts = [text, optional].compactMap { $0 }
        return parts.isEmpty ? "" : " [\(parts.joined(separator: ", "))]"
    }
}
