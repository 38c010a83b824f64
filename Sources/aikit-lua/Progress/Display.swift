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

/// Shows nothing but what scripts log and print.
final class SilentDisplay: Display {
    private let logs: LogLines

    init(logs: LogLines) { self.logs = logs }

    func begin(_ handle: RunHandle, again: Bool) {}
    func take(_ events: [ProgressEvent]) {}
    func takePast(_ events: [ProgressEvent]) {}
    func log(_ record: LogRecord) { TextStream.errors.writeLine(logs.line(record)) }
    func print(_ line: String) { TextStream.errors.writeLine(logs.line(printed: line, at: SystemClock().now())) }
    func draw() {}
    var nextDraw: UInt64? { nil }
    func suspend() {}
}

extension LogSettings {
    /// The display for a process whose standard error is as it is.
    ///
    /// - Parameters:
    ///   - showsProgress: whether standard error is free for the progress of the run; where it is not, entries of the log
    ///     alone are shown, as they are with JSON.
    ///   - footer: a line below the tree.
    func display(showsProgress: Bool = true, footer: String? = nil) -> any Display {
        let logs = LogLines(format, style: Style(.errors))
        if !showsProgress || format == .json { return SilentDisplay(logs: logs) }
        let drawsInPlace = TextStream.errors.isTerminal && environment("TERM") != "dumb"
        return drawsInPlace ? TreeDisplay(logs: logs, footer: footer) : PlainDisplay(logs: logs)
    }
}
