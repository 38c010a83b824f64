/// A word of Lua source.
struct LuaToken: Equatable {
    enum Kind {
        case name, keyword, string, number, symbol, end
        /// Stands where a text begins that has no end.
        case broken
    }

    var kind: Kind
    /// The word as it is written; the value of a string.
    var text: String
    var line: Int
    /// From 1, in bytes.
    var column: Int

    func isSymbol(_ symbol: String) -> Bool { kind == .symbol && text == symbol }
    func isKeyword(_ keyword: String) -> Bool { kind == .keyword && text == keyword }
}

/// Splits Lua source into words.
///
/// What is no Lua ends the list early: the compiler has said so by then, and this only looks at what it took.
struct LuaLexer {
    private let source: [UInt8]
    private var index = 0
    private var line = 1
    private var lineStart = 0
    /// Whether a text has no end.
    private var isBroken = false

    init(_ source: [UInt8]) { self.source = source }

    static func tokens(of source: [UInt8]) -> [LuaToken] {
        var lexer = LuaLexer(source)
        var tokens: [LuaToken] = []
        tokens.reserveCapacity(source.count / 5)
        // The first line may name an interpreter.
        if source.first == UInt8(ascii: "#") { lexer.skipLine() }
        while let token = lexer.next() { tokens.append(token) }
        tokens.append(lexer.token(lexer.isBroken ? .broken : .end, ""))
        return tokens
    }

    private static let keywords: Set<String> = [
        "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local", "nil",
        "not", "or", "repeat", "return", "then", "true", "until", "while",
    ]
    private static let longSymbols = ["...", "..", "==", "~=", "<=", ">=", "//", "::", "<<", ">>"].map {
        Array($0.utf8)
    }

    private func token(_ kind: LuaToken.Kind, _ text: String, from start: Int? = nil) -> LuaToken {
        LuaToken(kind: kind, text: text, line: line, column: (start ?? index) - lineStart + 1)
    }

    private func byte(_ offset: Int = 0) -> UInt8 { index + offset < source.count ? source[index + offset] : 0 }

    private mutating func next() -> LuaToken? {
        skipBlanks()
        guard index < source.count else { return nil }
        let first = source[index]
        let start = index
        if Self.isLetter(first) {
            while Self.isLetter(byte()) || Self.isDigit(byte()) { index += 1 }
            let word = String(decoding: source[start..<index], as: UTF8.self)
            return token(Self.keywords.contains(word) ? .keyword : .name, word, from: start)
        }
        if Self.isDigit(first) || first == UInt8(ascii: ".") && Self.isDigit(byte(1)) { return number() }
        if first == UInt8(ascii: "\"") || first == UInt8(ascii: "'") { return quoted(first) }
        if first == UInt8(ascii: "["), let level = longBracket() {
            var result = token(.string, "", from: start)
            guard let text = longText(level) else { return nil }
            result.text = text
            return result
        }
        for symbol in Self.longSymbols where source[index...].starts(with: symbol) {
            index += symbol.count
            return token(.symbol, String(decoding: symbol, as: UTF8.self), from: start)
        }
        index += 1
        return token(.symbol, String(UnicodeScalar(first)), from: start)
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (65...90).contains(byte) || (97...122).contains(byte) || byte == UInt8(ascii: "_")
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }

    private mutating func newLine() {
        line += 1
        lineStart = index
    }

    private mutating func skipLine() { while index < source.count, source[index] != 10 { index += 1 } }

    private mutating func skipBlanks() {
        while index < source.count {
            let here = source[index]
            if here == 10 {
                index += 1
                newLine()
            } else if here == 32 || (9...13).contains(here) {
                index += 1
            } else if here == UInt8(ascii: "-"), byte(1) == UInt8(ascii: "-") {
                index += 2
                if byte() == UInt8(ascii: "["), let level = longBracket() {
                    guard longText(level) != nil else { return }
                } else {
                    skipLine()
                }
            } else {
                return
            }
        }
    }

    private mutating func number() -> LuaToken {
        let start = index
        var last: UInt8 = 0
        while Self.isLetter(byte()) || Self.isDigit(byte()) || byte() == UInt8(ascii: ".")
            || (byte() == UInt8(ascii: "-") || byte() == UInt8(ascii: "+"))
                && Self.isExponent(last, source[start..<index])
        {
            last = byte()
            index += 1
        }
        return token(.number, String(decoding: source[start..<index], as: UTF8.self), from: start)
    }

