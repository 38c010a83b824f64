internal import FlatValue
internal import HostEffects
internal import JSONSchema
internal import WorkflowCore
internal import WorkflowEngine

/// A stored run as text for people.
struct RunDescription {
    private let run: RunInspection
    private let style: Style
    private let width: Int
    private let isFull: Bool

    /// How many executions of one body are shown unless all are wanted.
    private static let shownSteps = 50

    init(_ run: RunInspection, stream: TextStream, isFull: Bool) {
        self.run = run
        style = Style(stream)
        width = stream.isTerminal ? stream.width : 120
        self.isFull = isFull
    }

    var text: String {
        var lines = heading
        for root in StepTree.roots(of: run.result.steps).prefix(limit) { add(root, depth: 1, to: &lines) }
        lines += logs
        lines += ending
        return lines.map { $0 + "\n" }.joined()
    }

    private var limit: Int { isFull ? .max : Self.shownSteps }

    private var heading: [String] {
        let status = run.header.status
        var lines = [
            style(status.sign, status.tone) + " " + style(run.header.id, .bold)
                + ", workflow \(run.header.workflow): " + style(run.header.statusText, status.tone)
        ]
        func add(_ name: String, _ text: String) {
            lines.append("  " + style(name.padding(to: 9), .dim) + text)
        }
        let took = elapsedText(microseconds: max(run.header.updatedAt - run.header.createdAt, 0))
        let verb = status.isTerminal ? "took" : "last event after"
        add(
            status == .queued ? "asked for" : "started",
            TimeText.text(microseconds: run.header.createdAt) + ", \(verb) \(took)")
        if run.header.isResting { add("wakes", TimeText.text(microseconds: run.header.wakeAt)) }
        if let place = run.place { add("queued", "priority \(place.priority), " + place.text + place.untilText) }
        add("code", "\(run.header.generation.prefix(12))  \(run.code.text)")
        let options = Permissions(grant: run.header.origin.grant).arguments
        if !options.isEmpty { add("may", String(options.dropFirst())) }
        if let from = run.header.lineage {
            let isNext = RunChain.next(after: from) == run.header.id
            let word =
                run.origin?["reason"]?.string
                ?? (isNext ? "restarted" : run.header.origin.inputDigest != nil ? "started by it" : "forked")
            let place = run.origin?["path"]?.string.map { " at '\($0)'" } ?? ""
            add("from", "\(from), \(word)\(place)")
        }
        if let owner = run.header.owner { add("driven by", " " + owner.name) }
        if run.usage.calls > 0 { add("models", Self.text(of: run.usage)) }
        add("input", clipped(run.input.json, room: width - 11))
        let tags = run.header.tags.tags.map(\.text)
        if !tags.isEmpty { add("tags", clipped(tags.joined(separator: "  "), room: width - 11)) }
        if run.result.metadata.count > 0 { add("metadata", clipped(run.result.metadata.json, room: width - 11)) }
        return lines
    }

    /// What the models of a run used: `3 calls, 24 tokens in (8 cached), 10 out, cost 0.000044`.
    private static func text(of usage: ModelUsage) -> String {
        let cached = usage.cachedInputTokens > 0 ? " (\(usage.cachedInputTokens) cached)" : ""
        let cost = usage.cost > 0 ? ", cost \(usage.scriptValue["cost"]?.json ?? "")" : ""
        return "\(counted(Int(clamping: usage.calls), "call")), \(usage.inputTokens) tokens in\(cached), "
            + "\(usage.outputTokens) out\(cost)"
    }

    // MARK: Steps

    private func add(_ node: StepTree, depth: Int, to lines: inout [String]) {
        let step = node.step
        let indent = String(repeating: "  ", count: depth)
        var facts: [String] = []
        if let branch = step.branchID { facts.append("→ " + (branch.string ?? branch.json)) }
        if step.attempts > 1 { facts.append(counted(step.attempts, "attempt")) }
        if let end = step.finishedAt { facts.append(elapsedText(microseconds: (end - step.startedAt) * 1000)) }
        let status = step.status
        if !status.isTerminal { facts.append(status == .waitingHuman ? "waits for an answer" : status.rawValue) }
        let detail = facts.isEmpty ? "" : "  " + style(facts.joined(separator: "  "), .dim)
        lines.append(indent + style(status.sign, status.tone) + " " + step.path + detail)
        let room = width - indent.count - 6
        lines.append(indent + "  " + style("in", .dim) + "  " + clipped(step.input.json, room: room))
        if let output = step.output, step.branchID == nil {
            lines.append(indent + "  " + style("out", .dim) + " " + clipped(output.json, room: room))
        }
        if let error = step.error {
            lines.append(indent + "  " + style(clipped(error["message"]?.string ?? error.json, room: room + 4), .red))
        }
        if let compensation = step.compensation { lines.append(indent + "  " + text(of: compensation, room: room)) }
        for child in node.children.prefix(limit) { add(child, depth: depth + 1, to: &lines) }
        let rest = node.children.count - limit
        if rest > 0 { lines.append(indent + "  " + style("… \(counted(rest, "more step")); --full shows all", .dim)) }
    }

