internal import WorkflowCore
internal import WorkflowEngine

/// A tree of the workflow's steps that is drawn again and again in place, for people who look on.
///
/// Nothing is drawn in the first moment, so that a short run does not flicker: it shows its tree once, at its end.
final class TreeDisplay: Display {
    private var model: ProgressModel?
    /// How many lines of the tree stand on the screen, above the cursor.
    private var drawnLines = 0
    private var ticks = 0
    private let logs = LogLines(stream: .errors)
    private let lines = TreeLines(style: Style(.errors))
    private(set) var nextDraw: UInt64?
    private var isDirty = false

    private static let interval: UInt64 = 80_000_000

    func begin(_ handle: RunHandle, again: Bool) {
        if !again { model = ProgressModel(plan: handle.plan, note: handle.note) }
        nextDraw = monotonicNanoseconds() + Self.interval
    }

    func take(_ events: [ProgressEvent]) {
        for event in events { model?.take(event) }
        isDirty = true
    }

    func takePast(_ events: [ProgressEvent]) { take(events) }

    func log(_ record: LogRecord) { print(logs.line(record)) }

    func print(_ line: String) {
        erase()
        TextStream.errors.writeLine(line)
        if nextDraw != nil { nextDraw = monotonicNanoseconds() }
    }

    func draw() {
        ticks += 1
        nextDraw = monotonicNanoseconds() + Self.interval
        paint(final: false)
    }

    func suspend() {
        if isDirty { paint(final: true) }
        drawnLines = 0
        nextDraw = nil
        isDirty = false
    }

    private func paint(final: Bool) {
        guard let model else { return }
        let stream = TextStream.errors
        var rows = lines.lines(of: model, now: SystemClock().now(), tick: ticks, width: stream.width)
        let room = max(stream.height - 2, 4)
        // A tree that is higher than the screen cannot be drawn in place: what has not begun gives way first.
        if !final, rows.count > room { rows = lines.shortened(rows, to: room) }
        var text = eraseSequence
        for row in rows { text += row.text + "\n" }
        stream.write(text)
        drawnLines = rows.count
    }

    private var eraseSequence: String { drawnLines == 0 ? "" : "\u{1B}[\(drawnLines)A\r\u{1B}[J" }

    private func erase() {
        guard drawnLines > 0 else { return }
        TextStream.errors.write(eraseSequence)
        drawnLines = 0
    }
}
