internal import FlatValue

/// A number as digits times a power of ten: what its shortest text says, so that 0.3 is a multiple of 0.1.
struct DecimalNumber: Sendable, BitwiseCopyable {
    let digits: UInt64
    let exponent: Int

    init(_ integer: Int64) {
        digits = integer.magnitude
        exponent = 0
    }

    init(_ double: Double) {
        // The texts of large ones leave out digits that whole numbers have.
        if double.magnitude >= 0x1p53, let whole = UInt64(exactly: double.magnitude) {
            digits = whole
            exponent = 0
            return
        }
        var digits: UInt64 = 0
        var exponent = 0
        var isFraction = false
        var text = double.magnitude.description[...]
        if let mark = text.firstIndex(of: "e") {
            exponent = Int(text[text.index(after: mark)...]) ?? 0
            text = text[..<mark]
        }
        for byte in text.utf8 {
            if byte == UInt8(ascii: ".") {
                isFraction = true
            } else {
                digits = digits &* 10 &+ UInt64(byte &- UInt8(ascii: "0"))
                if isFraction { exponent -= 1 }
            }
        }
        while digits > 0 && digits % 10 == 0 {
            digits /= 10
            exponent += 1
        }
        self.digits = digits
        self.exponent = exponent
    }

    /// Whether the number is a whole multiple of `divisor`, which is not zero.
    func isMultiple(of divisor: DecimalNumber) -> Bool {
        if digits == 0 { return true }
        let shift = exponent - divisor.exponent
        if shift >= 0 {
            // digits × 10^shift modulo the divisor's digits, without ever leaving 64 bits.
            var remainder = digits % divisor.digits
            for _ in 0..<shift where remainder != 0 {
                remainder =
                    divisor.digits.dividingFullWidth(remainder.multipliedFullWidth(by: 10 % divisor.digits)).remainder
            }
            return remainder == 0
        }
        var scaled = divisor.digits
        for _ in 0..<(-shift) {
            let (product, overflow) = scaled.multipliedReportingOverflow(by: 10)
            // A divisor larger than any number of 64 bits divides none of them.
            if overflow { return false }
            scaled = product
        }
        return digits % scaled == 0
    }
}

/// The number of `multipleOf`.
struct Divisor: Sendable, BitwiseCopyable {
    let bound: NumberBound
    let decimal: DecimalNumber

    init(_ bound: NumberBound) {
        self.bound = bound
        decimal = bound.isInteger ? DecimalNumber(bound.integer) : DecimalNumber(bound.double)
    }

    @inline(__always)
    func divides(_ value: ValueCursor) -> Bool {
        if let whole = value.int {
            if bound.isInteger { return whole.magnitude % bound.integer.magnitude == 0 }
            return DecimalNumber(whole).isMultiple(of: decimal)
        }
        return DecimalNumber(value.double.unsafelyUnwrapped).isMultiple(of: decimal)
    }
}
