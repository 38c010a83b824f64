/// A text with its escapes read, as those of strings in JSON or as those of URLs, and where each byte stood. What is no escape stands
/// for itself.
struct UnescapedText {
    /// What became bytes, and where it stood.
    private struct Escape {
        var bytes: Range<Int>
        var place: Range<Int>
    }

    private(set) var bytes: [UInt8] = []
    /// In order. What lies between them stood as it is.
    private var escapes: [Escape] = []

    /// Reads the escapes of URLs, `%XX`; nil where nothing is escaped so.
    init?(percent text: UnsafeBufferPointer<UInt8>) {
        guard text.contains(Self.percent) else { return nil }
        bytes.reserveCapacity(text.count)
        var index = 0
        while index < text.count {
            guard text[index] == Self.percent else {
                bytes.append(text[index])
                index += 1
                continue
            }
            let digits = text[(index + 1)..<min(index + 3, text.count)].prefix { Self.digit($0) != nil }
            if digits.count == 2 {
                escapes.append(Escape(bytes: bytes.count..<(bytes.count + 1), place: index..<(index + 3)))
                bytes.append(digits.reduce(0) { $0 << 4 | (Self.digit($1) ?? 0) })
                index += 3
            } else if digits.endIndex == text.count {
                // An escape that was cut at the end of the text stands for nothing.
                break
            } else {
                bytes.append(Self.percent)
                index += 1
            }
        }
        if escapes.isEmpty { return nil }
    }

    /// Reads the escapes of JSON; nil where nothing is escaped so.
    init?(_ text: UnsafeBufferPointer<UInt8>) {
        guard var next = text.firstIndex(of: Self.backslash) else { return nil }
        bytes.reserveCapacity(text.count)
        var index = 0
        while true {
            bytes += text[index..<next]
            index = next
            // An escape that was cut at the end of the text stands for nothing.
            if index == text.count || Self.isCut(text, at: index) { return }
            let unit = Self.unit(of: text, at: &index)
            escapes.append(Escape(bytes: bytes.count..<(bytes.count + unit.count), place: next..<index))
            bytes += unit
            next = text[index...].firstIndex(of: Self.backslash) ?? text.count
        }
    }

    /// Where bytes stood; the range is not empty.
    func place(of range: Range<Int>) -> Range<Int> {
        place(of: range.lowerBound).lowerBound..<place(of: range.upperBound - 1).upperBound
    }

    private func place(of byte: Int) -> Range<Int> {
        var (low, high) = (0, escapes.count)
        while low < high {
            let middle = (low + high) / 2
            if escapes[middle].bytes.lowerBound <= byte { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return byte..<(byte + 1) }
        let escape = escapes[low - 1]
        if escape.bytes.contains(byte) { return escape.place }
        let start = escape.place.upperBound + byte - escape.bytes.upperBound
        return start..<(start + 1)
    }

    private static let backslash = UInt8(ascii: "\\")
    private static let percent = UInt8(ascii: "%")

    private static func digit(_ byte: UInt8) -> UInt8? {
        byte < 0x80 ? Character(Unicode.Scalar(byte)).hexDigitValue.map { UInt8($0) } : nil
    }

    /// The bytes of the escape that begins at an index, which goes on behind it. The text goes on behind the backslash.
    private static func unit(of text: UnsafeBufferPointer<UInt8>, at index: inout Int) -> [UInt8] {
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
            return [backslash]
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

    private static func isCut(_ text: UnsafeBufferPointer<UInt8>, at index: Int) -> Bool {
        guard text[index] == UInt8(ascii: "\\"), index + 6 > text.count else { return false }
        let rest = text[(index + 1)...]
        guard let first = rest.first else { return true }
        return first == UInt8(ascii: "u")
            && rest.dropFirst().allSatisfy { $0 < 0x80 && Character(Unicode.Scalar($0)).isHexDigit }
    }

    /// The number of `\uXXXX`; nil where none stands there.
    private static func code(of text: UnsafeBufferPointer<UInt8>, at index: Int) -> UInt32? {
        guard index + 6 <= text.count, text[index] == UInt8(ascii: "\\"), text[index + 1] == UInt8(ascii: "u") else {
            return nil
        }
        let digits = text[(index + 2)..<(index + 6)]
        guard digits.allSatisfy({ $0 < 0x80 && Character(Unicode.Scalar($0)).isHexDigit }) else { return nil }
        return UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
    }
}
