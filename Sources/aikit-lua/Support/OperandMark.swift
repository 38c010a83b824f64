/// Finds what an error of Lua speaks of, such as `(field 'price')`, in the line that raised it.
enum OperandMark {
    private static let kinds = ["field", "method", "local", "upvalue", "global"]

    /// The place of the name in the code of the line, texts and comments aside: the last one that stands as the error says.
    static func range(of message: String, in line: [Character]) -> Range<Int>? {
        guard message.contains("attempt to "), message.hasSuffix("')"),
            let open = message.lastIndex(of: "("), let quote = message[open...].firstIndex(of: "'")
        else { return nil }
        let kind = message[message.index(after: open)..<quote].filter { $0 != " " }
        let name = Array(message[message.index(after: quote)...].dropLast(2))
        guard kinds.contains(kind), !name.isEmpty, name.count <= line.count else { return nil }
        let code = withoutTexts(line)
        let isIndexed = message.contains("attempt to index")
        var found: Int?
        for start in 0...(code.count - name.count) where Array(code[start..<start + name.count]) == name {
            let before = start > 0 ? code[start - 1] : " "
            let behind = start + name.count < code.count ? code[start + name.count] : " "
            guard !isWord(before), !isWord(behind) else { continue }
            let isFitting =
                switch kind {
                case "field": before == "."
                case "method": before == ":"
                default: before != "." && before != ":"
                }
            guard isFitting, !isIndexed || [".", ":", "["].contains(behind) else { continue }
            found = start
            // The first thing that is indexed is where the line stopped.
            if isIndexed { break }
        }
        return found.map { $0..<$0 + name.count }
    }

    private static func isWord(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || character == "_"
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
