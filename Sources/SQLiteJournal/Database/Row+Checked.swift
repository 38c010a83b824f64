internal import Foundation
internal import GRDB

/// A value that its column cannot hold: the file was damaged, or changed by something else than the journal.
struct MisplacedValue: Error, CustomStringConvertible {
    let column: String
    let expected: String

    var description: String { "\(column) is not \(expected)" }
}

/// Reading columns whose values may be of any type. GRDB's own subscripts trap where a value does not convert.
extension Row {
    func integer(_ index: Int) throws(MisplacedValue) -> Int64 {
        guard let value = try optionalInteger(index) else { throw misplaced(index, "a number") }
        return value
    }

    func optionalInteger(_ index: Int) throws(MisplacedValue) -> Int64? {
        switch (self[index] as DatabaseValue).storage {
        case .null: nil
        case .int64(let value): value
        case .double, .string, .blob: throw misplaced(index, "a number")
        }
    }

    /// A number from 0 on that leaves room for additions: a time, a count, a row.
    func natural(_ index: Int) throws(MisplacedValue) -> Int64 {
        let value = try integer(index)
        guard value >= 0, value < 1 << 60 else { throw misplaced(index, "a possible number") }
        return value
    }

    func text(_ index: Int) throws(MisplacedValue) -> String {
        guard let value = try optionalText(index) else { throw misplaced(index, "a text") }
        return value
    }

    func optionalText(_ index: Int) throws(MisplacedValue) -> String? {
        switch (self[index] as DatabaseValue).storage {
        case .null: nil
        case .string(let value): value
        case .int64, .double, .blob: throw misplaced(index, "a text")
        }
    }

    func bytes(_ index: Int) throws(MisplacedValue) -> Data {
        if case .blob(let value) = (self[index] as DatabaseValue).storage { return value }
        throw misplaced(index, "a sequence of bytes")
    }

    private func misplaced(_ index: Int, _ expected: String) -> MisplacedValue {
        let column = columnNames.dropFirst(index).first ?? "column \(index)"
        return MisplacedValue(column: column, expected: expected)
    }
}
