internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// Runs as a table, one line each.
struct RunTable {
    enum Column: Int, CaseIterable {
        case id, workflow, status, started, took, what, from

        var title: String {
            switch self {
            case .id: "RUN"
            case .workflow: "WORKFLOW"
            case .status: "STATUS"
            case .started: "STARTED"
            case .took: "TOOK"
            case .what: "WHAT"
            case .from: "FROM"
            }
        }
    }

    private let runs: [RunGlance]

    init(_ runs: [RunGlance]) { self.runs = runs }

    /// The table; on a terminal what a run waits for and the names of workflows give way, so that a line fits its width, and
    /// then whole columns do. Ids never do: they are what the other commands take.
    func text(for stream: TextStream) -> String {
        let style = Style(stream)
        let rows = runs.map { run in Column.allCases.map { cell($0, of: run) } }
        var columns = Column.allCases.filter { column in
            column.rawValue <= Column.took.rawValue || rows.contains { !$0[column.rawValue].isEmpty }
        }
        var widths = Column.allCases.map { column in
            max(column.title.count, rows.map { $0[column.rawValue].count }.max() ?? 0)
        }
        if stream.isTerminal {
            (columns, widths) = Self.fitted(columns, widths, to: stream.width)
        }
        func line(_ cells: [String], _ tone: (Column) -> Style.Tone?) -> String {
            let shown = columns.map { column in
                let (text, width) = (cells[column.rawValue], widths[column.rawValue])
                let fitted = text.count > width ? text.prefix(max(width - 1, 0)) + "…" : text
                let last = column == columns.last
                let padded = last ? fitted : fitted + String(repeating: " ", count: width - fitted.count)
                return tone(column).map { style(padded, $0) } ?? padded
            }
            var line = shown.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }
        var text = line(Column.allCases.map(\.title)) { _ in .dim }
        for (run, cells) in zip(runs, rows) { text += line(cells) { $0 == .status ? run.header.status.tone : nil } }
        return text
    }

    /// The columns that fit a line of so many characters, and the widths of all.
    static func fitted(_ columns: [Column], _ widths: [Int], to width: Int) -> ([Column], [Int]) {
        var (columns, widths) = (columns, widths)
        let least: [Column: Int] = [.what: 16, .workflow: 8]
        func excess(_ width: Int, _ length: (Column) -> Int) -> Int {
            columns.reduce(2 * (columns.count - 1)) { $0 + length($1) } - width
        }
        for column in [Column.took, .from, .started, .workflow, .what] {
            guard excess(width, { min(widths[$0.rawValue], least[$0] ?? .max) }) > 0 else { break }
            columns.removeAll { $0 == column }
        }
        for column in [Column.what, .workflow] where columns.contains(column) {
            let room = max(widths[column.rawValue] - (least[column] ?? 0), 0)
            widths[column.rawValue] -= min(max(excess(width) { widths[$0.rawValue] }, 0), room)
        }
        return (columns, widths)
    }

    private func cell(_ column: Column, of run: RunGlance) -> String {
        let header = run.header
        switch column {
        case .id: return header.id
        case .workflow: return header.workflow
        case .status: return header.statusText
        case .started: return TimeText.text(microseconds: header.createdAt)
        case .took: return elapsedText(microseconds: max(header.updatedAt - header.createdAt, 0))
        case .what:
            // Lines of an error that has several, one behind the other.
            return ShownText.shortened(run.what).split(whereSeparator: \.isNewline).map { line in
                String(line.drop { $0 == " " })
            }.joined(separator: " ")
        case .from: return header.lineage ?? ""
        }
    }
}

extension RunMachine.Status {
    /// How the status shows on a terminal.
    var tone: Style.Tone {
        switch self {
        case .success: .green
        case .failed: .red
        case .cancelled, .waiting, .waitingHuman: .yellow
        case .queued, .running: .cyan
        }
    }

    /// The sign in front of whatever has the status.
    var sign: String {
        switch self {
        case .success: "✓"
        case .failed: "✗"
        case .cancelled: "■"
        case .waiting, .waitingHuman: "◷"
        case .queued, .running: "▸"
        }
    }
}

extension RunHeader {
    /// Whether nothing happens to the run before a time, if nobody says anything to it.
    var isResting: Bool { (status == .waiting || status == .waitingHuman) && wakeAt > 0 }

    /// Whether the run could go on, and no process drives it.
    var isAbandoned: Bool { (status == .running || status == .queued) && owner == nil && !isHeld }

    /// The status for people, who want to know whether anybody carries the run.
    var statusText: String {
        isAbandoned ? status.rawValue + (isReleased ? " (released)" : " (process gone)") : status.rawValue
    }

    /// The run as programs read it; times in milliseconds since 1970.
    var value: Value {
        var entries: [(String, Value)] = [
            ("runId", Value(id)), ("workflowId", Value(workflow)), ("status", Value(status.rawValue)),
            ("startedAt", Value(createdAt / 1000)), ("updatedAt", Value(updatedAt / 1000)),
        ]
        if status.isTerminal { entries.append(("finishedAt", Value(updatedAt / 1000))) }
        if wakeAt > 0, !status.isTerminal { entries.append(("wakeAt", Value(wakeAt / 1000))) }
        entries.append(("generation", Value(generation)))
        if let lineage { entries.append(("lineage", Value(lineage))) }
        if !tags.isEmpty { entries.append(("tags", tags.value)) }
        if !origin.grant.isNull { entries.append(("permissions", origin.grant)) }
        if let owner { entries.append(("owner", Value(owner.name))) }
        if isAbandoned { entries.append((isReleased ? "released" : "processGone", true)) }
        entries.append(("events", Value(Int64(sequence))))
        return Value(entries: entries)
    }
}
