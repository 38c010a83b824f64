internal import FlatValue
internal import WorkflowCore

/// Writes a plan as a Mermaid flowchart: constructs that run bodies are subgraphs around them.
struct MermaidWriter {
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
        writer.lines = ["flowchart TD"]
        for body in plan.bodies(of: 0) { writer.write(body, indent: "  ") }
        for edge in outline.edges { writer.write(edge) }
        for node in outline.nodes where node.choosesNext {
            writer.lines.append("  n\(node.index) -.->|\"next()\"| n\(node.index)x((\" \"))")
        }
        for status in GraphStatus.allCases {
            let nodes = statuses.filter { $0.value == status && $0.key > 0 }.keys.sorted()
            if nodes.isEmpty { continue }
            let (fill, line) = status.colours
            writer.lines.append("  classDef \(status.rawValue) fill:\(fill),stroke:\(line)")
            writer.lines.append("  class \(nodes.map { "n\($0)" }.joined(separator: ",")) \(status.rawValue)")
        }
        return writer.lines.joined(separator: "\n") + "\n"
    }

    /// Whether the node surrounds its bodies; a branch stands before its cases instead.
    private func hasFrame(_ index: NodeIndex) -> Bool {
        plan.nodes[Int(index)].bodyCount > 0 && plan.nodes[Int(index)].kind != .branch
    }

    private mutating func write(_ body: Plan.Body, indent: String) {
        for member in body.members {
            let label = quoted(plan.label(member))
            if hasFrame(member) {
                writeFrame(member, label, indent: indent)
                continue
            }
            switch plan.nodes[Int(member)].kind {
            case .branch: lines.append("\(indent)n\(member){\(label)}")
            case .human: lines.append("\(indent)n\(member)[/\(label)/]")
            case .delay, .waitFor: lines.append("\(indent)n\(member)([\(label)])")
            case .step, .loop, .foreach, .parallel, .workflow: lines.append("\(indent)n\(member)[\(label)]")
            }
            for inner in plan.shownBodies(of: member) { write(inner, indent: indent) }
        }
    }

    private mutating func writeFrame(_ node: NodeIndex, _ label: String, indent: String) {
        lines.append("\(indent)subgraph n\(node)[\(label)]")
        for (offset, inner) in plan.shownBodies(of: node).enumerated() {
            if plan.nodes[Int(node)].kind == .parallel {
                lines.append("\(indent)  subgraph n\(node)b\(offset)[\(quoted(inner.name))]")
                write(inner, indent: indent + "    ")
                lines.append("\(indent)  end")
            } else {
                write(inner, indent: indent + "  ")
            }
        }
        lines.append("\(indent)end")
    }

    private mutating func write(_ edge: WorkflowOutline.Edge) {
        // The frame shows that the construct runs its body.
        if edge.kind == .body { return }
        let label = edge.label.map { "|\(quoted($0))|" } ?? ""
        if edge.kind == .again {
            return lines.append("  n\(edge.fromIndex) -.->|\"again\"| n\(edge.toIndex)")
        }
        lines.append("  n\(edge.fromIndex) -->\(label) n\(edge.toIndex)")
    }

    private func quoted(_ text: String) -> String {
        var result = "\""
        for character in text {
            switch character {
            case "\"": result += "#quot;"
            case "#": result += "#35;"
            case "<": result += "#lt;"
            case ">": result += "#gt;"
            case "\n": result += "<br>"
            default: result.append(character)
            }
        }
        return result + "\""
    }
}
