internal import WorkflowCore

/// Asks the questions of a form on the terminal, one after the other.
struct FormDialogue {
    let keyboard: Keyboard
    let style = Style(.errors)

    private func show(_ text: String) { TextStream.errors.write(text) }

    /// Shows what the person is to judge, asks every field, and gives the answers as one object.
    ///
    /// - Parameter refusal: why an earlier answer was not accepted.
    func answer(step: String, output: Value?, form: Value?, refusal: String?) throws -> Value {
        if let refusal {
            show(style("  " + refusal, .red) + "\n")
        } else {
            introduce(step, output)
        }
        guard let form = Form(form) else { return try askJSON() }
        if refusal == nil {
            if let title = form.title { show(style(title, .bold) + "\n") }
            if let description = form.description { show(style(description, .dim) + "\n") }
        }
        var answers: [(String, Value)] = []
        for field in form.fields {
            if let value = try ask(field) { answers.append((field.id, value)) }
        }
        return Value(entries: answers)
    }

    private func introduce(_ step: String, _ output: Value?) {
        show("\n" + style("? ", .cyan, .bold) + style(step, .bold) + style("  Ctrl-D answers later", .dim) + "\n")
        guard let output, !output.isNull else { return }
        if let entries = output.entries, entries.allSatisfy({ $0.value.count == 0 }) {
            for (key, value) in entries { show("  \(style(key + ":", .dim)) \(value.string ?? value.json)\n") }
        } else {
            let text = output.string ?? output.prettyJSON
            for line in text.split(separator: "\n", omittingEmptySubsequences: false) { show("  \(line)\n") }
        }
    }

    private func askJSON() throws -> Value {
        while true {
            show(style("Answer (JSON): ", .bold))
            do {
                return try Value(json: try keyboard.readLine())
            } catch let error as JSONError {
                show(style("  column \(error.column): \(error.message)", .red) + "\n")
            }
        }
    }

    private func ask(_ field: FormField) throws -> Value? {
        if let description = field.description { show(style("  " + description, .dim) + "\n") }
        if !field.options.isEmpty, field.kind == .select || field.kind == .multiselect {
            return try OptionList(keyboard: keyboard, style: style, field: field).choose()
        }
        while true {
            show(style(field.label, .bold) + hint(field) + ": ")
            let text = field.kind == .textarea ? try readParagraphs() : try keyboard.readLine()
            switch FieldAnswer.read(text, for: field) {
            case .value(let value): return value
            case .none: return nil
            case .refused(let message): show(style("  " + message, .red) + "\n")
            }
        }
    }

    private func hint(_ field: FormField) -> String {
        let usual = field.usual.map { $0.string ?? $0.json }
        let text: String? =
            switch field.kind {
            case .confirm: field.usual?.bool == true ? "Y/n" : field.usual?.bool == false ? "y/N" : "y/n"
            case .date: usual ?? "YYYY-MM-DD"
            case .textarea: "an empty line ends it"
            case .text, .number, .select, .multiselect: usual
            }
        return text.map { style(" [\($0)]", .dim) } ?? ""
    }

    private func readParagraphs() throws -> String {
        show("\n")
        var lines: [String] = []
        while true {
            let line = try keyboard.readLine()
            if line.isEmpty { return lines.joined(separator: "\n") }
            lines.append(line)
        }
    }
}
