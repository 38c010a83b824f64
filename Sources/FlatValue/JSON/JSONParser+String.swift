extension JSONParser {
    /// Reads a string whose opening quote has been read, and appends its length and its bytes.
    mutating func parseStringBody() throws(JSONError) {
        let opening = position - 1
        let lengthOffset = arena.count
        arena.append(word: UInt32(0))
        while true {
            let run = position
            try skipPlainText()
            arena.append(UnsafeRawBufferPointer(start: run, count: position - run))
            guard position < end else { throw error("the string that begins here has no end", at: opening) }
            if position[0] == UInt8(ascii: "\"") {
                position += 1
                break
            }
            guard position[0] == UInt8(ascii: "\\") else {
                throw error("a control character in a string must be escaped", at: position)
            }
            try parseEscape()
        }
        arena.patch(UInt32(truncatingIfNeeded: arena.count &- lengthOffset &- 4), at: lengthOffset)
    }

    /// Moves to the next quote, backslash or control character.
    @inline(__always)
    private mutating func skipPlainText() throws(JSONError) {
        while position < end {
            if end - position >= 8 {
                let word = UnsafeRawPointer(position).loadUnaligned(as: UInt64.self)
                if Self.isPlainASCII(word) {
                    position += 8
                    continue
                }
            }
            let byte = position[0]
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20 { return }
            if byte < 0x80 {
                position += 1
                continue
            }
            let length = UTF8Sequence.length(at: position, before: end)
            if length == 0 { throw error("the text is not UTF-8", at: position) }
            position += length
        }
    }

    /// Whether eight bytes hold no quote, no backslash, no control character and nothing beyond ASCII.
    @inline(__always)
    static func isPlainASCII(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        @inline(__always) func hasZero(_ word: UInt64) -> UInt64 { (word &- ones) & ~word & highs }
        let quote = hasZero(word ^ (ones &* UInt64(UInt8(ascii: "\""))))
        let backslash = hasZero(word ^ (ones &* UInt64(UInt8(ascii: "\\"))))
        let control = (word &- ones &* 0x20) & ~word & highs
        return (word & highs) | quote | backslash | control == 0
    }

    private mutating func parseEscape() throws(JSONError) {
        let place = position
        guard position + 1 < end else { throw error("the text ends inside an escape", at: place) }
        let letter = position[1]
        position += 2
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): arena.append(letter)
        case UInt8(ascii: "b"): arena.append(0x08)
        case UInt8(ascii: "f"): arena.append(0x0C)
        case UInt8(ascii: "n"): arena.append(0x0A)
        case UInt8(ascii: "r"): arena.append(0x0D)
        case UInt8(ascii: "t"): arena.append(0x09)
        case UInt8(ascii: "u"): try parseUnicodeEscape(at: place)
        default:
            throw error("unknown escape in a string; expected one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u", at: place)
        }
    }

    private mutating func parseUnicodeEscape(at place: UnsafePointer<UInt8>) throws(JSONError) {
        var scalar = try parseHex(at: place)
        switch scalar {
        case 0xDC00...0xDFFF:
            throw error("a low surrogate without a high one before it", at: place)
        case 0xD800...0xDBFF:
            guard end - position >= 2, position[0] == UInt8(ascii: "\\"), position[1] == UInt8(ascii: "u") else {
                throw error("a high surrogate without a low one after it", at: place)
            }
            position += 2
            let low = try parseHex(at: place)
            guard 0xDC00...0xDFFF ~= low else {
                throw error("a high surrogate without a low one after it", at: place)
            }
            scalar = 0x10000 + (scalar - 0xD800) << 10 + (low - 0xDC00)
        default: break
        }
        // Surrogates are gone, so every number left is a scalar.
        for unit in UTF8.encode(Unicode.Scalar(scalar).unsafelyUnwrapped).unsafelyUnwrapped { arena.append(unit) }
    }

    private mutating func parseHex(at place: UnsafePointer<UInt8>) throws(JSONError) -> UInt32 {
        guard end - position >= 4 else { throw error("expected four hexadecimal digits after \\u", at: place) }
        var value: UInt32 = 0
        for _ in 0..<4 {
            let digit: UInt8
            switch position[0] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = position[0] - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = position[0] - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = position[0] - UInt8(ascii: "A") + 10
            default: throw error("expected four hexadecimal digits after \\u", at: place)
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }
}
