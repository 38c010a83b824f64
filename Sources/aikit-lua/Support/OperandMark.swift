/// Finds what an error of Lua speaks of, such as `(field 'price')`, in the line that raised it.
enum OperandMark {
    /// The place of the name in the code of the line, texts and comments aside: where it stands as the error says.
    static func range(of message: String, in line: [Character]) -> Range<Int>? {
        guard let operand = Operand(message) else { return raised(message, in: line) }
        let (name, code) = (operand.name, withoutTexts(line))
        guard !name.isEmpty, name.count <= line.count else { return nil }
        var found: Int?
        for start in 0...(code.count - name.count) where Array(code[start..<start + name.count]) == name {
            let end = start + name.count
            let before = start > 0 ? code[start - 1] : " "
            guard !isWord(before), !isWord(end < code.count ? code[end] : " ") else { continue }
            let isFitting =
                switch operand.kind {
                case .field: before == "."
                case .method: before == ":"
                case .call: true
                case .variable: before != "." && before != ":"
                }
            guard isFitting else { continue }
            // The first place that the error can mean is where the line stopped; without one, the last.
            if operand.use.fits(start..<end, in: code) { return start..<end }
            if operand.use != .index, operand.use != .assignment { found = start }
        }
        return found.map { $0..<$0 + name.count }
    }

    /// The call that raised a message of the script's own, where the line has one such call.
    private static func raised(_ message: String, in line: [Character]) -> Range<Int>? {
        guard message.count > 1, String(line).contains(message.prefix(200)) else { return nil }
        let code = withoutTexts(line)
        var found: Range<Int>?
        for name in ["error", "assert", "aikit.fail"].map(Array.init) where name.count <= code.count {
            for start in 0...(code.count - name.count) where Array(code[start..<start + name.count]) == name {
                let range = start..<start + name.count
                guard !isWord(start > 0 ? code[start - 1] : " "), Use.call.fits(range, in: line) else { continue }
                if found != nil { return nil }
                found = range
            }
        }
        return found
    }

    /// What a message says of a name.
    private struct Operand {
        enum Kind { case field, method, call, variable }

        let kind: Kind
        let name: [Character]
        let use: Use

        init?(_ message: String) {
            if let name = Self.quoted(in: message, after: "undefined global ") {
                (kind, self.name, use) = (.variable, name, .value)
            } else if message.hasPrefix("bad argument #"), let name = Self.quoted(in: message, after: " to ") {
                (kind, self.name, use) = (.call, name, .call)
            } else if message.hasPrefix("call it with a dot: ") {
                let function = message.prefix { $0 != "(" }.split(separator: ".").last ?? ""
                (kind, name, use) = (.method, Array(function), .call)
            } else if message.contains("is read-only: "), let end = message.firstRange(of: " = …")?.lowerBound {
                let name = message[..<end].reversed().prefix { isWord($0) }
                (kind, self.name, use) = (.field, name.reversed(), .assignment)
            } else if message.contains("attempt to "), message.hasSuffix("')"), let open = message.lastIndex(of: "("),
                let quote = message[open...].firstIndex(of: "'")
            {
                switch message[message.index(after: open)..<quote].filter({ $0 != " " }) {
                case "field": kind = .field
                case "method": kind = .method
                case "local", "upvalue", "global": kind = .variable
                default: return nil
                }
                name = Array(message[message.index(after: quote)...].dropLast(2))
                use = Use(message)
            } else {
                return nil
            }
        }

        private static func quoted(in message: String, after words: String) -> [Character]? {
            guard let start = message.firstRange(of: words + "'")?.upperBound,
                let end = message[start...].firstIndex(of: "'")
            else { return nil }
            return Array(message[start..<end])
        }
    }

    /// What the line did with the value.
    private enum Use {
        case index, call, arithmetic, concatenation, length, comparison, assignment, value

        init(_ message: String) {
            self =
                message.contains("attempt to index")
                ? .index
                : message.contains("attempt to call")
                    ? .call
                    : message.contains("arithmetic") || message.contains("bitwise")
                        || message.contains("number has no integer")
                        ? .arithmetic
                        : message.contains("concatenate")
                            ? .concatenation
                            : message.contains("length of")
                                ? .length
                                : message.contains("compare") ? .comparison : .value
        }

        /// Whether a name at this place is used so.
        func fits(_ place: Range<Int>, in code: [Character]) -> Bool {
            let behind = code[place.upperBound...].drop { $0 == " " }
            // What stands before the whole of `a.b.name`.
            let before = code[..<place.lowerBound].reversed().drop { isWord($0) || $0 == "." || $0 == ":" }
                .drop { $0 == " " }
            func follows(_ operators: [String]) -> Bool { operators.contains { behind.starts(with: $0) } }
            func precedes(_ operators: [String]) -> Bool { operators.contains { before.starts(with: $0.reversed()) } }
            switch self {
            case .index:
                return behind.starts(with: "[") || code[place.upperBound...].first.map { ".:".contains($0) } == true
            case .call: return follows(["(", "{", "\"", "'", "[["])
            case .arithmetic:
                let operators = ["+", "-", "*", "/", "%", "^", "&", "|", "~", "<<", ">>"]
                return follows(operators) && !follows(["~="]) || precedes(operators)
            case .concatenation: return follows([".."]) || precedes([".."]) || dotsBefore(place, in: code)
            case .length: return precedes(["#"])
            case .comparison: return follows(["<", ">"]) || precedes(["<", ">", "<=", ">="])
            case .assignment: return follows(["="]) && !follows(["=="])
            case .value: return !(follows(["="]) && !follows(["=="]))
            }
        }

        /// Whether `..` stands right before the whole of `a.b.name`.
        private func dotsBefore(_ place: Range<Int>, in code: [Character]) -> Bool {
            let path = code[..<place.lowerBound].reversed().prefix { isWord($0) || $0 == "." }
            return String(path).contains("..")
        }
    }

    /// The line with blanks in place of quoted texts and of a comment.
    private static func withoutTexts(_ line: [Character]) -> [Character] {
        var code = line
        var quote: Character?
        var index = 0
        while index < code.count {
            let character = line[index]
            if let open = quote {
                code[index] = " "
                if character == "\\", index + 1 < code.count {
                    index += 1
                    code[index] = " "
                } else if character == open {
                    quote = nil
                }
            } else if character == "\"" || character == "'" {
                quote = character
                code[index] = " "
            } else if character == "-", index + 1 < line.count, line[index + 1] == "-" {
                for rest in index..<code.count { code[rest] = " " }
                break
            }
            index += 1
        }
        return code
    }
}

private func isWord(_ character: Character) -> Bool {
    character.isLetter || character.isNumber || character == "_"
}
