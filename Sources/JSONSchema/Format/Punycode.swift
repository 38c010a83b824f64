/// The encoding of host-name labels beyond ASCII (RFC 3492).
enum Punycode {
    private static let base = 36
    private static let tMin = 1
    private static let tMax = 26

    static func decode(_ bytes: some Collection<UInt8>) -> [Unicode.Scalar]? {
        let text = Array(bytes)
        var output: [Unicode.Scalar] = []
        var position = 0
        if let dash = text.lastIndex(of: UInt8(ascii: "-")) {
            output = text[..<dash].map { Unicode.Scalar($0) }
            position = dash + 1
        }
        var code = 128
        var place = 0
        var bias = 72
        while position < text.count {
            let oldPlace = place
            var weight = 1
            var step = base
            while true {
                guard position < text.count, let digit = digit(text[position]) else { return nil }
                position += 1
                let (sum, overflow) = place.addingReportingOverflow(digit &* weight)
                guard !overflow, sum < 1 << 40 else { return nil }
                place = sum
                let threshold = min(max(step - bias, tMin), tMax)
                if digit < threshold { break }
                weight *= base - threshold
                guard weight < 1 << 40 else { return nil }
                step += base
            }
            bias = adapt(place - oldPlace, output.count + 1, isFirst: oldPlace == 0)
            code += place / (output.count + 1)
            place %= output.count + 1
            guard code <= 0x10FFFF, let scalar = Unicode.Scalar(UInt32(code)) else { return nil }
            output.insert(scalar, at: place)
            place += 1
        }
        return output
    }

    /// The number of ASCII characters that a label takes when it is encoded.
    static func encodedLength(_ scalars: some Collection<Unicode.Scalar>) -> Int {
        let plain = scalars.count { $0.isASCII }
        var length = plain > 0 ? plain + 1 : 0
        var handled = plain
        var code = 128
        var delta = 0
        var bias = 72
        while handled < scalars.count {
            let next = scalars.lazy.map { Int($0.value) }.filter { $0 >= code }.min() ?? code
            delta += (next - code) * (handled + 1)
            code = next
            for scalar in scalars {
                let value = Int(scalar.value)
                if value < code { delta += 1 }
                guard value == code else { continue }
                var rest = delta
                var step = base
                while true {
                    let threshold = min(max(step - bias, tMin), tMax)
                    length += 1
                    if rest < threshold { break }
                    rest = (rest - threshold) / (base - threshold)
                    step += base
                }
                bias = adapt(delta, handled + 1, isFirst: handled == plain)
                delta = 0
                handled += 1
            }
            delta += 1
            code += 1
        }
        return length
    }

    private static func digit(_ byte: UInt8) -> Int? {
        if byte.isLetter { return Int((byte | 0x20) - UInt8(ascii: "a")) }
        return byte.isDigit ? Int(byte - UInt8(ascii: "0")) + 26 : nil
    }

    private static func adapt(_ delta: Int, _ count: Int, isFirst: Bool) -> Int {
        var delta = isFirst ? delta / 700 : delta / 2
        delta += delta / count
        var step = 0
        while delta > (base - tMin) * tMax / 2 {
            delta /= base - tMin
            step += base
        }
        return step + (base - tMin + 1) * delta / (delta + 38)
    }
}
