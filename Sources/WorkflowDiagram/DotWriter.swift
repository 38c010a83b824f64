internal import FlatValue
internal import WorkflowCore

/// Writes a plan as a Graphviz graph: the bodies of constructs are clusters below them.
struct DotWriter {
    private let plan: Plan
    private let statuses: [NodeIndex: GraphStatus]
    private let outline: WorkflowOutline
    private var lines: [String] = []

    init(_ plan: Plan, _ statuses: [NodeIndex: GraphStatus]) {
        self.plan = plan
        self.statuses = statuses
        outline = WorkflowOutline(plan)
    }

    func text() -> String {
        var writer = self
        writer.lines = [
            "digraph \(quoted(plan.id)) {",
            "  graph [fontname=\"Helvetica\", rankdir=TB];",
            "  node [fontname=\"Helvetica\", shape=box, style=\"rounded,filled\", fillcolor=\"#ffffff\"];",
            "  edge [fontname=\"Helvetica\"];",
        ]
        for body in plan.bodies(of: 0) { writer.write(body, indent: "  ") }
        for edge in outline.edges { writer.write(edge) }
        for node in outline.nodes where node.choosesNext {
            writer.lines.append("  n\(node.index)x [shape=point];")
            writer.lines.append("  n\(node.index) -> n\(node.index)x [style=dotted, label=\"next()\"];")
        }
        writer.lines.append("}")
        return writer.lines.joined(separator: "\n") + "\n"
    }

    private mutating func write(_ body: Plan.Body, indent: String) {
        for member in body.members {
            let node = plan.nodes[Int(member)]
            var attributes = "label=\(quoted(plan.label(member)))"
            switch node.kind {
            case .branch: attributes += ", shape=diamond, style=filled"
            case .human: attributes += ", shape=parallelogram, style=filled"
            case .delay, .waitFor: attributes += ", shape=oval, style=filled"
            case .step, .loop, .foreach, .parallel, .workflow: break
            }
            if let colours = statuses[member]?.colours {
                attributes += ", fillcolor=\(quoted(colours.fill)), color=\(quoted(colours.line))"
            }
            lines.append("\(indent)n\(member) [\(attributes)];")
            for (offset, inner) in plan.shownBodies(of: member).enumerated() {
                if node.kind == .branch {
                    write(inner, indent: indent)
                    continue
                }
                lines.append("\(indent)subgraph cluster_\(member)_\(offset) {")
                lines.append("\(indent)  label=\(quoted(node.kind == .parallel ? inner.name : node.kind.name));")
                write(inner, indent: indent + "  ")
                lines.append("\(indent)}")
            }
        }
    }

    private mutating func write(_ edge: WorkflowOutline.Edge) {
        var attributes: [String] = []
        if edge.kind == .body {
            attributes.append("style=dashed")
        } else if edge.kind == .again {
            attributes += ["style=dotted", "label=\"again\""]
        } else if let label = edge.label {
            attributes.append("label=\(quoted(label))")
        }
        let list = attributes.isEmpty ? "" : " [\(attributes.joined(separator: ", "))]"
        lines.append("  n\(edge.fromIndex) -> n\(edge.toIndex)\(list);")
    }

    private func quoted(_ text: String) -> String {
        var result = "\""
        for character in text {
            switch character {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            default: result.append(character)
            }
        }
        return result + "\""
    }
}
