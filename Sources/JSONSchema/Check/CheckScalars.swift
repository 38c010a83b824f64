internal import FlatValue
internal import Platform

/// The rules for numbers.
struct CheckNumber: BitwiseCopyable {
    let minimum: NumberBound?
    let maximum: NumberBound?
    let exclusiveMinimum: NumberBound?
    let exclusiveMaximum: NumberBound?
    let divisor: Divisor?
}

extension UnsafePointer<CheckNumber> {
    func check(_ value: ValueCursor) -> Bool {
        if let minimum = pointee.minimum, minimum.order(of: value) < 0 { return false }
        if let maximum = pointee.maximum, maximum.order(of: value) > 0 { return false }
        if let exclusiveMinimum = pointee.exclusiveMinimum, exclusiveMinimum.order(of: value) <= 0 { return false }
        if let exclusiveMaximum = pointee.exclusiveMaximum, exclusiveMaximum.order(of: value) >= 0 { return false }
        if let divisor = pointee.divisor, !divisor.divides(value) { return false }
        return true
    }
}

/// The rules for strings.
struct CheckString: BitwiseCopyable {
    let minLength: Int
    let maxLength: Int
    let pattern: Unmanaged<Pattern>?
    let format: Format?
}

extension UnsafePointer<CheckString> {
    func check(_ bytes: UnsafeRawBufferPointer) -> CheckProgram.Answer {
        // A character takes one to four bytes, which often settles it without counting.
        if bytes.count > pointee.maxLength || (bytes.count + 3) / 4 < pointee.minLength {
            let length = UTF8Sequence.scalarCount(bytes)
            if length < pointee.minLength || length > pointee.maxLength { return .invalid }
        }
        if let pattern = pointee.pattern {
            switch pattern._withUnsafeGuaranteedRef({ $0.quickSearch(bytes) }) {
            case .found: break
            case .absent: return .invalid
            case .gaveUp: return .unsure
            }
        }
        if let format = pointee.format, !format.accepts(bytes) { return .invalid }
        return .valid
    }
}

/// A value of `enum` or `const`, in memory of the program.
struct CheckChoice: BitwiseCopyable {
    let value: ValueCursor
    let byteCount: Int
}

extension CheckList<CheckChoice> {
    func contains(_ value: ValueCursor) -> Bool {
        let byteCount = value.byteCount
        for index in 0..<count {
            let choice = self[index].pointee
            if choice.byteCount == byteCount, memcmp(choice.value.start, value.start, byteCount) == 0 { return true }
            // Strings are equal byte by byte; numbers and containers may be equal and look different.
            if value.tag != .string, choice.value.equals(value) { return true }
        }
        return false
    }
}
