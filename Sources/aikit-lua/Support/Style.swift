internal import JSONSchema

/// The few ways in which text on a terminal differs from text elsewhere.
///
/// Styled text has marks in it that a ``TextStream`` makes escape sequences of; it is for nothing but such a stream.
struct Style: Sendable {
    enum Tone: String {
        case bold = "1"
        case dim = "2"
        case red = "31"
        case green = "32"
        case yellow = "33"
        case blue = "34"
        case cyan = "36"
    }

    /// Whether escape sequences may be written.
    let hasColours: Bool

    init(_ stream: TextStream) { hasColours = stream.hasColours }

    init(hasColours: Bool) { self.hasColours = hasColours }

    func callAsFunction(_ text: String, _ tones: Tone...) -> String {
        guard hasColours, !text.isEmpty else { return text }
        return StyleMark.text(codes: tones.map(\.rawValue).joined(separator: ";")) + text + StyleMark.text(codes: "0")
    }
}

/// A time as people read it: `3 ms`, `1.24 s`, `2 m 05 s`, `3 h 12 m`.
func elapsedText(microseconds: Int64) -> String {
    func padded(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let milliseconds = microseconds / 1000 + (microseconds % 1000 >= 500 ? 1 : 0)
    if milliseconds < 1000 { return "\(milliseconds) ms" }
    if milliseconds < 60_000 {
        let hundredths = (milliseconds + 5) / 10
        return "\(hundredths / 100).\(padded(hundredths % 100)) s"
    }
    let seconds = (milliseconds + 500) / 1000
    if seconds < 3600 { return "\(seconds / 60) m \(padded(seconds % 60)) s" }
    return "\(seconds / 3600) h \(padded(seconds % 3600 / 60)) m"
}

/// `1 step`, `2 steps`, `2 entries`.
func counted(_ count: Int, _ noun: String, _ plural: String? = nil) -> String {
    count == 1 ? "1 \(noun)" : "\(count) \(plural ?? noun + "s")"
}
