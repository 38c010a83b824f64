internal import FlatValue
internal import WorkflowCore

/// Writes a plan as an SVG picture.
struct SVGWriter {
    private let plan: Plan
    private let progress: [NodeIndex: GraphProgress]
    private let paths: [String]
    private let folded: Set<NodeIndex>

    init(_ plan: Plan, _ progress: [NodeIndex: GraphProgress], folded: Set<String>) {
        self.plan = plan
        self.progress = progress
        paths = plan.staticPaths()
        let known = paths
        self.folded =
            folded.isEmpty
            ? [] : Set(known.indices.dropFirst().filter { folded.contains(known[$0]) }.map(NodeIndex.init))
    }

    func text() -> String {
        let margin = 24.0
        let block = GraphLayout(plan: plan, folded: folded).layout()
        let title = plan.details[0].description.map { "\(plan.id): \($0)" } ?? plan.id
        let width = max(block.width, min(Double(title.count) * 10.4, 720)) + 2 * margin
        let top = margin + 30
        let height = block.height + top + margin
        var lines = [
            "<svg class=\"aikit-graph\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(number(width)) \(number(height))\" width=\""
                + "\(number(width))\" height=\"\(number(height))\" font-family=\"system-ui, sans-serif\" font-size=\"13\">",
            "<title>\(escaped(title))</title>", GraphStyle.text,
            "<defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" "
                + "orient=\"auto\"><path class=\"head\" d=\"M0 0.5 L7.5 4 L0 7.5 z\" fill=\"#64748b\"/></marker></defs>",
            "<rect class=\"ground\" width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>",
            "<text class=\"caption\" x=\"\(number(margin))\" y=\"\(number(margin + 8))\" font-size=\"16\" "
                + "font-weight=\"600\" fill=\"#0f172a\">\(escaped(cut(title, to: Int(width / 9))))</text>",
            "<g transform=\"translate(\(number((width - block.width) / 2)) \(number(top)))\">",
        ]
        lines += block.frames.map(frame)
        lines += block.lines.map(line)
        lines += block.marks.map(mark)
        lines += block.boxes.flatMap(box)
        lines += block.lines.compactMap(label)
        lines += ["</g>", "</svg>"]
        return lines.joined(separator: "\n") + "\n"
    }

    private func frame(_ frame: GraphLayout.Frame) -> String {
        "<rect class=\"frame\" x=\"\(number(frame.origin.x))\" y=\"\(number(frame.origin.y))\" width=\""
            + "\(number(frame.width))\" height=\"\(number(frame.height))\" rx=\"10\" fill=\"#94a3b8\" "
            + "fill-opacity=\"0.08\" stroke=\"#94a3b8\"/>"
    }

    private func line(_ line: GraphLayout.Line) -> String {
        var points: [GraphLayout.Point] = []
        for point in line.points where points.last != point { points.append(point) }
        let path = points.map { "\(number($0.x)),\(number($0.y))" }.joined(separator: " ")
        let dashes = line.isDynamic ? " stroke-dasharray=\"5 4\"" : ""
        return
            "<polyline class=\"edge\(line.isDynamic ? " is-dynamic" : "")\"\(ends(line)) points=\"\(path)\" fill=\"none\" "
            + "stroke=\"#64748b\" stroke-width=\"1.3\" stroke-linejoin=\"round\"\(dashes) marker-end=\"url(#arrow)\"/>"
    }

    /// Between which nodes a line runs, for those who show which way a run took; empty for the start and the end.
    private func ends(_ line: GraphLayout.Line) -> String {
        if line.isDynamic || line.from == nil && line.to == nil { return "" }
        func path(_ node: NodeIndex?) -> String { node.map { escaped(paths[Int($0)]) } ?? "" }
        return " data-from=\"\(path(line.from))\" data-to=\"\(path(line.to))\""
    }

    private func mark(_ mark: GraphLayout.Mark) -> String {
        let (x, y) = (number(mark.center.x), number(mark.center.y))
        let circle =
            switch mark.kind {
            case .start, .choice:
                "<circle class=\"point\" cx=\"\(x)\" cy=\"\(y)\" r=\"6\" fill=\"#ffffff\" stroke=\"#64748b\" "
                    + "stroke-width=\"1.6\"/>"
            case .end:
                "<circle class=\"point\" cx=\"\(x)\" cy=\"\(y)\" r=\"6.5\" fill=\"#ffffff\" stroke=\"#64748b\" "
                    + "stroke-width=\"1.6\"/><circle class=\"point-end\" cx=\"\(x)\" cy=\"\(y)\" r=\"3.5\" fill=\"#64748b\"/>"
            case .join: "<circle class=\"point-end\" cx=\"\(x)\" cy=\"\(y)\" r=\"4.5\" fill=\"#64748b\"/>"
            }
        return circle + (mark.label.map { note($0, x: mark.center.x + 13, y: mark.center.y + 4) } ?? "")
    }

