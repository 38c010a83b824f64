/// A movement of the cursor or an erasure. There is no way to make one of data.
struct ScreenControl: Sendable {
    fileprivate let sequence: String

    /// To the left edge, and the row is empty.
    static let clearsRow = ScreenControl(sequence: "\r\u{1B}[K")
    static let clearsRestOfRow = ScreenControl(sequence: "\u{1B}[K")
    static let clearsBelow = ScreenControl(sequence: "\u{1B}[J")
    /// An empty screen; what was scrolled out of it stays.
    static let clearsScreen = ScreenControl(sequence: "\u{1B}[H\u{1B}[2J")
    /// An empty screen with nothing above it.
    static let clearsAll = ScreenControl(sequence: "\u{1B}[H\u{1B}[2J\u{1B}[3J")
    static let leftEdge = ScreenControl(sequence: "\r")

    static func up(_ rows: Int) -> ScreenControl { ScreenControl(sequence: rows > 0 ? "\u{1B}[\(rows)A\r" : "\r") }
    static func right(_ columns: Int) -> ScreenControl {
        ScreenControl(sequence: columns > 0 ? "\u{1B}[\(columns)C" : "")
    }
}

/// Text and movements of the cursor that go to a terminal in one piece.
struct ScreenUpdate {
    private(set) var bytes: [UInt8] = []

    mutating func add(_ text: String) { bytes += Array(ShownText.text(text).utf8) }

    mutating func add(_ control: ScreenControl) { bytes += Array(control.sequence.utf8) }
}

extension TextStream {
    func write(_ update: ScreenUpdate) { update.bytes.withUnsafeBytes { writeRaw($0) } }

    func write(_ control: ScreenControl) {
        var update = ScreenUpdate()
        update.add(control)
        write(update)
    }
}
