internal import WorkflowCore

/// Writes the lines of the tree: one a node, indented as the nodes lie in each other.
struct TreeLines {
    /// A line, and whether something goes on in it.
    struct Line {
        var text: String
        var weight: Weight
    }

    /// What gives way first when there is no room.
    enum Weight: Int, Comparable {
        case idle, over, active

        static func < (left: Weight, right: Weight) -> Bool { left.rawValue < right.rawValue }
    }

    let style: Style

    private static let spinner: [Character] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"]

    func lines(of model: ProgressModel, now: Int64, tick: Int, width: Int) -> [Line] {
        var lines: [Line] = []
        add(0, depth: 0, model, now, tick, width, &lines)
        return lines
    }

    private func add(
        _ node: Int, depth: Int, _ model: ProgressModel, _ now: Int64, _ tick: Int, _ width: Int, _ lines: inout [Line]
    ) {
        lines.append(line(node, depth: depth, model, now, tick, width))
        let plan = model.plan.nodes[node]
        guard plan.bodyCount > 0 else { return }
        for body in model.plan.bodies[Int(plan.firstBody)..<Int(plan.firstBody + plan.bodyCount)] {
            // Of the cases of a branch, those that were taken.
            if plan.kind == .branch, !body.members.contains(where: { model.rows[Int($0)].isStarted }) { continue }
            for member in body.members { add(Int(member), depth: depth + 1, model, now, tick, width, &lines) }
        }
    }

    private func line(
        _ node: Int, depth: Int, _ model: ProgressModel, _ now: Int64, _ tick: Int, _ width: Int
    ) -> Line {
        let row = model.rows[node]
        let indent = String(repeating: "  ", count: depth)
        let id = clipped(model.plan.details[node].id, to: max(width - 4 - indent.count, 8))
        var facts: [String] = []
        if node == 0, let note = model.note { facts.append(note) }
        if let progress = progress(of: row, kind: model.plan.nodes[node].kind) { facts.append(progress) }
        if row.isStarted {
            let end = row.isActive || row.ended == 0 ? now : row.ended
            facts.append(durationText(microseconds: max(end - row.began, 0)))
        }
        if let note = note(of: row, kind: model.plan.nodes[node].kind) { facts.append(note) }
        let room = max(width - 4 - indent.count - id.count, 8)
        let detail = clipped(facts.joined(separator: "  "), to: room)
        let isIdle = !row.isStarted
        let name = depth == 0 ? style(id, .bold) : isIdle ? style(id, .dim) : id
        let tail = detail.isEmpty ? "" : "  " + (row.failed > 0 ? style(detail, .red) : style(detail, .dim))
        let weight: Weight = isIdle ? .idle : row.isActive ? .active : .over
        return Line(text: indent + glyph(row, isRoot: node == 0, model, tick) + " " + name + tail, weight: weight)
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

    /// The first line of a text, cut to a number of columns.
    private func clipped(_ text: String, to room: Int) -> String {
        let line = text.prefix { !$0.isNewline }
        return line.count > room ? line.prefix(room - 1) + "…" : String(line)
    }

    /// As many lines as there is room for: what is under way stays longest.
    func shortened(_ lines: [Line], to room: Int) -> [Line] {
        var excess = lines.count - room + 1
        var kept = lines
        for weight in [Weight.idle, .over, .active] where excess > 0 {
            for index in kept.indices.reversed() where kept[index].weight == weight && index > 0 && excess > 0 {
                kept.remove(at: index)
                excess -= 1
            }
        }
        kept.append(Line(text: style("… \(counted(lines.count - kept.count, "more step"))", .dim), weight: .idle))
        return kept
    }
}