    private static func isExponent(_ last: UInt8, _ digits: ArraySlice<UInt8>) -> Bool {
        let isHexadecimal = digits.dropFirst().first.map { $0 | 32 == UInt8(ascii: "x") } ?? false
        return last | 32 == UInt8(ascii: isHexadecimal ? "p" : "e")
    }

    private mutating func quoted(_ quote: UInt8) -> LuaToken? {
        var result = token(.string, "")
        index += 1
        var text: [UInt8] = []
        while index < source.count, source[index] != quote {
            var here = source[index]
            index += 1
            if here == UInt8(ascii: "\\"), index < source.count {
                let mark = source[index]
                index += 1
                switch mark {
                case UInt8(ascii: "n"): here = 10
                case UInt8(ascii: "t"): here = 9
                case UInt8(ascii: "r"): here = 13
                case UInt8(ascii: "a"): here = 7
                case UInt8(ascii: "b"): here = 8
                case UInt8(ascii: "f"): here = 12
                case UInt8(ascii: "v"): here = 11
                case UInt8(ascii: "x"):
                    guard let code = digits(2, radix: 16) else { continue }
                    here = UInt8(truncatingIfNeeded: code)
                case UInt8(ascii: "u"):
                    if byte() == UInt8(ascii: "{") { index += 1 }
                    let code = digits(8, radix: 16) ?? 0
                    if byte() == UInt8(ascii: "}") { index += 1 }
                    text += Self.utf8(code)
                    continue
                case 48...57:
                    index -= 1
                    here = UInt8(truncatingIfNeeded: digits(3, radix: 10) ?? 0)
                case UInt8(ascii: "z"):
                    while index < source.count, source[index] == 32 || (9...13).contains(source[index]) {
                        index += 1
                        if source[index - 1] == 10 { newLine() }
                    }
                    continue
                case 10:
                    newLine()
                    here = 10
                case 13: continue
                default: here = mark
                }
            }
            text.append(here)
        }
        guard index < source.count else {
            isBroken = true
            return nil
        }
        index += 1
        result.text = String(decoding: text, as: UTF8.self)
        return result
    }

    /// The number that at most `count` digits give; nil where there is none.
    private mutating func digits(_ count: Int, radix: UInt32) -> UInt32? {
        var result: UInt32?
        let end = index + count
        while index < end, case let digit = UInt32(byte()), let value = Self.digitValue(digit), value < radix {
            result = (result ?? 0) &* radix &+ value
            index += 1
        }
        return result
    }

    private static func digitValue(_ byte: UInt32) -> UInt32? {
        switch byte {
        case 48...57: byte - 48
        case 65...70: byte - 55
        case 97...102: byte - 87
        default: nil
        }
    }

    /// The bytes of a code point, also of those that Unicode does not have, up to 2^31 as Lua writes them.
    private static func utf8(_ code: UInt32) -> [UInt8] {
        if code < 0x80 { return [UInt8(truncatingIfNeeded: code)] }
        var rest = code
        var bytes: [UInt8] = []
        var first: UInt32 = 0x3F
        repeat {
            bytes.insert(UInt8(truncatingIfNeeded: 0x80 | rest & 0x3F), at: 0)
            rest >>= 6
            first >>= 1
        } while rest > first
        bytes.insert(UInt8(truncatingIfNeeded: ~first << 1 | rest), at: 0)
        return bytes
    }

    /// The number of equal signs of a long bracket that begins here.
    private func longBracket() -> Int? {
        var end = index + 1
        while end < source.count, source[end] == UInt8(ascii: "=") { end += 1 }
        return end < source.count && source[end] == UInt8(ascii: "[") ? end - index - 1 : nil
    }

    private mutating func longText(_ level: Int) -> String? {
        let closing = [UInt8(ascii: "]")] + [UInt8](repeating: UInt8(ascii: "="), count: level) + [UInt8(ascii: "]")]
        index += level + 2
        let start = index
        while index < source.count {
            if source[index] == closing[0], source[index...].starts(with: closing) {
                let text = String(decoding: source[start..<index], as: UTF8.self)
                index += closing.count
                return text
            }
            index += 1
            if source[index - 1] == 10 { newLine() }
        }
        isBroken = true
        return nil
    }
}
