/// Text as people may see it: what steers a terminal or cannot be seen stands as JSON writes it, such as `\u001b`.
///
/// Shown so are the control characters C0 (except line feed and tab), DEL and C1, the marks of writing direction, and characters
/// without width where no script needs them: joiners behind ASCII, invisible blanks, tags, noncharacters. JSON text means the same
/// afterwards. A line feed after a carriage return stands for both. The marks of ``Style`` become escape sequences.
enum ShownText {
    static func text(_ text: String) -> String {
        var text = text
        return text.withUTF8 { escaped(UnsafeRawBufferPointer($0)).map { String(decoding: $0, as: UTF8.self) } } ?? text
    }

    /// Bytes of a message that are shown; what has more is data that nobody reads on a screen.
    private static let messageLimit = 4000

    /// The message, or its beginning and how much is left out.
    static func shortened(_ message: String) -> String {
        let count = message.utf8.count
        guard count > messageLimit else { return message }
        let utf8 = message.utf8
        var end = utf8.index(utf8.startIndex, offsetBy: messageLimit)
        // A scalar stays whole.
        while end.samePosition(in: message.unicodeScalars) == nil { end = utf8.index(before: end) }
        return "\(message[..<end])… (\(count - utf8.distance(from: utf8.startIndex, to: end)) bytes more)"
    }

    /// The text on one line: line feeds and tabs are shown too.
    static func line(_ line: String) -> String {
        guard line.utf8.contains(where: { $0 == 10 || $0 == 9 || $0 == 13 }) else { return text(line) }
        var result = ""
        for scalar in line.unicodeScalars {
            switch scalar {
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case "\r": result += "\\r"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return text(result)
    }

    /// The bytes to show, or nil where they may stay as they are.
    static func escaped(_ bytes: UnsafeRawBufferPointer) -> [UInt8]? {
        guard var first = bytes.firstIndex(where: mayHide) else { return nil }
        // It may lie within a character, whose first byte is no more than three before it.
        var steps = 3
        while steps > 0, first > 0, bytes[first] & 0xC0 == 0x80 { (first, steps) = (first - 1, steps - 1) }
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count + 64)
        result += bytes[..<first]
        var isBehindASCII = first == 0 || bytes[first - 1] < 0x80
        var index = first
        while index < bytes.count {
            let byte = bytes[index]
            if byte == 13, index + 1 < bytes.count, bytes[index + 1] == 10 {
                index += 1
                continue
            }
            if byte >= 0x20 && byte < 0x7F || byte == 10 || byte == 9 {
                result.append(byte)
                isBehindASCII = true
                index += 1
                continue
            }
            if byte == StyleMark.lead, let (sequence, length) = StyleMark.read(bytes, at: index) {
                result += sequence
                index += length
                continue
            }
            let (scalar, length) = scalar(of: bytes, at: index)
            if let scalar, !isHidden(scalar, isBehindASCII: isBehindASCII) {
                result += bytes[index..<index + length]
            } else {
                result += escape(scalar?.value ?? UInt32(byte))
            }
            isBehindASCII = scalar?.isASCII ?? true
            index += length
        }
        return result
    }

    /// Whether a byte can begin anything that has to be looked at.
    private static func mayHide(_ byte: UInt8) -> Bool {
        if byte < 0x20 { return byte != 10 && byte != 9 }
        switch byte {
        case 0x7F...0xC2, 0xCD, 0xD8, 0xE1, 0xE2, 0xE3, 0xEF...0xFF: return true
        default: return false
        }
    }

    /// Whether a scalar moves the cursor, changes how its neighbours show, or is not to be seen.
    static func isHidden(_ scalar: Unicode.Scalar, isBehindASCII: Bool) -> Bool {
        switch scalar.value {
        case 9, 10: false
        case 0..<0x20, 0x7F...0x9F: true
        // Soft hyphen, grapheme joiner, Arabic letter mark, Hangul fillers, the Mongolian vowel separator.
        case 0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180E, 0x3164, 0xFFA0: true
        // Joiners shape Indic and Arabic words and emoji; behind ASCII they only make two names look alike.
        case 0x200C, 0x200D: isBehindASCII
        case 0x200B, 0x200E, 0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF, 0xFFF9...0xFFFB: true
        case 0xFDD0...0xFDEF, 0xE0000...0xE0FFF: true
        default: scalar.value & 0xFFFE == 0xFFFE
        }
    }

    /// The scalar at a place and its bytes; nil with one byte where there is none.
    private static func scalar(of bytes: UnsafeRawBufferPointer, at index: Int) -> (Unicode.Scalar?, Int) {
        let lead = bytes[index]
        let length = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0
        guard length > 0, index + length <= bytes.count else { return (nil, 1) }
        var value = length == 1 ? UInt32(lead) : UInt32(lead) & (0x7F >> UInt32(length))
        for byte in bytes[index + 1..<index + length] {
            guard byte & 0xC0 == 0x80 else { return (nil, 1) }
            value = value << 6 | UInt32(byte & 0x3F)
        }
        return Unicode.Scalar(value).map { ($0, length) } ?? (nil, 1)
    }

    private static func escape(_ value: UInt32) -> [UInt8] {
        guard value > 0xFFFF else { return unit(value) }
        return unit(0xD800 + ((value - 0x10000) >> 10)) + unit(0xDC00 + ((value - 0x10000) & 0x3FF))
    }

    private static func unit(_ value: UInt32) -> [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        return Array("\\u".utf8) + [12, 8, 4, 0].map { digits[Int(value >> $0 & 0xF)] }
    }
}

/// The place of an escape sequence in a text that ``Style`` made.
///
/// It has a key that data cannot know, so that text of others never becomes an escape sequence, whatever it holds.
enum StyleMark {
    /// The first byte of a mark: that of U+FDD0, which stands for no character.
    static let lead: UInt8 = 0xEF

    private static let prefix = String(
        [scalar(0xFDD0)] + (0..<2).map { _ in scalar(0x10_0000 + .random(in: 0...0xFFFD)) })
    private static let end = String(scalar(0xFDD1))
    private static let prefixBytes = Array(prefix.utf8)
    private static let endBytes = Array(end.utf8)

    private static func scalar(_ value: UInt32) -> Character { Character(Unicode.Scalar(value) ?? "?") }

    /// A mark that becomes the escape sequence `CSI codes m`.
    static func text(codes: String) -> String { prefix + codes + end }

    /// The escape sequence of a mark and the mark's length; nil where there is none.
    static func read(_ bytes: UnsafeRawBufferPointer, at index: Int) -> ([UInt8], Int)? {
        let rest = bytes[index...]
        guard rest.starts(with: prefixBytes) else { return nil }
        let codes = rest.dropFirst(prefixBytes.count).prefix { $0 < 0x80 }
        guard bytes[codes.endIndex...].starts(with: endBytes) else { return nil }
        return ([0x1B, UInt8(ascii: "[")] + codes + [UInt8(ascii: "m")], codes.endIndex + endBytes.count - index)
    }
}
