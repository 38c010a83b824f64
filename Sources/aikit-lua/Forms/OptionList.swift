internal import FlatValue
internal import WorkflowCore

/// A list to choose from with the arrow keys or by number; drawn in place, and reduced to one line by the choice.
struct OptionList {
    let keyboard: Keyboard
    let style: Style
    let field: FormField
    /// Whether a brace begins the whole answer as JSON.
    var takesJSON = false

    private var isMultiple: Bool { field.kind == .multiselect }

    /// What is chosen and shown.
    struct State: Equatable {
        var count: Int
        var cursor: Int
        var chosen: Set<Int>
        /// The first option that is shown.
        var top = 0
        /// The digits of a number that is being typed.
        var typed = ""

        /// Moves the shown part so that the cursor lies in it.
        mutating func scroll(to room: Int) {
            let room = max(room, 1)
            top = min(max(top, cursor - room + 1), cursor, max(count - room, 0))
            top = max(top, 0)
        }

        /// Takes a digit: with those before it the number of an option, from 1, else the first digit of another one.
        mutating func type(_ digit: Character) -> Bool {
            for text in [typed + String(digit), String(digit)] {
                guard let number = Int(text), number >= 1, number <= count else { continue }
                typed = text
                cursor = number - 1
                return true
            }
            typed = ""
            return false
        }
    }

    func choose() throws -> Value? {
        if !keyboard.canDraw { TerminalMode.readKeys(from: 0) }
        defer { if !keyboard.canDraw { TerminalMode.restore() } }
        var state = State(
            count: field.options.count, cursor: field.options.firstIndex { $0.value == field.usual } ?? 0,
            chosen: Set(
                (field.usual?.array ?? []).compactMap { usual in field.options.firstIndex { $0.value == usual } }))
        var block = ScreenBlock()
        var stops = keyboard.stops
        draw(&state, &block)
        while true {
            guard let key = try keyboard.nextKey() else {
                // What stood above the cursor before the program was stopped is somebody else's now.
                if keyboard.stops != stops { block.release() }
                stops = keyboard.stops
                draw(&state, &block)
                continue
            }
            let last = field.options.count - 1
            if case .character = key {} else { state.typed = "" }
            switch key {
            case .up, .character("k"): state.cursor = state.cursor == 0 ? last : state.cursor - 1
            case .down, .character("j"): state.cursor = state.cursor == last ? 0 : state.cursor + 1
            case .character(" ") where isMultiple: state.chosen.formSymmetricDifference([state.cursor])
            case .character(" "): continue
            case .character("{") where takesJSON: throw FormDialogue.GivesJSON(text: "")
            case .control("d"): throw NoAnswer.left
            case .character(let digit):
                guard state.type(digit) else { continue }
                if isMultiple, field.options.count < 10 { state.chosen.formSymmetricDifference([state.cursor]) }
            case .enter:
                if isMultiple, state.chosen.isEmpty, field.isRequired { continue }
                let picked = isMultiple ? state.chosen.sorted() : [state.cursor]
                conclude(picked, &block)
                let values = picked.map { field.options[$0].value }
                return isMultiple ? Value(array: values) : values.first
            case .tab, .backspace, .delete, .escape, .left, .right, .home, .end, .wordLeft, .wordRight, .control:
                continue
            }
            draw(&state, &block)
        }
    }

    private func draw(_ state: inout State, _ block: inout ScreenBlock) {
        let stream = TextStream.errors
        let columns = max(stream.width - 1, 8)
        // The question, how many there are more, and the row of the cursor stay free.
        let room = min(field.options.count, max(stream.height - 4, 1))
        state.scroll(to: room)
        var update = ScreenUpdate()
        block.restart(in: &update, of: stream)
        let keys = isMultiple ? "arrows or numbers, space, enter" : "arrows or a number, enter"
        let label = ScreenText.clipped(field.label, to: columns)
        let hint = ScreenText.clipped(" [\(keys)]", to: columns - ScreenText.width(of: label))
        block.add(
            style(label, .bold) + style(hint, .dim), width: ScreenText.width(of: label) + ScreenText.width(of: hint),
            to: &update)
        for index in state.top..<min(state.top + room, field.options.count) {
            let isCurrent = index == state.cursor
            let pointer = isCurrent ? style("❯ ", .cyan) : "  "
            let mark = isMultiple ? (state.chosen.contains(index) ? style("◉ ", .green) : "◯ ") : ""
            let indent = isMultiple ? 6 : 4
            let label = ScreenText.clipped("\(index + 1). \(field.options[index].label)", to: columns - indent)
            block.add(
                "  " + pointer + mark + (isCurrent ? style(label, .bold) : label),
                width: indent + ScreenText.width(of: label), to: &update)
        }
        if room < field.options.count {
            let text = ScreenText.clipped(
                "  \(state.top + 1) to \(state.top + room) of \(field.options.count)", to: columns)
            block.add(style(text, .dim), width: ScreenText.width(of: text), to: &update)
        }
        block.finish(in: &update)
        stream.write(update)
    }

    private func conclude(_ picked: [Int], _ block: inout ScreenBlock) {
        let labels = picked.map { field.options[$0].label }.joined(separator: ", ")
        var update = ScreenUpdate()
        block.restart(in: &update, of: .errors)
        block.write(style(field.label, .bold) + ": " + (labels.isEmpty ? style("nothing", .dim) : labels), to: &update)
        block.finish(in: &update)
        TextStream.errors.write(update)
    }
}
