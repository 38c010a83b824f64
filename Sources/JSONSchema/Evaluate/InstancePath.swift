internal import FlatValue

/// The way from the validated value to the place that is looked at.
struct InstancePath {
    enum Step: BitwiseCopyable {
        case key(UnsafeRawBufferPointer)
        case index(Int)
    }

    var steps: [Step] = []

    /// As a script writes it: `items[3].price`, `headers["content-type"]`.
    var text: String {
        var text = ""
        for step in steps {
            switch step {
            case .index(let index): text += "[\(index + 1)]"
            case .key(let bytes):
                let key = String(decoding: bytes, as: UTF8.self)
                if Self.isName(bytes) {
                    text += text.isEmpty ? key : "." + key
                } else {
                    text += "[\(Value(shortened(key, to: 40)).json)]"
                }
            }
        }
        return text
    }

    var pointer: String {
        steps.reduce(into: "") { pointer, step in
            switch step {
            case .index(let index): pointer += "/\(index)"
            case .key(let bytes): pointer = JSONPointer.appending(String(decoding: bytes, as: UTF8.self), to: pointer)
            }
        }
    }

    private static func isName(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let first = bytes.first, !first.isDigit, bytes.count <= 60 else { return false }
        return bytes.allSatisfy {
            $0.isLetter || $0.isDigit || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-") || $0 >= 0x80
        }
    }
}
