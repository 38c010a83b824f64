package import FlatValue

/// The key of a limit as the queue of a store keeps it: one text for all values that are equal in Lua, and none for two that
/// are not.
///
/// A number or a boolean is its JSON text, where whole numbers have no fraction. A text is itself, in double quotes where it
/// could be taken for one of those or for a quoted one.
package struct QueueKey: Sendable, Equatable {
    /// In bytes.
    package static let longest = 500

    let text: String

    /// - Returns: nil for a value that is no key: one that is not a string, a boolean or a finite number.
    package init?(_ value: Value) {
        if let string = value.string {
            text = Self.isAmbiguous(string) ? "\"\(string)\"" : string
        } else if let flag = value.bool {
            text = String(flag)
        } else if let whole = value.int {
            text = String(whole)
        } else if let number = value.double, let number = Self.text(number) {
            text = number
        } else {
            return nil
        }
    }

    private static func text(_ number: Double) -> String? {
        guard number.isFinite else { return nil }
        return Int64(exactly: number).map { String($0) } ?? Value(number).json
    }

    private static func isAmbiguous(_ string: String) -> Bool {
        guard let first = string.utf8.first else { return false }
        if first == UInt8(ascii: "\"") || string == "true" || string == "false" { return true }
        guard first == UInt8(ascii: "-") || (48...57).contains(first) else { return false }
        return Int64(string).map { String($0) } == string || Double(string).flatMap(text) == string
    }
}
