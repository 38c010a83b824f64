internal import FlatValue

/// How messages speak of patterns that only look for a fixed text.
enum PatternWords {
    /// `start with "a"`, `end with "b"`, `contain "c"`; nil where a pattern asks for more.
    static func rule(_ source: String) -> String? {
        var rest = Substring(source)
        let isStart = rest.hasPrefix("^")
        if isStart { rest.removeFirst() }
        var text = ""
        var isEnd = false
        while let character = rest.popFirst() {
            if character == "$", rest.isEmpty {
                isEnd = true
            } else if character == "\\" {
                // Letters and digits after a backslash mean more than themselves.
                guard let next = rest.popFirst(), !next.isLetter, !next.isNumber else { return nil }
                text.append(next)
            } else if "^$.[]*+?(){}|".contains(character) {
                return nil
            } else {
                text.append(character)
            }
        }
        guard !text.isEmpty else { return nil }
        let quoted = Value(shortened(text, to: 60)).json
        switch (isStart, isEnd) {
        case (true, true): return "be \(quoted)"
        case (true, false): return "start with \(quoted)"
        case (false, true): return "end with \(quoted)"
        case (false, false): return "contain \(quoted)"
        }
    }
}
