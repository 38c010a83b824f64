public import FlatValue

/// Durations as scripts and the command line write them: `200ms`, `10s`, `5m`, `2h`, `30d`, or a number of seconds.
public enum DurationText {
    private static let units: [(suffix: String, microseconds: Double)] = [
        ("ms", 1000), ("s", 1_000_000), ("m", 60_000_000), ("h", 3_600_000_000), ("d", 86_400_000_000),
    ]

    /// The microseconds of a text, or nil when it is no duration. Blanks between number and unit are allowed.
    public static func microseconds(_ text: String) -> Int64? {
        let trimmed = text.filter { $0 != " " }
        let digits = trimmed.prefix { $0.isNumber || $0 == "." }
        let suffix = trimmed.dropFirst(digits.count)
        guard let number = Double(digits) else { return nil }
        if suffix.isEmpty { return microseconds(seconds: number) }
        guard let unit = units.first(where: { $0.suffix == suffix }) else { return nil }
        return bounded(number * unit.microseconds)
    }

    /// The microseconds of a whole number of one unit, by its bytes: what nearly every sleep says. Nil for all else.
    private static func plain(_ bytes: UnsafeRawBufferPointer) -> Int64? {
        var number: Int64 = 0
        var position = 0
        while position < bytes.count, position < 9, case let digit = bytes[position] &- UInt8(ascii: "0"), digit < 10 {
            number = number * 10 + Int64(digit)
            position += 1
        }
        guard position > 0 else { return nil }
        let unit = UnsafeRawBufferPointer(rebasing: bytes[position...])
        if unit.elementsEqual("ms".utf8) { return number * 1000 }
        if unit.elementsEqual("s".utf8) { return number * 1_000_000 }
        return nil
    }

    /// The microseconds of a value: a text, a number of seconds, or an object with one of them under `duration`.
    public static func microseconds(_ value: ValueCursor) -> Int64? {
        if let bytes = value.stringBytes, let microseconds = plain(bytes) { return microseconds }
        if let text = value.string { return microseconds(text) }
        if let seconds = value.number { return microseconds(seconds: seconds) }
        return value["duration"].flatMap { microseconds($0) }
    }

    public static func microseconds(_ value: Value) -> Int64? { value.withCursor { microseconds($0) } }

    /// Microseconds of a number of seconds, or nil when it is negative or out of bounds.
    public static func microseconds(seconds: Double) -> Int64? { bounded(seconds * 1_000_000) }

    /// The longest duration: a hundred years.
    package static let longest: Int64 = 3_155_760_000_000_000

    /// Durations lie between nothing and a hundred years.
    private static func bounded(_ microseconds: Double) -> Int64? {
        guard microseconds >= 0, microseconds <= Double(longest) else { return nil }
        return Int64(microseconds.rounded())
    }

    /// The shortest way to write a duration: `1m30s` for ninety seconds.
    public static func text(microseconds: Int64) -> String {
        guard microseconds > 0 else { return "0s" }
        if microseconds < 1000 { return "\(Double(microseconds) / 1000)ms" }
        var rest = microseconds / 1000
        var text = ""
        for (name, size) in [("d", Int64(86_400_000)), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)]
        where rest >= size {
            text += "\(rest / size)\(name)"
            rest %= size
        }
        return text
    }
}
