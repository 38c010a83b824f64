package import FlatValue

extension Value {
    /// A value of any kind, its containers at most `depth` deep.
    package static func random(depth: Int, using random: inout SplitMix) -> Value {
        switch Int.random(in: 0..<(depth > 0 ? 9 : 7), using: &random) {
        case 0: return .null
        case 1: return Value(Bool.random(using: &random))
        case 2: return Value(Int64.random(in: -1000...1000, using: &random))
        case 3: return Value(Int64(bitPattern: random.next()))
        case 4:
            let double = Double(bitPattern: random.next())
            return Value(double.isFinite ? double : 0.5)
        case 5: return Value(Double(Int.random(in: -50...50, using: &random)) / 4)
        case 6: return Value(text(using: &random))
        case 7:
            return Value(
                array: (0..<Int.random(in: 0...5, using: &random)).map { _ in
                    self.random(depth: depth - 1, using: &random)
                })
        default:
            let count = Int.random(in: 0...(random.next() % 20 == 0 ? 40 : 5), using: &random)
            return Value(
                entries: (0..<count).map { _ in (text(using: &random), self.random(depth: depth - 1, using: &random)) })
        }
    }

    private static func text(using random: inout SplitMix) -> String {
        var text = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...12, using: &random) {
            let range: ClosedRange<UInt32> =
                [0x00...0x7F, 0x20...0x7E, 0x80...0x7FF, 0x800...0xD7FF, 0x1F600...0x1F64F].randomElement(
                    using: &random) ?? 0x20...0x7E
            text.append(Unicode.Scalar(UInt32.random(in: range, using: &random)) ?? "?")
        }
        return String(text)
    }
}
