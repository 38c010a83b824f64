internal import WorkflowCore
internal import WorkflowEngine

/// Runs as a table, one line each.
struct RunTable {
    private let runs: [RunHeader]

    init(_ runs: [RunHeader]) { self.runs = runs }

    /// The table; on a terminal the names of workflows give way, so that a line fits its width.
    func text(for stream: TextStream) -> String {
        let style = Style(stream)
        let hasLineage = runs.contains { $0.lineage != nil }
        var rows = runs.map(cells)
        rows.insert(["RUN", "WORKFLOW", "STATUS", "STARTED", "TOOK", "FROM"], at: 0)
        if !hasLineage { rows = rows.map { Array($0.dropLast()) } }
        var widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        if stream.isTerminal {
            var excess = widths.reduce(2 * (widths.count - 1), +) - stream.width
            // The id stays whole as long as anything else can give way: it is what the other commands take.
            for (column, least) in [(5, 8), (1, 8), (0, 8)] where column < widths.count && excess > 0 {
                let cut = min(excess, max(widths[column] - least, 0))
                widths[column] -= cut
                excess -= cut
            }
        }
        var text = ""
        for (index, row) in rows.enumerated() {
            let cells = zip(row, widths).enumerated().map { column, cell in
                let shown = Self.fitted(cell.0, to: cell.1)
                let last = column == row.count - 1
                let padded = last ? shown : shown + String(repeating: " ", count: cell.1 - shown.count)
                if index == 0 { return style(padded, .dim) }
                return column == 2 ? style(padded, runs[index - 1].status.tone) : padded
            }
            var line = cells.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            text += line + "\n"
        }
        return text
    }

    private func cells(_ run: RunHeader) -> [String] {
        let took = run.updatedAt - run.createdAt
        return [
            run.id, run.workflow, run.status.rawValue, TimeText.text(microseconds: run.createdAt),
            durationText(microseconds: max(took, 0)), run.lineage ?? "",
        ]
    }

    private static func fitted(_ text: String, to width: Int) -> String {
        text.count > width ? text.prefix(max(width - 1, 0)) + "…" : text
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
        if let owner { entries.append(("owner", Value(owner.name))) }
        entries.append(("events", Value(Int64(sequence))))
        return Value(entries: entries)
    }
}
