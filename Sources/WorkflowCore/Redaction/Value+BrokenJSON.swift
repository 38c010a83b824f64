package import FlatValue

extension Value {
    /// The beginning of a JSON text that was cut off, as far as it goes, read as ``init(wholeJSON:)`` reads; nil where it is none.
    package init?(brokenJSON text: String) {
        var closers: [UInt8] = []
        var isInString = false
        // What may stand at the end of a text that has been closed: behind these bytes a value is whole.
        var bytes = Array(text.utf8)
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if isInString {
                if byte == UInt8(ascii: "\\") { index += 1 }
                if byte == UInt8(ascii: "\"") { isInString = false }
            } else {
                switch byte {
                case UInt8(ascii: "\""): isInString = true
                case UInt8(ascii: "{"): closers.append(UInt8(ascii: "}"))
                case UInt8(ascii: "["): closers.append(UInt8(ascii: "]"))
                case UInt8(ascii: "}"), UInt8(ascii: "]"):
                    guard closers.popLast() == byte else { return nil }
                default: break
                }
            }
            index += 1
        }
        if isInString {
            // An escape that was cut as well says nothing.
            if let slash = bytes.lastIndex(of: UInt8(ascii: "\\")), Self.isCut(bytes[slash...]) {
                bytes.removeSubrange(slash...)
            }
            bytes.append(UInt8(ascii: "\""))
        }
        let end = Array(closers.reversed())
        // A key without its value, and a comma with nothing behind it, are left out or given one.
        for more in ["", ":null", "null"] {
            if let value = try? Value(wholeJSON: String(decoding: bytes + Array(more.utf8) + end, as: UTF8.self)) {
                self = value
                return
            }
        }
        while let last = bytes.last, last != UInt8(ascii: ","), !Self.opens(last) { bytes.removeLast() }
        if bytes.last == UInt8(ascii: ",") { bytes.removeLast() }
        guard let value = try? Value(wholeJSON: String(decoding: bytes + end, as: UTF8.self)) else { return nil }
        self = value
    }

    private static func opens(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") }

    /// Whether an escape goes to the end of a text and is not whole there.
    private static func isCut(_ escape: ArraySlice<UInt8>) -> Bool {
        escape.count == 1 || escape.count < 6 && escape.dropFirst().first == UInt8(ascii: "u")
    }
}
