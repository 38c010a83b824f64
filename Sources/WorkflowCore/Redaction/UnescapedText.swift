/// A text with its escapes read as those of strings in JSON, and where each byte stood. What is no escape stands for itself.
struct UnescapedText {
    private(set) var bytes: [UInt8] = []
    /// Where what became a byte begins and ends in the text.
    private var starts: [Int] = []
    private var ends: [Int] = []

    /// Nil where nothing is escaped.
    init?(_ text: [UInt8]) {
        guard text.contains(UInt8(ascii: "\\")) else { return nil }
        bytes.reserveCapacity(text.count)
        starts.reserveCapacity(text.count)
        ends.reserveCapacity(text.count)
        var index = 0
        // An escape that was cut at the end of the text stands for nothing.
        while index < text.count, !Self.isCut(text, at: index) {
            let start = index
            guard text[start] == UInt8(ascii: "\\") else {
                index += 1
                add(text[start], start..<index)
                continue
            }
            for byte in Self.unit(of: text, at: &index) { add(byte, start..<index) }
        }
    }

    private mutating func add(_ byte: UInt8, _ place: Range<Int>) {
        bytes.append(byte)
        starts.append(place.lowerBound)
        ends.append(place.upperBound)
    }

    /// Of a text that was unescaped before.
    init?(_ text: UnescapedText) {
        guard var inner = UnescapedText(text.bytes) else { return nil }
        for index in inner.bytes.indices {
            inner.starts[index] = text.starts[inner.starts[index]]
            inner.ends[index] = text.ends[inner.ends[index] - 1]
        }
        self = inner
    }

    /// Where bytes stood; the range is not empty.
    func place(of range: Range<Int>) -> Range<Int> { starts[range.lowerBound]..<ends[range.upperBound - 1] }

    /// The bytes of the escape that begins at an index, which goes on behind it.
    private static func unit(of text: [UInt8], at index: inout Int) -> [UInt8] {
        let byte = text[index]
        guard index + 1 < text.count else {
            index += 1
            return [byte]
        }
        let named: UInt8? =
            switch text[index + 1] {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text[index + 1]
            case UInt8(ascii: "b"): 8
            case UInt8(ascii: "f"): 12
            case UInt8(ascii: "n"): 10
            case UInt8(ascii: "r"): 13
            case UInt8(ascii: "t"): 9
            default: nil
            }
        if let named {
            index += 2
            return [named]
        }
        guard let first = code(of: text, at: index) else {
            index += 1
            return [byte]
        }
        if let scalar = Unicode.Scalar(first) {
            index += 6
            return Array(String(scalar).utf8)
        }
        // A scalar beyond U+FFFF is written as two halves.
        if (0xD800..<0xDC00).contains(first), let second = code(of: text, at: index + 6),
            (0xDC00..<0xE000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        {
            index += 12
            return Array(String(scalar).utf8)
        }
        index += 6
        return Array("\u{FFFD}".utf8)
    }

    private static func isCut(_ text: [UInt8], at index: Int) -> Bool {
        guard text[index] == UInt8(ascii: "\\"), index + 6 > text.count else { return false }
        let rest = text[(index + 1)...]
        guard let first = rest.first else { return true }
        return first == UInt8(ascii: "u")
            && rest.dropFirst().allSatisfy { $0 < 0x80 && Character(Unicode.Scalar($0)).isHexDigit }
    }

    /// The number of `\uXXXX`; nil where none stands there.
    private static func code(of text: [UInt8], at index: Int) -> UInt32? {
        guard index + 6 <= text.count, text[index] == UInt8(ascii: "\\"), text[index + 1] == UInt8(ascii: "u") else {
            return nil
        }
        let digits = text[(index + 2)..<(index + 6)]
        guard digits.allSatisfy({ $0 < 0x80 && Character(Unicode.Scalar($0)).isHexDigit }) else { return nil }
        return UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
    }
}
