import FlatValue
import Testing

@Suite("multipleOf")
struct MultipleTests {
    @Test(arguments: [
        ("9223372036854775808", Value(Int64.min), true), ("9223372036854775808", Value(-0x1p63), true),
        ("9223372036854775807", Value(Int64.min), false), ("9007199254740993", Value(9_007_199_254_740_993), true),
        ("1e3", Value(0x1p62), false), ("4", Value(0x1p62), true), ("3", Value(0x1p62), false),
        ("0.1", Value(0.3), true), ("0.01", Value(1e300), true), ("1e20", Value(1e21), true),
        ("1e21", Value(1e20), false),
    ])
    func `goes by what numbers are, however large`(divisor: String, value: Value, fits: Bool) throws {
        let told = try verdict("{\"multipleOf\":\(divisor)}", value)
        #expect(told.contains("must be a multiple of") != fits, "\(told)")
    }
}
