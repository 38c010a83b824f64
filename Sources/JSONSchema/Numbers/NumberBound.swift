internal import FlatValue

/// A number of a schema, to which an instance's numbers are compared exactly.
struct NumberBound: Sendable, BitwiseCopyable {
    let isInteger: Bool
    let integer: Int64
    let double: Double

    init?(_ cursor: ValueCursor) {
        switch cursor.tag {
        case .int:
            integer = cursor.int.unsafelyUnwrapped
            double = Double(integer)
            isInteger = true
        case .double:
            double = cursor.double.unsafelyUnwrapped
            let whole = Int64(exactly: double)
            isInteger = whole != nil
            integer = whole ?? 0
        default: return nil
        }
    }

    init(_ integer: Int64) {
        self.integer = integer
        double = Double(integer)
        isInteger = true
    }

    /// -1, 0 or 1 as `value`, which is a number, lies below, at or above the bound.
    @inline(__always)
    func order(of value: ValueCursor) -> Int {
        if let whole = value.int {
            if isInteger { return whole < integer ? -1 : whole > integer ? 1 : 0 }
            return Self.order(whole, double)
        }
        let real = value.double.unsafelyUnwrapped
        if isInteger { return -Self.order(integer, real) }
        return real < double ? -1 : real > double ? 1 : 0
    }

    /// Compares without rounding the integer to a double.
    private static func order(_ whole: Int64, _ real: Double) -> Int {
        if real >= 0x1p63 { return -1 }
        if real < -0x1p63 { return 1 }
        let floor = real.rounded(.down)
        let integral = Int64(floor)
        if whole != integral { return whole < integral ? -1 : 1 }
        return floor < real ? -1 : 0
    }

    var text: String { isInteger ? integer.description : double.description }
}
