internal import FlatValue

/// How messages speak of values: short enough for a line of a terminal.
extension ValueCursor {
    /// The type's name: `string`, `array` …
    var kindName: String {
        switch tag {
        case .null: "null"
        case .true, .false: "boolean"
        case .int, .double: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        case .emptyTable: "empty table"
        }
    }

    /// The type and as much of the value as fits: `number 42`, `string "Oslo"`, `array of 3`.
    var brief: String {
        switch tag {
        case .null: return "null"
        case .emptyTable: return "an empty table"
        case .true, .false, .int, .double, .string: return "\(kindName) \(shortJSON)"
        case .array: return count == 0 ? "an empty array" : "array of \(count)"
        case .object:
            if count == 0 { return "an empty object" }
            let keys = entries.prefix(3).map { shortened($0.key, to: 20) }.joined(separator: ", ")
            return "object {\(keys)\(count > 3 ? ", …" : "")}"
        }
    }

    /// The value as JSON, cut where it is long.
    var shortJSON: String {
        switch tag {
        case .array, .object: brief
        case .double:
            double.unsafelyUnwrapped.isIntegral && abs(double.unsafelyUnwrapped) < 1e15
                ? String(Int64(double.unsafelyUnwrapped)) : json
        default: shortened(json, to: 40)
        }
    }
}

/// `1 item`, `2 items`.
func counted(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

/// A text of at most `length` characters; what is cut leaves an ellipsis.
func shortened(_ text: String, to length: Int) -> String {
    guard let end = text.index(text.startIndex, offsetBy: length, limitedBy: text.endIndex), end < text.endIndex else {
        return text
    }
    return text.prefix(length - 1) + "…" + (text.hasPrefix("\"") ? "\"" : "")
}
