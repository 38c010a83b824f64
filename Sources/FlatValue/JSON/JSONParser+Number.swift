extension JSONParser {
    /// Reads a number: digits alone that fit 64 bits become an integer, everything else a double.
    ///
    /// `-0` is a double, as an integer has no sign at zero.
    mutating func parseNumber() throws(JSONError) {
        let first = position
        let negative = position[0] == UInt8(ascii: "-")
        if negative { position += 1 }
        guard position < end, isDigit(position[0]) else { throw unexpected("a digit") }

        var digits = DecimalDigits()
        if position[0] == UInt8(ascii: "0") {
            position += 1
            if position < end, isDigit(position[0]) { throw error("a number may not begin with 0", at: first) }
        } else {
            readDigits(into: &digits)
        }
        var isInteger = true
        var exponent = 0
        if position < end, position[0] == UInt8(ascii: ".") {
            isInteger = false
            position += 1
            guard position < end, isDigit(position[0]) else { throw unexpected("a digit after the decimal point") }
            let fraction = position
            readDigits(into: &digits)
            exponent = fraction - position
        }
        if position < end, position[0] | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            exponent += try readExponent()
        }

        if isInteger, !(negative && digits.value == 0), let whole = digits.integer(negative: negative) {
            arena.append(ValueTag.int.rawValue)
            arena.append(word: whole)
            return
        }
        guard let double = digits.exactDouble(exponent: exponent) else {
            return try appendDouble(ofText: first)
        }
        arena.append(ValueTag.double.rawValue)
        arena.append(word: (negative ? -double : double).bitPattern)
    }

    private func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

    private mutating func readDigits(into digits: inout DecimalDigits) {
        while position < end, isDigit(position[0]) {
            digits.add(position[0] &- UInt8(ascii: "0"))
            position += 1
        }
    }

    private mutating func readExponent() throws(JSONError) -> Int {
        position += 1
        var negative = false
        if position < end, position[0] == UInt8(ascii: "-") || position[0] == UInt8(ascii: "+") {
            negative = position[0] == UInt8(ascii: "-")
            position += 1
        }
        guard position < end, isDigit(position[0]) else { throw unexpected("a digit of the exponent") }
        var exponent = 0
        while position < end, isDigit(position[0]) {
            // Beyond this the number is zero or infinite, whatever its digits are.
            if exponent < 1_000_000 { exponent = exponent &* 10 &+ Int(position[0] &- UInt8(ascii: "0")) }
            position += 1
        }
        return negative ? -exponent : exponent
    }

    /// The slow path: digits that no exact arithmetic covers are rounded by the standard library.
    private mutating func appendDouble(ofText first: UnsafePointer<UInt8>) throws(JSONError) {
        let text = String(decoding: UnsafeBufferPointer(start: first, count: position - first), as: UTF8.self)
        guard let double = Double(text), double.isFinite else { throw error("the number is too large", at: first) }
        arena.append(ValueTag.double.rawValue)
        arena.append(word: double.bitPattern)
    }
}

/// Decimal digits as they are read, as long as 64 bits hold them.
private struct DecimalDigits {
    var value: UInt64 = 0
    var overflowed = false

    @inline(__always)
    mutating func add(_ digit: UInt8) {
        let (product, tooBig) = value.multipliedReportingOverflow(by: 10)
        let (sum, tooBigAfter) = product.addingReportingOverflow(UInt64(digit))
        value = sum
        overflowed = overflowed || tooBig || tooBigAfter
    }

    func integer(negative: Bool) -> Int64? {
        if overflowed { return nil }
        return negative
            ? (value <= UInt64(Int64.max) + 1 ? Int64(truncatingIfNeeded: 0 &- value) : nil) : Int64(exactly: value)
    }

    /// The digits times a power of ten, where one correctly rounded operation gives it.
    func exactDouble(exponent: Int) -> Double? {
        guard !overflowed, value <= 1 << 53, -22...22 ~= exponent else { return nil }
        let power = powersOfTen[abs(exponent)]
        return exponent < 0 ? Double(value) / power : Double(value) * power
    }
}

/// The powers of ten that a double holds exactly.
private let powersOfTen: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
]
