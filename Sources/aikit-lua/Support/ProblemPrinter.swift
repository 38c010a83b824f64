internal import JSONSchema

/// Renders problems as text: `file:line: error: message`, the source line with a mark under what is meant, the traceback.
struct ProblemPrinter {
    let style: Style
    /// The columns that a line of source may take with its number.
    var columns = ProblemPrinter.usualColumns

    /// Those of the terminal where there is one.
    private static var usualColumns: Int { TextStream.errors.isTerminal ? max(TextStream.errors.width - 1, 20) : 120 }

    /// As many frames as help; the middle of a deep recursion says nothing.
    static let frameLimit = 8

    /// Characters of a line of source that are searched for what is meant.
    private static let sourceLimit = 4000

    func text(_ problem: Problem) -> String {
        var problem = problem
        problem.message = ShownText.shortened(problem.message)
        var lines = [heading(problem)]
        if let whole = problem.sourceLine, let line = problem.line {
            let source = shortened(whole, &problem.column)
            lines += excerpt(source, line: line, mark: mark(of: problem, in: source))
        }
        lines += problem.notes.map { "  " + $0 }
        if let related = problem.related { lines.append("  see \(related)") }
        if !problem.traceback.isEmpty {
            lines.append(style("  traceback:", .dim))
            let frames = problem.traceback.prefix(Self.frameLimit).map { style("    " + ShownText.shortened($0), .dim) }
            lines += frames
            let left = problem.traceback.count - frames.count
            if left > 0 { lines.append(style("    … \(counted(left, "more frame"))", .dim)) }
        }
        return lines.joined(separator: "\n")
    }

    func text(_ problems: [Problem]) -> String { problems.map(text).joined(separator: "\n") }

    private func heading(_ problem: Problem) -> String {
        var place = ""
        if let file = problem.file { place += file + ":" }
        if let line = problem.line { place += "\(line):" }
        if let column = problem.column { place += "\(column):" }
        let word = problem.severity.rawValue + ":"
        let tone = problem.severity == .error ? Style.Tone.red : .yellow
        return [style(place, .bold), style(word, .bold, tone), problem.message].filter { !$0.isEmpty }.joined(
            separator: " ")
    }

    /// Of a long line only what stands around the column is looked at, or its beginning.
    private func shortened(_ source: String, _ column: inout Int?) -> String {
        guard source.utf8.count > Self.sourceLimit else { return source }
        let start = max((column ?? 1) - Self.sourceLimit / 2, 0)
        column = column.map { $0 - start }
        return String(String.UnicodeScalarView(source.unicodeScalars.dropFirst(start).prefix(Self.sourceLimit)))
    }

    private func excerpt(_ source: String, line: Int, mark: Range<Int>) -> [String] {
        let number = "\(line)"
        let blank = String(repeating: " ", count: number.count)
        // A long line is shown around its mark; `…` stands where something is left out.
        let characters = Array(source.asShown())
        let room = max(columns - blank.count - 5, 8)
        let start = mark.upperBound > room - 1 ? max(min(mark.lowerBound, characters.count) - room / 4, 0) : 0
        var shown = Array(characters[min(start, characters.count)...].prefix(room))
        if start > 0, !shown.isEmpty { shown[0] = "…" }
        if characters.count - start > room, !shown.isEmpty { shown[shown.count - 1] = "…" }
        let offset = mark.lowerBound - start
        let before = shown.prefix(offset).reduce(0) { $0 + ScreenText.width(of: $1) }
        let carets =
            String(repeating: " ", count: before)
            + String(repeating: "^", count: max(min(mark.count, room - offset), 1))
        return [
            style("  \(number) |", .dim) + " " + String(shown),
            style("  \(blank) |", .dim) + " " + style(carets, .bold, .red),
        ]
    }

    /// What to underline: the column, the name that the message quotes, or where the line's text begins.
    private func mark(of problem: Problem, in source: String) -> Range<Int> {
        let line = Array(source.asShown())
        let first = line.firstIndex { $0 != " " } ?? 0
        if let column = problem.column {
            let before = String(source.unicodeScalars.prefix(column - 1).map(Character.init)).asShown().count
            return before..<before + 1
        }
        if let operand = OperandMark.range(of: problem.message, in: line) { return operand }
        for name in names(in: problem.message) {
            // A name that the source has as a text is meant rather than a variable that is called alike.
            for quote in [["\""], ["'"]] as [[Character]] {
                if let start = find(quote + name + quote, in: line) { return start + 1..<start + 1 + name.count }
            }
            if let start = find(name, in: line) { return start..<start + name.count }
        }
        return first..<max(line.count, first + 1)
    }

    /// What a message names: keys in backticks, then quoted names, the last first, then the dotted name that it begins with.
    private func names(in message: String) -> [[Character]] {
        let first = message.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." }
        let parts = first.split(separator: ".")
        let dotted: [[Character]] = parts.count > 1 ? [Array(first), Array(parts[parts.count - 1])] : []
        let quoted = quotedParts(of: message, by: "`") + quotedParts(of: message, by: "'")
        // Of `retry.jitter` the line may have the last part alone.
        let keys = quoted.compactMap { name in
            name.lastIndex(of: ".").map { Array(name[($0 + 1)...]) }
        }
        return quoted + dotted + keys.filter { !$0.isEmpty }
    }

    private func quotedParts(of message: String, by quote: Character) -> [[Character]] {
        var names: [[Character]] = []
        var rest = message[...]
        while let open = rest.firstIndex(of: quote) {
            let after = rest[rest.index(after: open)...]
            guard let close = after.firstIndex(of: quote) else { break }
            names.append(Array(after[..<close]))
            rest = after[after.index(after: close)...]
        }
        return names.reversed().filter { !$0.isEmpty }
    }

    /// Where a name stands as a whole word.
    private func find(_ name: [Character], in line: [Character]) -> Int? {
        func isWord(_ character: Character) -> Bool { character.isLetter || character.isNumber || character == "_" }
        guard name.count <= line.count else { return nil }
        for start in 0...(line.count - name.count) where Array(line[start..<start + name.count]) == name {
            let end = start + name.count
            let before = start > 0 && isWord(line[start - 1]) && isWord(name[0])
            let behind = end < line.count && isWord(line[end]) && isWord(name[name.count - 1])
            if !before && !behind { return start }
        }
        return nil
    }
}

extension String {
    /// The text as the stream shows it, with tabs as four blanks, so that a mark below it stands where it should.
    fileprivate func asShown() -> String {
        let text = ShownText.text(self)
        return text.contains("\t") ? text.reduce(into: "") { $0 += $1 == "\t" ? "    " : String($1) } : text
    }
}

extension TextStream {
    /// Shows problems in the stream's own style.
    func show(_ problems: [Problem]) {
        guard !problems.isEmpty else { return }
        writeLine(ProblemPrinter(style: Style(self)).text(problems))
    }

    func show(_ problem: Problem) { show([problem]) }
}
