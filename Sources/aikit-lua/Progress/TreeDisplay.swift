internal import Platform
internal import WorkflowCore
internal import WorkflowEngine

/// A tree of the workflow's steps that is drawn again and again in place, for people who look on.
///
/// Nothing is drawn in the first moment, so that a short run does not flicker: it shows its tree once, at its end.
final class TreeDisplay: Display {
    private var model: ProgressModel?
    private var block = ScreenBlock()
    private var ticks = 0
    private let logs: LogLines
    private let lines = TreeLines(style: Style(.errors))
    private(set) var nextDraw: UInt64?
    private var isDirty = false

    /// A line below the tree while the run is under way, such as the keys that there are.
    private let footer: String?

    private static let interval: UInt64 = 80_000_000

    init(logs: LogLines, footer: String? = nil) {
        self.logs = logs
        self.footer = footer
    }

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
        var update = ScreenUpdate()
        block.restart(in: &update, of: .errors)
        block.write(line, to: &update)
        block.finish(in: &update)
        TextStream.errors.write(update)
        if nextDraw != nil { nextDraw = monotonicNanoseconds() }
    }

    func draw() {
        ticks += 1
        nextDraw = monotonicNanoseconds() + Self.interval
        paint(final: false)
    }

    func suspend() {
        if isDirty { paint(final: true) }
        block.release()
        nextDraw = nil
        isDirty = false
    }

    private func paint(final: Bool) {
        guard let model else { return }
        let stream = TextStream.errors
        let width = stream.width
        // A tree that is higher than the screen cannot be drawn in place: what has not begun gives way first.
        let rows = lines.rows(of: model, room: final ? nil : max(stream.height - (footer == nil ? 2 : 3), 4))
        var update = ScreenUpdate()
        block.restart(in: &update, of: stream)
        let now = SystemClock().now()
        for row in rows {
            let line = lines.line(row, model, now: now, tick: ticks, width: width)
            block.add(line.text, width: line.width, to: &update)
        }
        if !final, let footer {
            let text = ScreenText.clipped(footer, to: width - 1)
            block.add(Style(stream)(text, .dim), width: ScreenText.width(of: text), to: &update)
        }
        block.finish(in: &update)
        stream.write(update)
    }
}
