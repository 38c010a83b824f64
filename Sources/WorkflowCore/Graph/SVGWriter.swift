/// Writes a plan as an SVG picture.
struct SVGWriter {
    private let plan: Plan
    private let statuses: [NodeIndex: GraphStatus]

    init(_ plan: Plan, _ statuses: [NodeIndex: GraphStatus]) {
        self.plan = plan
        self.statuses = statuses
    }

    func text() -> String {
        let margin = 24.0
        let block = GraphLayout(plan: plan).layout()
        let title = plan.details[0].description.map { "\(plan.id): \($0)" } ?? plan.id
        let width = max(block.width, Double(title.count) * 10.4) + 2 * margin
        let top = margin + 30
        let height = block.height + top + margin
        var lines = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(number(width)) \(number(height))\" width=\""
                + "\(number(width))\" height=\"\(number(height))\" font-family=\"system-ui, sans-serif\" font-size=\"13\">",
            "<title>\(escaped(title))</title>",
            "<defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" "
                + "orient=\"auto\"><path d=\"M0 0.5 L7.5 4 L0 7.5 z\" fill=\"#64748b\"/></marker></defs>",
            "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>",
            "<text x=\"\(number(margin))\" y=\"\(number(margin + 8))\" font-size=\"16\" font-weight=\"600\" "
                + "fill=\"#0f172a\">\(escaped(title))</text>",
            "<g transform=\"translate(\(number((width - block.width) / 2)) \(number(top)))\">",
        ]
        lines += block.frames.map(frame)
        lines += block.lines.map(line)
        lines += block.boxes.flatMap(box)
        lines += block.lines.compactMap(label)
        lines += ["</g>", "</svg>"]
        return lines.joined(separator: "\n") + "\n"
    }

    private func frame(_ frame: GraphLayout.Frame) -> String {
        let rectangle =
            "<rect x=\"\(number(frame.origin.x))\" y=\"\(number(frame.origin.y))\" width=\"\(number(frame.width))\" "
            + "height=\"\(number(frame.height))\" rx=\"10\" fill=\"#94a3b8\" fill-opacity=\"0.08\" stroke=\"#94a3b8\" "
            + "stroke-dasharray=\"4 3\"/>"
        if frame.label.isEmpty { return rectangle }
        return rectangle + note(frame.label, x: frame.origin.x + 10, y: frame.origin.y + 17)
    }

    private func line(_ line: GraphLayout.Line) -> String {
        var points: [GraphLayout.Point] = []
        for point in line.points where points.last != point { points.append(point) }
        let path = points.map { "\(number($0.x)),\(number($0.y))" }.joined(separator: " ")
        let arrow = line.hasArrow ? " marker-end=\"url(#arrow)\"" : ""
        return "<polyline points=\"\(path)\" fill=\"none\" stroke=\"#64748b\" stroke-width=\"1.3\" "
            + "stroke-linejoin=\"round\"\(arrow)/>"
    }

    /// The name of a case, beside the line that leads to it.
    private func label(_ line: GraphLayout.Line) -> String? {
        guard let label = line.label, line.points.count > 2 else { return nil }
        return note(label, x: line.points[2].x + 5, y: line.points[2].y + 14)
    }

    private func note(_ text: String, x: Double, y: Double) -> String {
        "<text x=\"\(number(x))\" y=\"\(number(y))\" font-size=\"11\" fill=\"#475569\">\(escaped(text))</text>"
    }

    private func box(_ box: GraphLayout.Box) -> [String] {
        let kind = plan.nodes[Int(box.node)].kind
        let details = plan.details[Int(box.node)]
        let (fill, stroke) = statuses[box.node]?.colours ?? (kind == .step ? "#f8fafc" : "#eef2ff", "#475569")
        let radius: Double =
            switch kind {
            case .branch, .human: 3
            case .delay, .waitFor: box.height / 2
            case .step, .loop, .foreach, .parallel, .workflow: 8
            }
        var lines = ["<g>"]
        let hint = [details.description, details.location, statuses[box.node]?.rawValue].compactMap { $0 }
        if !hint.isEmpty { lines.append("<title>\(escaped(hint.joined(separator: " · ")))</title>") }
        lines.append(
            "<rect x=\"\(number(box.origin.x))\" y=\"\(number(box.origin.y))\" width=\"\(number(box.width))\" "
                + "height=\"\(number(box.height))\" rx=\"\(number(radius))\" fill=\"\(fill)\" stroke=\"\(stroke)\""
                + "\(kind == .human ? " stroke-width=\"2\"" : "")/>")
        let caption = plan.caption(box.node)
        lines.append(title(details.id, in: box, y: caption == nil ? 27 : 20, size: 13, colour: "#0f172a"))
        if let caption { lines.append(title(caption, in: box, y: 36, size: 11, colour: "#475569")) }
        lines.append("</g>")
        return lines
    }

    private func title(_ text: String, in box: GraphLayout.Box, y: Double, size: Int, colour: String) -> String {
        let room = Int((box.width - 20) / 7.2)
        let shown = text.count > room ? text.prefix(max(1, room - 1)) + "…" : text
        return
            "<text x=\"\(number(box.origin.x + box.width / 2))\" y=\"\(number(box.origin.y + y))\" font-size=\"\(size)\" "
            + "text-anchor=\"middle\" fill=\"\(colour)\">\(escaped(shown))</text>"
    }

    /// A coordinate with one decimal.
    private func number(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(Double(tenths) / 10)"
    }

    private func escaped(_ text: some StringProtocol) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case _ where scalar.value < 0x20 && scalar != "\n" && scalar != "\t": continue
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
