/// Bytes as text: base64 (RFC 4648, sections 4 and 5) and hexadecimal digits.
package enum BytesText {
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let urlDigits = Array(digits.dropLast(2)) + Array("-_".utf8)

    /// The values of the digits of both alphabets; 255 for every other byte.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 255, count: 256)
        for (value, digit) in digits.enumerated() { values[Int(digit)] = UInt8(value) }
        values[Int(UInt8(ascii: "-"))] = 62
        values[Int(UInt8(ascii: "_"))] = 63
        return values
    }()

    /// The usual alphabet, with padding.
    package static func base64(_ bytes: some Sequence<UInt8>) -> String {
        text(of: bytes, as: base64Length) { fillBase64($0, of: $1) }
    }

    /// The bytes of text that ``fillBase64(_:of:)`` writes for so many bytes.
    package static func base64Length(_ count: Int) -> Int { (count + 2) / 3 * 4 }

    /// Writes bytes as base64 with padding; pieces of a multiple of three bytes may be written one after the other.
    ///
    /// - Parameter text: ``base64Length(_:)`` bytes.
    package static func fillBase64(_ text: UnsafeMutableRawBufferPointer, of bytes: UnsafeRawBufferPointer) {
        let length = fill(text, of: bytes, digits)
        for index in length..<max(length, text.count) { text[index] = UInt8(ascii: "=") }
    }

    /// The bytes of text that ``fillBase64URL(_:of:)`` writes for so many bytes.
    package static func base64URLLength(_ count: Int) -> Int { (count * 4 + 2) / 3 }

    /// Writes bytes as base64 with the alphabet of URLs and without padding; pieces of a multiple of three bytes may be written one
    /// after the other.
    ///
    /// - Parameter text: ``base64URLLength(_:)`` bytes.
    package static func fillBase64URL(_ text: UnsafeMutableRawBufferPointer, of bytes: UnsafeRawBufferPointer) {
        _ = fill(text, of: bytes, urlDigits)
    }

    /// Writes six bits a digit, without padding, and gives the number of digits, for which there has to be room.
    private static func fill(
        _ text: UnsafeMutableRawBufferPointer, of bytes: UnsafeRawBufferPointer, _ digits: [UInt8]
    ) -> Int {
        digits.withUnsafeBufferPointer { digits in
            func digit(_ bits: UInt32) -> UInt8 { digits[Int(bits & 63)] }
            var (from, to) = (0, 0)
            while from + 3 <= bytes.count {
                let bits = UInt32(bytes[from]) << 16 | UInt32(bytes[from + 1]) << 8 | UInt32(bytes[from + 2])
                text[to] = digit(bits >> 18)
                text[to + 1] = digit(bits >> 12)
                text[to + 2] = digit(bits >> 6)
                text[to + 3] = digit(bits)
                from += 3
                to += 4
            }
            guard from < bytes.count else { return to }
            let isPair = from + 2 == bytes.count
            let bits = UInt32(bytes[from]) << 16 | (isPair ? UInt32(bytes[from + 1]) << 8 : 0)
            text[to] = digit(bits >> 18)
            text[to + 1] = digit(bits >> 12)
            guard isPair else { return to + 2 }
            text[to + 2] = digit(bits >> 6)
            return to + 3
        }
    }

    /// The bytes of base64 text: either alphabet, with or without padding, white space left out; nil for all else.
    package static func bytes(base64 text: some Collection<UInt8>) -> [UInt8]? {
        withBytes(of: text) { text in
            var decoder = Base64Decoder()
            var bytes: [UInt8] = []
            bytes.reserveCapacity(text.count / 4 * 3 + 3)
            guard decoder.decode(text, into: &bytes), decoder.finish(into: &bytes) else { return nil }
            return bytes
        }
    }

    /// Reads base64 text in pieces of any lengths.
    package struct Base64Decoder {
        private var bits: UInt32 = 0
        private var count = 0
        private var padding = 0

        package init() {}

        /// Whether the piece is base64 as far as it goes.
        package mutating func decode(_ text: UnsafeRawBufferPointer, into bytes: inout [UInt8]) -> Bool {
            BytesText.values.withUnsafeBufferPointer { values in
                for digit in text {
                    let value = values[Int(digit)]
                    if value < 64, padding == 0 {
                        bits = bits << 6 | UInt32(value)
                        count += 1
                        if count == 4 {
                            bytes.append(UInt8(truncatingIfNeeded: bits >> 16))
                            bytes.append(UInt8(truncatingIfNeeded: bits >> 8))
                            bytes.append(UInt8(truncatingIfNeeded: bits))
                            bits = 0
                            count = 0
                        }
                        continue
                    }
                    switch digit {
                    case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"): break
                    case UInt8(ascii: "="): padding += 1
                    default: return false
                    }
                }
                return true
            }
        }

        /// Whether the text may end here; adds what its last digits stand for.
        package mutating func finish(into bytes: inout [UInt8]) -> Bool {
            guard padding == 0 || padding == (4 - count) % 4 else { return false }
            switch count {
            case 0: break
            case 2: bytes.append(UInt8(bits >> 4 & 255))
            case 3: bytes += [UInt8(bits >> 10 & 255), UInt8(bits >> 2 & 255)]
            default: return false
            }
            return true
        }
    }

    /// Two digits a byte, letters in lower case.
    package static func hex(_ bytes: some Sequence<UInt8>) -> String {
        text(of: bytes, as: { $0 * 2 }) { fillHex($0, of: $1) }
    }

    /// Writes two digits a byte, letters in lower case.
    ///
    /// - Parameter text: twice as many bytes.
    package static func fillHex(_ text: UnsafeMutableRawBufferPointer, of bytes: UnsafeRawBufferPointer) {
        func digit(_ value: UInt8) -> UInt8 { value &+ (value < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10) }
        for index in 0..<min(bytes.count, text.count / 2) {
            let byte = bytes[index]
            text[2 * index] = digit(byte >> 4)
            text[2 * index + 1] = digit(byte & 15)
        }
    }

    /// The bytes of pairs of hexadecimal digits, letters in either case; nil for all else.
    package static func bytes(hex text: some Collection<UInt8>) -> [UInt8]? {
        withBytes(of: text) { text in
            var bytes: [UInt8] = []
            bytes.reserveCapacity(text.count / 2)
            return decode(hex: text, into: &bytes) ? bytes : nil
        }
    }

    /// Adds the bytes of pairs of hexadecimal digits; false for all else. Pieces of whole pairs may be read one after the other.
    package static func decode(hex text: UnsafeRawBufferPointer, into bytes: inout [UInt8]) -> Bool {
        guard text.count % 2 == 0 else { return false }
        var index = 0
        while index < text.count {
            guard let high = nibble(text[index]), let low = nibble(text[index + 1]) else { return false }
            bytes.append(high << 4 | low)
            index += 2
        }
        return true
    }

    private static func withBytes<Result>(
        of text: some Sequence<UInt8>, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        text.withContiguousStorageIfAvailable { body(UnsafeRawBufferPointer($0)) }
            ?? Array(text).withUnsafeBytes { body($0) }
    }

    /// - Parameters:
    ///   - length: the length of the text of so many bytes.
    ///   - fill: writes all of it, in ASCII.
    private static func text(
        of bytes: some Sequence<UInt8>, as length: (Int) -> Int,
        _ fill: (UnsafeMutableRawBufferPointer, UnsafeRawBufferPointer) -> Void
    ) -> String {
        withBytes(of: bytes) { bytes in
            let length = length(bytes.count)
            return String(unsafeUninitializedCapacity: length) { text in
                fill(UnsafeMutableRawBufferPointer(start: text.baseAddress, count: length), bytes)
                return length
            }
        }
    }

    /// The value of a hexadecimal digit.
    package static func nibble(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// The text with each `%XX` as the byte that it names; nil where that is no UTF-8, or no two digits follow a sign.
    package static func percentDecoded(_ text: some StringProtocol) -> String? {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(number), let low = rest.popFirst().flatMap(number) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// What a hexadecimal digit stands for.
    private static func number(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// Everything but the unreserved characters of RFC 3986 as `%XX`.
    package static func percentEncoded(_ text: [UInt8]) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                bytes.append(byte)
            default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
