internal import WorkflowCore
internal import WorkflowDiagram

/// A workflow as a tree of text: one line a node, its bodies indented below it.
struct OutlineTree {
    let style: Style

    func lines(of outline: WorkflowOutline) -> [String] {
        [style(outline.id, .bold) + (outline.description.map { "  " + style($0, .dim) } ?? "")]
            + children(of: nil, in: outline, indent: "")
    }

    private func children(of parent: String?, in outline: WorkflowOutline, indent: String) -> [String] {
        let nodes = outline.nodes.filter { $0.parent == parent }
        // Bodies in the order in which they come; a node that stands in no named body is a body by itself.
        var lines: [String] = []
        var body: String?
        for (index, node) in nodes.enumerated() {
            if let name = node.body, name != body {
                lines.append(indent + style("╎ \(name)", .cyan))
            }
            body = node.body
            let isLast = !nodes[(index + 1)...].contains { $0.body == node.body }
            let inner = node.body == nil ? indent : indent + "╎ "
            lines.append(inner + style(isLast ? "└ " : "├ ", .dim) + node.id + "  " + style(facts(node), .dim))
            lines += children(of: node.path, in: outline, indent: inner + (isLast ? "  " : style("│ ", .dim)))
        }
        return lines
    }

    private func facts(_ node: WorkflowOutline.Node) -> String {
        [node.kind == "step" ? nil : node.kind, node.description, node.location].compactMap { $0 }.joined(
            separator: "  ")
    }
}