    private func text(of compensation: Compensation, room: Int) -> String {
        var facts = ""
        if compensation.attempts > 1 { facts += "  " + counted(compensation.attempts, "attempt") }
        if let end = compensation.finishedAt {
            facts += "  " + elapsedText(microseconds: (end - compensation.startedAt) * 1000)
        }
        switch compensation.status {
        case .success: return style("↶ undone", .yellow) + style(facts, .dim)
        case .failed:
            let message = compensation.error?["message"]?.string ?? "no message"
            return style(clipped("✗ not undone: " + message, room: room + 4), .red) + style(facts, .dim)
        case .queued, .running, .waiting, .waitingHuman, .cancelled:
            return "↶ is being undone" + style(facts, .dim)
        }
    }

    // MARK: The log

    /// The newest entries, which are mostly what is looked for.
    private var logs: [String] {
        let hidden = max(run.logs.count - limit, 0)
        var lines: [String] = []
        if hidden > 0 {
            lines.append(style("  … \(counted(hidden, "earlier entry", "earlier entries")); --full shows all", .dim))
        }
        let written = LogLines(.text, style: style)
        for record in run.logs.dropFirst(hidden) { lines.append("  " + written.line(record, ofOneRun: true)) }
        return lines
    }

    // MARK: The end

    private var ending: [String] {
        var lines: [String] = []
        let roots = StepTree.roots(of: run.result.steps).count
        if roots > limit { lines.append(style("  … \(counted(roots - limit, "more step")); --full shows all", .dim)) }
        if let next = run.result.restartedAs {
            lines.append("  " + style("goes on".padding(to: 9), .dim) + "as run \(next)")
        } else if let result = run.result.result {
            lines.append("  " + style("result".padding(to: 9), .dim) + clipped(result.json, room: width - 11))
        }
        if let error = run.result.error {
            if run.header.status == .cancelled {
                lines.append("  cancelled: \(error["reason"]?.string ?? error.json)")
            } else {
                lines.append(ProblemPrinter(style: style).text(problem(error)))
            }
            for line in CompensationText(error: error)?.lines ?? [] {
                lines.append("  " + style(line.heading, .dim) + line.text)
            }
        }
        for wait in run.waits {
            guard let command = wait.command else { continue }
            lines.append("  " + (wait.kind == .human ? "Answer '\(wait.path)' with:" : "Go on at '\(wait.path)' with:"))
            lines.append("  " + command)
        }
        if run.header.isAbandoned || (run.header.isResting && run.header.owner == nil) {
            lines += [
                run.header.isAbandoned ? "  Go on with:" : "  When its time has come, go on with:", "  " + run.recovery,
            ]
        }
        return lines
    }

    /// The run's error with the line of the code that the run began with, whatever has become of the file.
    private func problem(_ error: Value) -> Problem {
        var problem = Problem(error: error)
        if let file = problem.file, let line = problem.line { problem.excerpt = run.code.line(line, of: file) }
        return problem
    }

    private func clipped(_ text: String, room: Int) -> String {
        let line = isFull ? text : String(text.prefix { !$0.isNewline })
        return isFull || line.count <= room ? line : line.prefix(max(room - 1, 8)) + "…"
    }
}

/// The starts of steps as they lie in each other.
struct StepTree {
    let step: StepSnapshot
    var children: [StepTree] = []

    /// Trees of the steps that lie in no other, in the order of their starts.
    static func roots(of steps: [StepSnapshot]) -> [StepTree] {
        // Children follow their parent in the list, so building from the end puts each below one that is not yet placed.
        var latest: [String: Int] = [:]
        var parents = [Int?](repeating: nil, count: steps.count)
        for (index, step) in steps.enumerated() {
            parents[index] = Self.parents(of: step.path).lazy.compactMap { latest[$0] }.first
            latest[step.path] = index
        }
        var trees = steps.map { StepTree(step: $0) }
        var roots: [StepTree] = []
        for index in trees.indices.reversed() {
            trees[index].children.reverse()
            if let parent = parents[index] {
                trees[parent].children.append(trees[index])
            } else {
                roots.append(trees[index])
            }
        }
        return roots.reversed()
    }

    /// The paths of what a step may lie in: `a[2]/b` lies in `a`.
    private static func parents(of path: String) -> [String] {
        var result: [String] = []
        var rest = path[...]
        while let slash = rest.lastIndex(of: "/") {
            rest = rest[..<slash]
            result.append(String(rest))
            if rest.last == "]", let open = rest.lastIndex(of: "[") { result.append(String(rest[..<open])) }
        }
        return result
    }
}

extension String {
    fileprivate func padding(to width: Int) -> String {
        self + String(repeating: " ", count: max(width - count, 0))
    }
}
