/// Sees where the JSON object ends that a text begins with, piece by piece; its brackets are counted, and not judged.
struct ObjectScan {
    private var state = State.before

    private enum State: Equatable {
        /// Nothing but blanks has come.
        case before
        case within(depth: Int, isText: Bool, isEscaped: Bool)
        case whole
        /// The text is no object, or goes on behind its end.
        case none
    }

    var isWhole: Bool { state == .whole }

    mutating func take(_ piece: String) {
        for byte in piece.utf8 {
            if state == .none { return }
            state = next(byte)
        }
    }

    private func next(_ byte: UInt8) -> State {
        switch (state, byte) {
        case (.within(let depth, true, let isEscaped), _):
            let isEnd = !isEscaped && byte == UInt8(ascii: "\"")
            return .within(depth: depth, isText: !isEnd, isEscaped: !isEscaped && byte == UInt8(ascii: "\\"))
        case (_, UInt8(ascii: " ")), (_, UInt8(ascii: "\t")), (_, UInt8(ascii: "\r")), (_, UInt8(ascii: "\n")):
            return state
        case (.before, UInt8(ascii: "{")): return .within(depth: 1, isText: false, isEscaped: false)
        case (.within(let depth, _, _), UInt8(ascii: "{")), (.within(let depth, _, _), UInt8(ascii: "[")):
            return .within(depth: depth + 1, isText: false, isEscaped: false)
        case (.within(let depth, _, _), UInt8(ascii: "}")), (.within(let depth, _, _), UInt8(ascii: "]")):
            return depth == 1 ? .whole : .within(depth: depth - 1, isText: false, isEscaped: false)
        case (.within(let depth, _, _), UInt8(ascii: "\"")):
            return .within(depth: depth, isText: true, isEscaped: false)
        case (.within, _): return state
        case (.before, _), (.whole, _), (.none, _): return .none
        }
    }
}
