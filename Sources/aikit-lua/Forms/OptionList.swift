internal import WorkflowCore

/// A list to choose from with the arrow keys or by number; drawn in place, and reduced to one line by the choice.
struct OptionList {
    let keyboard: Keyboard
    let style: Style
    let field: FormField

    private var isMultiple: Bool { field.kind == .multiselect }

    func choose() throws -> Value? {
        TerminalMode.readKeys(from: 0)
        defer { TerminalMode.restore() }
        var cursor = field.options.firstIndex { $0.value == field.usual } ?? 0
        var chosen = Set(
            (field.usual?.array ?? []).compactMap { usual in field.options.firstIndex { $0.value == usual } })
        let keys = isMultiple ? "arrows or numbers, space, enter" : "arrows or a number, enter"
        TextStream.errors.write(style(field.label, .bold) + style(" [\(keys)]", .dim) + "\n")
        draw(cursor, chosen)
        while true {
            guard let key = try keyboard.readKey() else { continue }
            let last = field.options.count - 1
            switch key {
            case .up, .character("k"): cursor = cursor == 0 ? last : cursor - 1
            case .down, .character("j"): cursor = cursor == last ? 0 : cursor + 1
            case .space where isMultiple: chosen.formSymmetricDifference([cursor])
            case .character(let digit):
                guard let number = digit.wholeNumberValue, field.options.indices.contains(number - 1) else { continue }
                cursor = number - 1
                if isMultiple { chosen.formSymmetricDifference([cursor]) }
            case .enter:
                if isMultiple, chosen.isEmpty, field.isRequired { continue }
                let picked = isMultiple ? chosen.sorted() : [cursor]
                conclude(picked)
                let values = picked.map { field.options[$0].value }
                return isMultiple ? Value(array: values) : values.first
            case .space: continue
            }
            TextStream.errors.write("\u{1B}[\(field.options.count)A\r\u{1B}[J")
            draw(cursor, chosen)
        }
    }

    private func draw(_ cursor: Int, _ chosen: Set<Int>) {
        var text = ""
        for (index, option) in field.options.enumerated() {
            let pointer = index == cursor ? style("❯ ", .cyan) : "  "
            let mark = isMultiple ? (chosen.contains(index) ? style("◉ ", .green) : "◯ ") : ""
            let label = "\(index + 1). \(option.label)"
            text += "  " + pointer + mark + (index == cursor ? style(label, .bold) : label) + "\n"
        }
        TextStream.errors.write(text)
    }

    private func conclude(_ picked: [Int]) {
        let labels = picked.map { field.options[$0].label }.joined(separator: ", ")
        TextStream.errors.write(
            "\u{1B}[\(field.options.count + 1)A\r\u{1B}[J" + style(field.label, .bold) + ": "
                + (labels.isEmpty ? style("nothing", .dim) : labels) + "\n")
    }
}
