internal import CPostgres
internal import WorkflowEngine

/// A value that its column cannot hold: the tables were changed by something else than the journal.
struct MisplacedValue: Error, CustomStringConvertible {
    let column: Int
    let expected: String

    var description: String { "column \(column) of a row is not \(expected)" }
}

/// What a statement gave, in binary. Every access is checked: what the server sends is input.
final class Rows {
    private let result: OpaquePointer
    let count: Int
    /// How many rows the statement changed.
    let changed: Int

    /// Takes the result over.
    init(_ result: OpaquePointer) {
        self.result = result
        count = Int(cpg_rows(result))
        changed = Int(clamping: cpg_changed(result))
    }

    deinit { cpg_clear(result) }

    /// The rows in order.
    var all: [Row] { (0..<count).map { Row(rows: self, index: Int32(clamping: $0)) } }

    var first: Row? { count > 0 ? Row(rows: self, index: 0) : nil }

    /// A row; it keeps the result.
    struct Row {
        fileprivate let rows: Rows
        fileprivate let index: Int32

        /// The bytes of a column, which live as long as the result; nil for NULL.
        private func field(_ column: Int) -> UnsafeRawBufferPointer? {
            var length: Int32 = 0
            guard let start = cpg_field(rows.result, index, Int32(clamping: column), &length) else { return nil }
            return UnsafeRawBufferPointer(start: start, count: Int(length))
        }

        func isNull(_ column: Int) -> Bool { field(column) == nil }

        /// A number of 2, 4 or 8 bytes, or a truth.
        func optionalInteger(_ column: Int) throws(MisplacedValue) -> Int64? {
            guard let bytes = field(column) else { return nil }
            switch bytes.count {
            case 1: return Int64(bytes[0])
            case 2: return Int64(Int16(bigEndian: bytes.loadUnaligned(as: Int16.self)))
            case 4: return Int64(Int32(bigEndian: bytes.loadUnaligned(as: Int32.self)))
            case 8: return Int64(bigEndian: bytes.loadUnaligned(as: Int64.self))
            default: throw MisplacedValue(column: column, expected: "a number")
            }
        }

        func integer(_ column: Int) throws(MisplacedValue) -> Int64 {
            guard let value = try optionalInteger(column) else {
                throw MisplacedValue(column: column, expected: "a number")
            }
            return value
        }

        /// A number from 0 on that leaves room for additions: a time, a count, a row.
        func natural(_ column: Int) throws(MisplacedValue) -> Int64 {
            let value = try integer(column)
            guard value >= 0, value < 1 << 60 else {
                throw MisplacedValue(column: column, expected: "a possible number")
            }
            return value
        }

        func flag(_ column: Int) throws(MisplacedValue) -> Bool { try integer(column) != 0 }

        func optionalText(_ column: Int) throws(MisplacedValue) -> String? {
            guard let bytes = field(column) else { return nil }
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw MisplacedValue(column: column, expected: "a text")
            }
            return text
        }

        func text(_ column: Int) throws(MisplacedValue) -> String {
            guard let text = try optionalText(column) else { throw MisplacedValue(column: column, expected: "a text") }
            return text
        }

        /// Calls `body` with the bytes of a column.
        func withBytes<Result>(_ column: Int, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
            guard let bytes = field(column) else {
                throw MisplacedValue(column: column, expected: "a sequence of bytes")
            }
            return try body(bytes)
        }

        func bytes(_ column: Int) throws(MisplacedValue) -> [UInt8] {
            guard let bytes = field(column) else {
                throw MisplacedValue(column: column, expected: "a sequence of bytes")
            }
            return Array(bytes)
        }
    }
}
