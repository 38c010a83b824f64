/// Why a text is not JSON, and where.
///
/// `line` and `column` count from 1; a column is a Unicode scalar.
public struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    public let line: Int
    public let column: Int
    public let message: String
    /// The key that comes twice, if that is what is wrong.
    public let repeatedKey: String?

    public init(line: Int, column: Int, message: String, repeatedKey: String? = nil) {
        self.line = line
        self.column = column
        self.message = message
        self.repeatedKey = repeatedKey
    }

    public var description: String { "\(line):\(column): \(message)" }
}

extension JSONError {
    /// The error at a byte of a text.
    init(_ message: String, at offset: Int, in text: UnsafeRawBufferPointer, repeatedKey: String? = nil) {
        var line = 1
        var column = 1
        for byte in text.prefix(offset) {
            if byte == UInt8(ascii: "\n") {
                line += 1
                column = 1
            } else if byte & 0xC0 != 0x80 {
                column += 1
            }
        }
        self.init(line: line, column: column, message: message, repeatedKey: repeatedKey)
    }
}
