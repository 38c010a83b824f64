internal import ArgumentParser
internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowTelemetry

/// How entries of a log are written on standard error: a line of text for people, or a JSON object a line for programs.
enum LogFormat: String, CaseIterable, ExpressibleByArgument { case text, json }

/// The least important entries that are shown.
enum LogThreshold: String, CaseIterable, ExpressibleByArgument {
    case debug, info, warn, error

    func admits(_ level: LogRecord.Level) -> Bool {
        let order = LogRecord.Level.allCases
        guard let place = order.firstIndex(of: level), let least = order.firstIndex(where: { $0.rawValue == rawValue })
        else { return true }
        return place >= least
    }
}

/// What a command line wants to see of what scripts log; the journal keeps all of it.
struct LogSettings: Equatable {
    var format = LogFormat.text
    var threshold = LogThreshold.info
}

extension LogSettings {
    /// Writes what scripts log to standard error at once; the thread that logs waits for a slow reader.
    var written: @Sendable (LogRecord) -> Void {
        let (lines, threshold) = (LogLines(format, style: Style(.errors)), threshold)
        return { if threshold.admits($0.level) { TextStream.errors.writeLine(lines.line($0)) } }
    }

    /// Writes what scripts print, likewise.
    var printed: @Sendable (String) -> Void {
        let lines = LogLines(format, style: Style(.errors))
        return { TextStream.errors.writeLine(lines.line(printed: $0, at: SystemClock().now())) }
    }
}

/// Writes entries of a log, each as one line without its end.
struct LogLines: Sendable {
    private let format: LogFormat
    private let style: Style

    init(_ format: LogFormat, style: Style) {
        self.format = format
        self.style = style
    }

    /// What a script logs, with the run and the step where there are any.
    ///
    /// - Parameter ofOneRun: whether all entries that are shown are of one run, whose id then goes without saying.
    func line(_ record: LogRecord, ofOneRun: Bool = false) -> String {
        // What aikit.log says belongs to no step: its place is one of the source.
        let isOfStep = !record.run.isEmpty || !record.workflow.isEmpty
        var places = [(isOfStep ? "path" : "where", Value(record.path))]
        if !ofOneRun { places.insert(("run", Value(record.run)), at: 0) }
        if format == .json {
            places.insert(("workflow", Value(record.workflow)), at: 0)
            if let trace = record.traceID { places.append(("trace_id", Value(trace.hex))) }
        }
        places.removeAll { $0.1.string?.isEmpty == true }
        let fields = record.fields.flatMap { $0.count > 0 ? $0 : nil }.map { [("fields", $0)] } ?? []
        return line(record.level.rawValue, record.message, places + fields, at: record.time)
    }

    /// - Parameter time: microseconds since 1970.
    func line(_ level: String, _ message: String, _ fields: [(String, Value)], at time: Int64) -> String {
        switch format {
        case .json:
            let head: [(String, Value)] = [
                ("time", Value(time / 1000)), ("level", Value(level)), ("message", Value(message)),
            ]
            return Value(entries: head + fields).json
        case .text:
            let more = fields.map { " \($0.0)=\(ShownText.line($0.1.string ?? $0.1.json))" }.joined()
            let moment = style(TimeText.text(microseconds: time), .dim)
            // An entry stays one line, whatever it says.
            let text = ShownText.line(message)
            return "\(moment) \(style(level, Self.tone(of: level))) \(text)\(style(more, .dim))"
        }
    }

    /// A line that a script printed: as it is, or as an entry of the log.
    func line(printed text: String, at time: Int64) -> String {
        format == .json ? line("info", text, [], at: time) : text
    }

    private static func tone(of level: String) -> Style.Tone {
        switch LogRecord.Level(rawValue: level) {
        case .debug: .dim
        case .warn: .yellow
        case .error: .red
        case .info, nil: .blue
        }
    }
}

extension LogRecord {
    /// The trace of the run, as its spans have it; nil for what no run says.
    fileprivate var traceID: TraceID? {
        if run.isEmpty { return nil }
        return traceparent.flatMap { TraceParent($0) }?.trace ?? TraceID(run: run)
    }
}
