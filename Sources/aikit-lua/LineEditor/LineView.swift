/// How a line that is being edited looks on one row of the screen.
struct LineView {
    /// The part of the line that is shown.
    var text: String
    /// Columns from the row's left edge to the cursor.
    var cursor: Int

    /// - Parameters:
    ///   - prompt: what stands before the line, without escape sequences.
    ///   - columns: how many there are; of a longer line the part around the cursor is shown.
    init(_ editor: LineEditor, prompt: String, columns: Int) {
        let room = max(columns - Self.width(of: prompt) - 1, 8)
        let before = Array(editor.textBeforeCursor)
        let all = Array(editor.text)
        var start = 0
        var used = before.reduce(0) { $0 + Self.width(of: $1) }
        while used > room, start < before.count {
            used -= Self.width(of: before[start])
            start += 1
        }
        var shown = ""
        var width = 0
        for character in all[min(start, all.count)...] {
            width += Self.width(of: character)
            if width > room { break }
            shown.append(Self.visible(character))
        }
        text = shown
        cursor = Self.width(of: prompt) + used
    }

    static func width(of text: String) -> Int { text.reduce(0) { $0 + width(of: $1) } }

    /// The columns that a character takes in a terminal.
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

    /// Control characters, which would move the cursor, as a mark.
    private static func visible(_ character: Character) -> Character {
        guard let scalar = character.unicodeScalars.first, scalar.value < 32 || scalar.value == 127 else {
            return character
        }
        return "·"
    }
}
