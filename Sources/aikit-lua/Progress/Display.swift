internal import WorkflowCore
internal import WorkflowEngine

/// How a run shows on standard error while it is under way. Only the main thread uses it.
protocol Display: AnyObject {
    /// A run is about to start, or goes on after it was suspended.
    func begin(_ handle: RunHandle, again: Bool)
    func take(_ events: [ProgressEvent])
    /// Takes events that are old, and tells nobody.
    func takePast(_ events: [ProgressEvent])
    func log(_ record: LogRecord)
    /// Shows a line that a script printed.
    func print(_ line: String)
    /// Draws what changes with time alone; called when `nextDraw` has come.
    func draw()
    /// When to call ``draw()``, in nanoseconds of the monotonic clock; nil for never.
    var nextDraw: UInt64? { get }
    /// Leaves the screen as it is to stay, for a while or for good: somebody else writes now.
    func suspend()
}

extension Display {
    func begin(_ handle: RunHandle) { begin(handle, again: false) }
}

/// Shows nothing but what scripts log.
final class SilentDisplay: Display {
    private let logs = LogLines(stream: .errors)

    func begin(_ handle: RunHandle, again: Bool) {}
    func take(_ events: [ProgressEvent]) {}
    func takePast(_ events: [ProgressEvent]) {}
    func log(_ record: LogRecord) { TextStream.errors.writeLine(logs.line(record)) }
    func print(_ line: String) { TextStream.errors.writeLine(line) }
    func draw() {}
    var nextDraw: UInt64? { nil }
    func suspend() {}
}

/// What scripts log, one line a record: the level, the message, the fields as JSON.
struct LogLines {
    private let style: Style

    init(stream: TextStream) { style = Style(stream) }

    func line(_ record: LogRecord) -> String {
        let tone: Style.Tone =
            switch record.level {
            case .debug: .dim
            case .info: .blue
            case .warn: .yellow
            case .error: .red
            }
        var line = style("[\(record.level.rawValue)]", tone) + " " + record.message
        if let fields = record.fields, fields.count > 0 { line += " " + style(fields.json, .dim) }
        return line
    }
}
