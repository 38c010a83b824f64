internal import WorkflowCore
internal import WorkflowTelemetry

/// The spans of a run as text: a line each, below the span that it lies in.
struct SpanTree {
    private let spans: [Span]

    init(_ spans: [Span]) { self.spans = spans }

    var text: String {
        guard let trace = spans.first?.trace else { return "no span has ended\n" }
        let known = Set(spans.map(\.id))
        let below = Dictionary(grouping: spans) { $0.parent.flatMap { known.contains($0) ? $0 : nil } }
        var lines = ["trace \(trace.hex)"]
        add(below[nil] ?? [], below, depth: 0, to: &lines)
        return lines.joined(separator: "\n") + "\n"
    }

    private func add(_ list: [Span], _ below: [SpanID?: [Span]], depth: Int, to lines: inout [String]) {
        for span in list.sorted(by: { ($0.start, $0.end, $0.name) < ($1.start, $1.end, $1.name) }) {
            var line = String(repeating: "  ", count: depth) + ShownText.line(span.name) + "  "
            line += elapsedText(microseconds: span.end - span.start)
            if case .error(let message) = span.status { line += "  failed: " + ShownText.line(message) }
            for event in span.events where event.name.hasPrefix("workflow.") { line += "  " + event.name }
            lines.append(line)
            add(below[span.id] ?? [], below, depth: depth + 1, to: &lines)
        }
    }
}
