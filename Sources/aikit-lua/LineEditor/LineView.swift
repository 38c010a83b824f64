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
        let room = max(columns - ScreenText.width(of: prompt) - 1, 8)
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
        cursor = ScreenText.width(of: prompt) + used
    }

    private static func width(of character: Character) -> Int { ScreenText.width(of: visible(character)) }

    /// Characters that would move the cursor or cannot be seen, as a mark.
    private static func visible(_ character: Character) -> Character {
        let isHidden = character.unicodeScalars.first.map {
            $0.value == 9 || $0.value == 10 || ShownText.isHidden($0, isBehindASCII: true)
        }
        return isHidden == true ? "·" : character
    }
}
