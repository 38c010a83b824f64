/// Rewrites an ECMA-262 regular expression (Unicode mode) so that PCRE2 reads the same meaning from it.
///
/// What only one of the two languages knows is refused (`\Z`, possessive quantifiers, inline comments …) or spelt out
/// (`\s`, `.`, `[^]`, `\u{…}`, the long names of properties).
struct ECMATranslator {
    private let scalars: [Unicode.Scalar]
    private var position = 0
    private var output = ""

    init(_ source: String) { scalars = Array(source.unicodeScalars) }

    mutating func translate() throws(Pattern.SyntaxError) -> String {
        while let scalar = peek() {
            position += 1
            switch scalar {
            case "\\": try escape(inClass: false)
            case "[": try characterClass()
            case ".": emit(#"[^\n\r\x{2028}\x{2029}]"#)
            case "(": try groupOpening()
            case "{": try brace()
            case "}", "]": emit("\\\(scalar)")
            case "*", "+", "?": try quantifier(scalar)
            default: output.unicodeScalars.append(scalar)
            }
        }
        return output
    }

    private func peek(_ distance: Int = 0) -> Unicode.Scalar? {
        position + distance < scalars.count ? scalars[position + distance] : nil
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard peek() == scalar else { return false }
        position += 1
        return true
    }

    private mutating func emit(_ text: String) { output += text }

    private func failure(_ message: String) -> Pattern.SyntaxError { Pattern.SyntaxError(message: message) }

    private mutating func quantifier(_ scalar: Unicode.Scalar) throws(Pattern.SyntaxError) {
        output.unicodeScalars.append(scalar)
        if take("?") { output.append("?") }
        if let next = peek(), next == "+" || next == "*" || next == "?" {
            throw failure("nothing to repeat before \(next)")
        }
    }

    /// A quantifier in braces, or a brace that stands for itself.
    private mutating func brace() throws(Pattern.SyntaxError) {
        var end = position
        while end < scalars.count, "0"..."9" ~= scalars[end] || scalars[end] == "," { end += 1 }
        let body = scalars[position..<end]
        let commas = body.count { $0 == "," }
        guard end < scalars.count, scalars[end] == "}", let first = body.first, first != ",", commas <= 1 else {
            return emit("\\{")
        }
        emit("{" + String(String.UnicodeScalarView(body)) + "}")
        position = end + 1
        if take("?") { output.append("?") }
        if let next = peek(), next == "+" || next == "*" || next == "?" {
            throw failure("nothing to repeat before \(next)")
        }
    }

    private mutating func groupOpening() throws(Pattern.SyntaxError) {
        if peek() == "*" { throw failure("nothing to repeat before *") }
        output.append("(")
        guard take("?") else { return }
        output.append("?")
        switch peek() {
        case ":", "=", "!": break
        case "<": break
        default:
            var end = position
            while end < scalars.count, ["i", "m", "s", "-"].contains(scalars[end]) { end += 1 }
            guard end > position, end < scalars.count, scalars[end] == ":" else {
                throw failure("unknown kind of group")
            }
        }
    }

    // MARK: Classes

    private mutating func characterClass() throws(Pattern.SyntaxError) {
        let isNegated = take("^")
        if take("]") {
            // An empty class matches nothing, and its negation everything.
            return emit(isNegated ? #"[\x{0}-\x{10FFFF}]"# : "(?!)")
        }
        emit(isNegated ? "[^" : "[")
        while let scalar = peek() {
            position += 1
            switch scalar {
            case "]":
                output.append("]")
                return
            case "\\": try escape(inClass: true)
            case "[", "^", "&", "~": emit("\\\(scalar)")
            default: output.unicodeScalars.append(scalar)
            }
        }
        throw failure("a character class has no end")
    }

    // MARK: Escapes

    private mutating func escape(inClass: Bool) throws(Pattern.SyntaxError) {
        guard let scalar = peek() else { throw failure("a backslash at the end") }
        position += 1
        switch scalar {
        case "d", "D", "w", "W", "f", "n", "r", "t": emit("\\\(scalar)")
        case "v": emit(#"\x{B}"#)
        case "s": emit(inClass ? Self.spaces : "[\(Self.spaces)]")
        case "S": emit(inClass ? Self.nonSpaces : "[^\(Self.spaces)]")
        case "b": emit(inClass ? #"\x{8}"# : "\\b")
        case "B" where !inClass: emit("\\B")
        case "0":
            if let next = peek(), "0"..."9" ~= next { throw failure("octal escapes are not allowed") }
            emit(#"\x{0}"#)
        case "1"..."9" where !inClass:
            var number = String(scalar)
            while let next = peek(), "0"..."9" ~= next {
                number.unicodeScalars.append(next)
                position += 1
            }
            emit("\\g{\(number)}")
        case "k" where !inClass: emit("\\k")
        case "c":
            guard let letter = peek(), "a"..."z" ~= letter || "A"..."Z" ~= letter else {
                throw failure("\\c without a letter")
            }
            position += 1
            emit(code(letter.value % 32))
        case "x": emit(code(try hex(digits: 2)))
        case "u": emit(code(try unicodeEscape()))
        case "p", "P": emit(try property(isNegated: scalar == "P"))
        case "a"..."z", "A"..."Z", "0"..."9": throw failure("unknown escape \\\(scalar)")
        default:
            // Any sign may be escaped; PCRE2 takes a backslash before ASCII signs as the sign itself.
            if scalar.isASCII { emit("\\") }
            output.unicodeScalars.append(scalar)
        }
    }

    private func code(_ value: UInt32) -> String { "\\x{\(String(value, radix: 16))}" }

    private mutating func hex(digits: Int) throws(Pattern.SyntaxError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<digits {
            guard let digit = peek().flatMap({ Character($0).hexDigitValue }) else {
                throw failure("expected \(digits) hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }

    private mutating func unicodeEscape() throws(Pattern.SyntaxError) -> UInt32 {
        if take("{") {
            var value: UInt32 = 0
            var count = 0
            while let digit = peek().flatMap({ Character($0).hexDigitValue }), value <= 0x10FFFF {
                value = value << 4 | UInt32(digit)
                count += 1
                position += 1
            }
            guard count > 0, value <= 0x10FFFF, take("}") else { throw failure("a malformed \\u{…}") }
            return value
        }
        let high = try hex(digits: 4)
        if 0xD800...0xDBFF ~= high, peek() == "\\", peek(1) == "u", peek(2) != "{" {
            let mark = position
            position += 2
            let low = try hex(digits: 4)
            if 0xDC00...0xDFFF ~= low { return 0x10000 + (high - 0xD800) << 10 + (low - 0xDC00) }
            position = mark
        }
        return high
    }

    private mutating func property(isNegated: Bool) throws(Pattern.SyntaxError) -> String {
        guard take("{"), let end = scalars[position...].firstIndex(of: "}") else {
            throw failure("a property needs braces: \\p{…}")
        }
        let name = String(String.UnicodeScalarView(scalars[position..<end]))
        position = end + 1
        return UnicodeProperty.spelling(of: name, isNegated: isNegated)
    }

    /// White space and line ends of ECMA-262, for use within a class.
    private static let spaces =
        #"\x{9}-\x{D}\x{20}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}\x{FEFF}"#
    private static let nonSpaces =
        #"\x{0}-\x{8}\x{E}-\x{1F}\x{21}-\x{9F}\x{A1}-\x{167F}\x{1681}-\x{1FFF}\x{200B}-\x{2027}\x{202A}-\x{202E}"#
        + #"\x{2030}-\x{205E}\x{2060}-\x{2FFF}\x{3001}-\x{FEFE}\x{FF00}-\x{10FFFF}"#
}
