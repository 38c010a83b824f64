/// Lines at the cursor that are drawn again and again in place.
///
/// Drawing is ``restart(in:of:)``, then each line, then ``finish(in:)``. Old lines are written over and never cleared all at
/// once: a terminal that is cleared from its first row on keeps a copy of the screen in its history.
struct ScreenBlock {
    /// The columns of each line that stands on the screen, above the cursor.
    private var drawn: [Int] = []

    /// Goes back to the first line. A terminal that has become narrower has broken its lines; one that has become lower has
    /// scrolled some of them away for good.
    mutating func restart(in update: inout ScreenUpdate, of stream: TextStream) {
        guard !drawn.isEmpty else { return }
        update.add(.up(min(Self.rows(of: drawn, columns: stream.width), max(stream.height - 1, 1))))
        drawn = []
    }

    /// Adds a line that belongs to the block, of which `width` says the columns without its escape sequences.
    mutating func add(_ text: String, width: Int, to update: inout ScreenUpdate) {
        write(text, to: &update)
        drawn.append(width)
    }

    /// Writes lines that stay where they are, above the block.
    func write(_ text: String, to update: inout ScreenUpdate) {
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            // A tab moves the cursor and would leave what stood there.
            update.add(line.contains("\t") ? Self.withoutTabs(line) : String(line))
            update.add(.clearsRestOfRow)
            update.add("\n")
        }
    }

    /// The line with blanks up to the next column that a tab leads to, in place of each tab.
    private static func withoutTabs(_ line: Substring) -> String {
        var (result, column) = ("", 0)
        for (index, part) in line.split(separator: "\t", omittingEmptySubsequences: false).enumerated() {
            if index > 0 {
                let blanks = 8 - column % 8
                result += String(repeating: " ", count: blanks)
                column += blanks
            }
            result += part
            column += ScreenText.width(of: ShownText.text(String(part)))
        }
        return result
    }

    /// Clears what is left of the old lines.
    func finish(in update: inout ScreenUpdate) { update.add(.clearsBelow) }

    /// Leaves on the screen what stands there.
    mutating func release() { drawn = [] }

    /// The rows that lines of these widths take.
    static func rows(of widths: [Int], columns: Int) -> Int {
        let columns = max(columns, 1)
        return widths.reduce(0) { $0 + max(($1 + columns - 1) / columns, 1) }
    }
}
