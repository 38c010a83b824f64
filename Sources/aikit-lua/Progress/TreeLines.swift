internal import FlatValue
internal import JSONSchema
internal import WorkflowCore

/// Writes the lines of the tree: one a node, indented as the nodes lie in each other.
struct TreeLines {
    /// A line of the tree before it is written: a node, or how many lines are left out.
    enum Row: Equatable {
        case node(Int, depth: Int)
        case omitted(Int)
    }

    /// What gives way first when there is no room.
    private enum Weight: CaseIterable {
        case idle, over, active
    }

    let style: Style

    private static let spinner: [Character] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"]

    /// The lines that are shown, from the workflow's own down.
    ///
    /// - Parameter room: how many lines there may be; what is under way stays longest. Nil for as many as there are.
    func rows(of model: ProgressModel, room: Int?) -> [Row] {
        var nodes: [(node: Int, depth: Int)] = []
        var stack = [(node: 0, depth: 0)]
        while let next = stack.popLast() {
            nodes.append(next)
            let plan = model.plan.nodes[next.node]
            guard plan.bodyCount > 0 else { continue }
            for body in model.plan.bodies[Int(plan.firstBody)..<Int(plan.firstBody + plan.bodyCount)].reversed() {
                // Of the cases of a branch, those that were taken.
                if plan.kind == .branch, !body.members.contains(where: { model.rows[Int($0)].isStarted }) { continue }
                for member in body.members.reversed() { stack.append((Int(member), next.depth + 1)) }
            }
        }
        guard let room, nodes.count > room else { return nodes.map { .node($0.node, depth: $0.depth) } }
        var excess = nodes.count - max(room, 2) + 1
        var isLeftOut = Array(repeating: false, count: nodes.count)
        for weight in Weight.allCases where excess > 0 {
            for index in nodes.indices.dropFirst().reversed() where excess > 0 {
                guard self.weight(model.rows[nodes[index].node]) == weight else { continue }
                isLeftOut[index] = true
                excess -= 1
            }
        }
        let kept = nodes.indices.filter { !isLeftOut[$0] }.map { Row.node(nodes[$0].node, depth: nodes[$0].depth) }
        return kept + [.omitted(nodes.count - kept.count)]
    }

    private func weight(_ row: ProgressModel.Row) -> Weight { row.isActive ? .active : row.isStarted ? .over : .idle }

    /// A row as text, and the columns that it takes: fewer than `width`, so that no terminal breaks it.
    func line(_ row: Row, _ model: ProgressModel, now: Int64, tick: Int, width: Int) -> (text: String, width: Int) {
        switch row {
        case .node(let node, let depth): return line(node, depth: depth, model, now, tick, width)
        case .omitted(let count):
            let text = ScreenText.clipped("… \(counted(count, "more step"))", to: max(width - 1, 1))
            return (style(text, .dim), ScreenText.width(of: text))
        }
    }

    private func line(
        _ node: Int, depth: Int, _ model: ProgressModel, _ now: Int64, _ tick: Int, _ width: Int
    ) -> (text: String, width: Int) {
        let row = model.rows[node]
        let kind = model.plan.nodes[node].kind
        // The sign, the blank behind it, and the column that stays free.
        let columns = max(width - 3, 4)
        let indent = String(repeating: " ", count: min(depth * 2, columns / 2))
        let id = ScreenText.clipped(model.plan.details[node].id, to: columns - indent.count)
        let used = indent.count + ScreenText.width(of: id)
        // Of a detail that would be cut after a few characters nothing is shown.
        let room = columns - used - 2
        let detail = room < 6 ? "" : ScreenText.clipped(facts(node, row, kind, model, now), to: room)
        let name = depth == 0 ? style(id, .bold) : row.isStarted ? id : style(id, .dim)
        let tail = detail.isEmpty ? "" : "  " + (row.failed > 0 ? style(detail, .red) : style(detail, .dim))
        return (
            indent + glyph(row, isRoot: node == 0, model, tick) + " " + name + tail,
            used + 2 + (detail.isEmpty ? 0 : 2 + ScreenText.width(of: detail))
        )
    }

    private func facts(
        _ node: Int, _ row: ProgressModel.Row, _ kind: NodeKind, _ model: ProgressModel, _ now: Int64
    ) -> String {
        var facts: [String] = []
        if node == 0, let note = model.note { facts.append(note) }
        if let progress = progress(of: row, kind: kind) { facts.append(progress) }
        if row.isStarted { facts.append(elapsedText(microseconds: row.elapsed(now: now))) }
        if row.undone > 0 { facts.append(row.undone > 1 ? "undone ×\(row.undone)" : "undone") }
        if let note = note(of: row, kind: kind) { facts.append(note) }
        return facts.joined(separator: "  ")
    }

    private func glyph(_ row: ProgressModel.Row, isRoot: Bool, _ model: ProgressModel, _ tick: Int) -> String {
        if isRoot, let ending = model.ending {
            return ending == .workflowSuccess
                ? style("✓", .green)
                : ending == .workflowError ? style("✗", .red) : style("■", .yellow)
        }
        if !row.isStarted { return style("·", .dim) }
        if row.waiting > 0, row.waiting >= row.running { return style("◷", .yellow) }
        if row.running > 0 { return style(String(Self.spinner[tick % Self.spinner.count]), .cyan) }
        if row.failed > 0 { return style("✗", .red) }
        if row.undone > 0 { return style("↶", .yellow) }
        if row.cancelled > 0, row.succeeded == 0 { return style("■", .yellow) }
        return style("✓", .green)
    }

    private func progress(of row: ProgressModel.Row, kind: NodeKind) -> String? {
        switch kind {
        case .foreach: return row.isStarted ? "\(row.done)/\(row.total)" : nil
        case .loop: return row.total > 0 ? "×\(row.total)" : nil
        case .workflow, .step, .branch, .parallel, .human, .delay, .waitFor:
            return row.succeeded > 1 ? "×\(row.succeeded)" : nil
        }
    }

    private func note(of row: ProgressModel.Row, kind: NodeKind) -> String? {
        if let note = row.note {
            if kind == .branch, row.failed == 0 { return "→ \(note)" }
            if row.waiting > 0 { return "waits for '\(note)'" }
            return row.succeeded > 0 && row.failed == 0 ? nil : note
        }
        guard row.waiting > 0 else { return nil }
        return kind == .human ? "waits for an answer" : "waits"
    }
}
