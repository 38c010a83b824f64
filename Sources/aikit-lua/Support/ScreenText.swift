/// Measures and cuts text by the columns that it takes on a terminal.
enum ScreenText {
    static func width(of text: String) -> Int { text.reduce(0) { $0 + width(of: $1) } }

    /// The columns that a character takes.
    static func width(of character: Character) -> Int {
        guard let scalar = character.unicodeScalars.first else { return 0 }
        if character.unicodeScalars.contains("\u{FE0F}") { return 2 }
        switch scalar.value {
        case 0..<32, 127: return 1
        case 0x0300...0x036F, 0x200B...0x200F, 0xFE00...0xFE0F: return 0
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
            0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1F9FF,
            0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }

    /// The first line of a text as it is shown, cut to a number of columns; what was cut off shows as `…`.
    static func clipped(_ text: String, to columns: Int) -> String {
        let line = ShownText.text(String(text.prefix { !$0.isNewline }))
        // A character takes two columns at most, so a short text needs no counting.
        if line.utf8.count <= columns || width(of: line) <= columns { return line }
        var result = ""
        var used = 1
        for character in line {
            used += width(of: character)
            if used > columns { break }
            result.append(character)
        }
        return columns > 0 ? result + "…" : ""
    }

    /// A text broken at blanks into lines of at most so many columns; a word that is longer is broken.
    static func wrapped(_ text: String, to columns: Int) -> [String] {
        let columns = max(columns, 2)
        var lines: [String] = []
        for row in ShownText.text(text).split(separator: "\n", omittingEmptySubsequences: false) {
            var line = ""
            var used = 0
            for (index, word) in row.split(separator: " ", omittingEmptySubsequences: false).enumerated() {
                var rest = word
                if index > 0, used > 0, used + 1 + width(of: String(word)) > columns {
                    lines.append(line)
                    (line, used) = ("", 0)
                } else if index > 0 {
                    line += " "
                    used += 1
                }
                while width(of: String(rest)) > columns {
                    let head = head(of: rest, columns)
                    lines.append(String(head))
                    rest = rest[head.endIndex...]
                }
                line += rest
                used += width(of: String(rest))
            }
            lines.append(line)
        }
        return lines
    }

    private static func head(of text: Substring, _ columns: Int) -> Substring {
        var used = 0
        let head = text.prefix { character in
            used += width(of: character)
            return used <= columns
        }
        return head.isEmpty ? text.prefix(1) : head
    }
}
