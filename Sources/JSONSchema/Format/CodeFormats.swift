/// Formats that programs write: identifiers, pointers, expressions, encoded bytes.
enum CodeFormats {
    static func isUUID(_ text: UnsafeRawBufferPointer) -> Bool {
        guard text.count == 36 else { return false }
        for (index, byte) in text.enumerated() {
            let isDash = index == 8 || index == 13 || index == 18 || index == 23
            guard isDash ? byte == UInt8(ascii: "-") : byte.isHexDigit else { return false }
        }
        return true
    }

    static func isJSONPointer(_ text: UnsafeRawBufferPointer) -> Bool {
        JSONPointer.tokens(String(decoding: text, as: UTF8.self)) != nil
    }

    static func isRelativeJSONPointer(_ text: UnsafeRawBufferPointer) -> Bool {
        var scanner = ByteScanner(text)
        let startsWithZero = scanner.peek == UInt8(ascii: "0")
        let digits = scanner.skipDigits()
        guard digits > 0, digits == 1 || !startsWithZero else { return false }
        if scanner.peek == UInt8(ascii: "#") { return scanner.position + 1 == text.count }
        return isJSONPointer(UnsafeRawBufferPointer(rebasing: text[scanner.position...]))
    }

    static func isRegex(_ text: UnsafeRawBufferPointer) -> Bool {
        (try? Pattern(String(decoding: text, as: UTF8.self))) != nil
    }

    static func isBase64(_ text: UnsafeRawBufferPointer) -> Bool {
        guard text.count % 4 == 0 else { return false }
        let padding = text.suffix(2).count { $0 == UInt8(ascii: "=") }
        return text.dropLast(padding).allSatisfy {
            $0.isDigit || $0.isLetter || $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "/")
        }
    }
}
