internal import Platform

/// Lays the parser's help out for the width of a terminal: paragraphs flow, meanings hang beside their options, and a command
/// that is broken can be pasted as it stands.
struct HelpText {
    let columns: Int

    /// Where the meanings of options begin.
    private static let meaning = 26
    /// Below this nothing is laid out well, and the terminal breaks the lines itself.
    private static let narrowest = 40

    init(columns: Int) { self.columns = max(columns, Self.narrowest) }

    /// The width to lay out for: that which the environment asks for, or that of the stream.
    static func columns(of stream: TextStream) -> Int {
        getenv("COLUMNS").flatMap { Int(String(cString: $0)) }.flatMap { $0 > 0 ? $0 : nil } ?? stream.width
    }

    /// What the parser writes where nothing has to be broken. Called before other threads read the environment.
    static func unbroken(_ write: () -> String) -> String {
        let before = getenv("COLUMNS").map { String(cString: $0) }
        setenv("COLUMNS", "100000", 1)
        defer { if let before { setenv("COLUMNS", before, 1) } else { unsetenv("COLUMNS") } }
        return write()
    }

    func laidOut(_ text: String) -> String {
        var lines: [String] = []
        var paragraph = ""
        var isExample = false
        func endParagraph() {
            if !paragraph.isEmpty { lines += ScreenText.wrapped(paragraph, to: columns) }
            paragraph = ""
        }
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.isEmpty || line.hasPrefix(" ") || line.hasPrefix("USAGE:") || line.hasPrefix("Usage:")
                || isHeading(line)
            {
                endParagraph()
                if !line.hasPrefix(" "), !line.isEmpty { isExample = line == "EXAMPLES" }
                lines += broken(line, isExample: isExample)
            } else {
                paragraph += (paragraph.isEmpty ? "" : " ") + line
            }
        }
        endParagraph()
        return lines.joined(separator: "\n")
    }

    private func isHeading(_ line: Substring) -> Bool {
        line == "EXAMPLES" || line.hasSuffix(":") && line.dropLast().allSatisfy { $0.isUppercase || $0 == " " }
    }

    private func broken(_ line: Substring, isExample: Bool) -> [String] {
        if ScreenText.width(of: String(line)) <= columns { return [String(line)] }
        if line.hasPrefix("USAGE:") || line.hasPrefix("Usage:") {
            return filled(usageWords(line), indent: 4, end: "")
        }
        if isExample { return filled(shellWords(line.drop { $0 == " " }), indent: 6, first: "  ", end: " \\") }
        return hanging(line)
    }

    /// An option with its meaning beside it.
    private func hanging(_ line: Substring) -> [String] {
        let indent = String(repeating: " ", count: Self.meaning)
        let label = String(line.prefix(Self.meaning))
        let isLabelled = label.hasSuffix(" ") && line.count > Self.meaning
        let words = isLabelled ? String(line.dropFirst(Self.meaning)) : String(line.drop { $0 == " " })
        let own = isLabelled ? indent : String(line.prefix { $0 == " " })
        let parts = ScreenText.wrapped(words, to: columns - own.count)
        return parts.enumerated().map { index, part in (index == 0 && isLabelled ? label : own) + part }
    }

    /// Puts words into lines; `end` stands at the end of each line that another one follows.
    private func filled(_ words: [String], indent: Int, first: String = "", end: String) -> [String] {
        var lines: [String] = []
        var line = first
        var isStart = true
        for word in words {
            let width = ScreenText.width(of: line) + ScreenText.width(of: word) + 1 + end.count
            if !isStart, width > columns {
                lines.append(line + end)
                line = String(repeating: " ", count: indent)
                isStart = true
            }
            line += (isStart ? "" : " ") + word
            isStart = false
        }
        return lines + [line]
    }

    /// The words of a usage, of which `[--wait <d>]` is one, and so is `--role <role>`.
    private func usageWords(_ line: Substring) -> [String] {
        var words: [String] = []
        var depth = 0
        for word in line.split(separator: " ") {
            let joins = depth > 0 || word.hasPrefix("<") && words.last?.hasPrefix("--") == true
            if joins, !words.isEmpty { words[words.count - 1] += " " + word } else { words.append(String(word)) }
            depth += word.count { $0 == "[" } - word.count { $0 == "]" }
        }
        return words
    }

    /// The words of a command, as a shell takes them apart.
    private func shellWords(_ line: Substring) -> [String] {
        var words: [String] = []
        var word = ""
        var quote: Character?
        for character in line {
            if character == " ", quote == nil {
                if !word.isEmpty { words.append(word) }
                word = ""
                continue
            }
            word.append(character)
            if let open = quote {
                if character == open { quote = nil }
            } else if character == "'" || character == "\"" {
                quote = character
            }
        }
        return words + (word.isEmpty ? [] : [word])
    }
}
