/// Sees where the JSON object ends that a text begins with, piece by piece; its brackets are counted, and not judged.
struct ObjectScan {
    private(set) var isWhole = false
    private var depth = 0
    private var isInText = false
    private var isEscaped = false
    private var isNone = false

    mutating func take(_ piece: String) {
        for byte in piece.utf8 where !isNone {
            if isInText {
                isInText = isEscaped || byte != UInt8(ascii: "\"")
                isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
                continue
            }
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"): continue
            case UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "[") where depth > 0: depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: "\"") where depth > 0: isInText = true
            default: break
            }
            // What is no object from its first byte on, or goes on behind its end, is none.
            if depth <= 0 {
                isNone = isWhole || depth < 0 || byte != UInt8(ascii: "}")
                isWhole = !isNone
            }
        }
        if isNone { isWhole = false }
    }
}
