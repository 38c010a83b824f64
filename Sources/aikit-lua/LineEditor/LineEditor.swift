/// One line that is being edited: a state and what each key does to it. It knows nothing of the screen.
struct LineEditor: Equatable {
    /// What is to be done after a key.
    enum Outcome: Equatable {
        /// The line may look different now.
        case edited
        /// Enter: the line is ready.
        case submitted(String)
        /// Tab: the word before the cursor is to be completed.
        case completes
        /// Ctrl-C or escape: the line is given up.
        case abandoned
        /// Ctrl-D on an empty line.
        case ended
        /// Ctrl-L.
        case clearsScreen
    }

    private(set) var scalars: [Unicode.Scalar] = []
    /// How many scalars stand before the cursor.
    private(set) var cursor = 0
    private var history: [String]
    /// The place in the history that is shown; its count stands for the line that is being written.
    private var place: Int
    private var draft = ""
    private var killed: [Unicode.Scalar] = []

    /// - Parameters:
    ///   - text: what the line holds at first.
    ///   - history: earlier lines, the oldest first.
    init(_ text: String = "", history: [String] = []) {
        scalars = Array(text.unicodeScalars)
        cursor = scalars.count
        self.history = history
        place = history.count
    }

    var text: String { Self.string(scalars[...]) }
    var textBeforeCursor: String { Self.string(scalars[..<cursor]) }

    private static func string(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars)
        return String(text)
    }

    mutating func take(_ key: Key) -> Outcome {
        switch key {
        case .character(let character): insert(String(character))
        case .enter: return .submitted(text)
        case .tab: return .completes
        case .backspace, .control("h"): remove(stepLeft()..<cursor)
        case .delete: remove(cursor..<stepRight())
        case .left, .control("b"): cursor = stepLeft()
        case .right, .control("f"): cursor = stepRight()
        case .home, .control("a"): cursor = 0
        case .end, .control("e"): cursor = scalars.count
        case .wordLeft: cursor = wordLeft()
        case .wordRight: cursor = wordRight()
        case .up, .control("p"): recall(place - 1)
        case .down, .control("n"): recall(place + 1)
        case .control("k"): kill(cursor..<scalars.count)
        case .control("u"): kill(0..<cursor)
        case .control("w"): kill(wordLeft()..<cursor)
        case .control("y"): insert(Self.string(killed[...]))
        case .control("l"): return .clearsScreen
        case .control("c"), .escape: return .abandoned
        case .control("d"):
            if scalars.isEmpty { return .ended }
            remove(cursor..<stepRight())
        case .control: break
        }
        return .edited
    }

    /// Puts a text where the cursor is, in place of as many scalars before it.
    mutating func insert(_ text: String, replacing count: Int = 0) {
        let start = max(cursor - count, 0)
        let new = Array(text.unicodeScalars)
        scalars.replaceSubrange(start..<cursor, with: new)
        cursor = start + new.count
    }

    private mutating func remove(_ range: Range<Int>) {
        scalars.removeSubrange(range)
        cursor = range.lowerBound
    }

    private mutating func kill(_ range: Range<Int>) {
        guard !range.isEmpty else { return }
        killed = Array(scalars[range])
        remove(range)
    }

    private mutating func recall(_ target: Int) {
        guard (0...history.count).contains(target), target != place else { return }
        if place == history.count { draft = text }
        place = target
        scalars = Array((target == history.count ? draft : history[target]).unicodeScalars)
        cursor = scalars.count
    }

    // MARK: Moving over whole characters and words

    private func stepLeft() -> Int {
        guard cursor > 0 else { return 0 }
        return cursor - (Self.string(scalars[..<cursor]).last?.unicodeScalars.count ?? 1)
    }

    private func stepRight() -> Int {
        guard cursor < scalars.count else { return cursor }
        return cursor + (Self.string(scalars[cursor...]).first?.unicodeScalars.count ?? 1)
    }

    private func isWord(_ index: Int) -> Bool {
        scalars[index].properties.isAlphabetic || scalars[index] == "_" || ("0"..."9").contains(scalars[index])
    }

    private func wordLeft() -> Int {
        var index = cursor
        while index > 0, !isWord(index - 1) { index -= 1 }
        while index > 0, isWord(index - 1) { index -= 1 }
        return index
    }

    private func wordRight() -> Int {
        var index = cursor
        while index < scalars.count, !isWord(index) { index += 1 }
        while index < scalars.count, isWord(index) { index += 1 }
        return index
    }
}