    /// The name of a case, beside the line that leads to it.
    private func label(_ line: GraphLayout.Line) -> String? {
        guard let label = line.label, let point = line.labelPoint else { return nil }
        return note(label, x: point.x, y: point.y)
    }

    private func note(_ text: String, x: Double, y: Double) -> String {
        "<text class=\"note\" x=\"\(number(x))\" y=\"\(number(y))\" font-size=\"11\" fill=\"#475569\">\(escaped(text))</text>"
    }

    private func box(_ box: GraphLayout.Box) -> [String] {
        let kind = plan.nodes[Int(box.node)].kind
        let details = plan.details[Int(box.node)]
        let state = progress[box.node]
        let (fill, stroke) = state?.colours ?? (kind == .step ? "#f8fafc" : "#eef2ff", "#475569")
        let radius: Double =
            switch kind {
            case .human: 3
            case .delay, .waitFor: box.height / 2
            case .branch, .step, .loop, .foreach, .parallel, .workflow: 8
            }
        let folds =
            plan.nodes[Int(box.node)].bodyCount > 0 ? " data-folds=\"\(box.hidden > 0 ? "closed" : "open")\"" : ""
        var lines = [
            "<g class=\"node\(state.map { " is-\($0.name)" } ?? "")\" data-kind=\"\(kind.name)\"\(folds) data-path=\""
                + "\(escaped(paths[Int(box.node)]))\"\(state != nil && state?.status == nil ? " opacity=\"0.55\"" : "")>"
        ]
        let hint = [details.description, details.location, state?.name, state?.duration].compactMap { $0 }
        if !hint.isEmpty { lines.append("<title>\(escaped(hint.joined(separator: " · ")))</title>") }
        lines.append(
            "<rect class=\"box\" x=\"\(number(box.origin.x))\" y=\"\(number(box.origin.y))\" width=\"\(number(box.width))\" "
                + "height=\"\(number(box.height))\" rx=\"\(number(radius))\" fill=\"\(fill)\" stroke=\"\(stroke)\""
                + "\(outline(kind, state))/>")
        var caption = plan.caption(box.node)
        if box.hidden > 0 { caption = ["\(box.hidden) inside", caption].compactMap { $0 }.joined(separator: " · ") }
        lines.append(title(details.id, in: box, y: caption == nil ? 27 : 20, size: 13, colour: "#0f172a"))
        if let caption { lines.append(title(caption, in: box, y: 36, size: 11, colour: "#475569")) }
        if let state { lines.append(mark(of: state, on: box)) }
        lines.append("</g>")
        return lines
    }

    /// How a box is surrounded: dashed while it runs, dotted while it waits, strong where it failed.
    private func outline(_ kind: NodeKind, _ state: GraphProgress?) -> String {
        switch state?.status {
        case .running: " stroke-width=\"2\" stroke-dasharray=\"6 4\""
        case .waiting: " stroke-width=\"2\" stroke-dasharray=\"2 3\""
        case .failed: " stroke-width=\"2.4\""
        case .success, .cancelled, nil: kind == .human ? " stroke-width=\"2\"" : ""
        }
    }

    /// The sign of a state at the corner of a box, and how many of several starts have ended.
    private func mark(of state: GraphProgress, on box: GraphLayout.Box) -> String {
        let line = state.colours.line
        var text =
            "<g class=\"node-mark\" transform=\"translate(\(number(box.origin.x + 8)) \(number(box.origin.y)))\"><circle "
            + "class=\"node-dot\" r=\"9\" fill=\"#ffffff\" stroke=\"\(line)\"/><path class=\"node-sign\" d=\"\(state.sign)\" "
            + "fill=\"none\" stroke=\"\(line)\" stroke-width=\"1.8\" stroke-linecap=\"round\" stroke-linejoin=\"round\"/></g>"
        if let count = state.count {
            let width = Double(count.count) * 6.6 + 12
            let (right, bottom) = (box.origin.x + box.width + 6, box.origin.y + box.height)
            text +=
                "<rect class=\"node-pill\" x=\"\(number(right - width))\" y=\"\(number(bottom - 8))\" width=\"\(number(width))\" "
                + "height=\"16\" rx=\"8\" fill=\"#ffffff\" stroke=\"\(line)\"/><text class=\"node-count\" x=\""
                + "\(number(right - width / 2))\" y=\"\(number(bottom + 4))\" font-size=\"11\" font-weight=\"600\" "
                + "text-anchor=\"middle\" fill=\"\(line)\">\(count)</text>"
        }
        return text
    }

    private func cut(_ text: String, to room: Int) -> String {
        text.count > room ? text.prefix(max(1, room - 1)) + "…" : text
    }

    private func title(_ text: String, in box: GraphLayout.Box, y: Double, size: Int, colour: String) -> String {
        let shown = cut(text, to: Int((box.width - 20) / 7.2))
        return
            "<text\(size < 13 ? " class=\"note\"" : "") x=\"\(number(box.origin.x + box.width / 2))\" y=\"\(number(box.origin.y + y))\" font-size=\"\(size)\" "
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
