internal import FlatValue
package import WorkflowCore

/// Draws a workflow: as text for other programs, or as a picture.
///
/// Where the snapshots of a run are given, each node shows how its last start ended.
package enum WorkflowGraph {
    /// A flowchart in Mermaid's language.
    package static func mermaid(_ plan: Plan, steps: [StepSnapshot] = []) -> String {
        MermaidWriter(plan, GraphStatus.latest(steps)).text()
    }

    /// A graph in the language of Graphviz.
    package static func dot(_ plan: Plan, steps: [StepSnapshot] = []) -> String {
        DotWriter(plan, GraphStatus.latest(steps)).text()
    }

    /// The nodes and edges as JSON text; nodes that started in the run have their `status`.
    package static func json(_ plan: Plan, steps: [StepSnapshot] = []) -> String {
        let statuses = GraphStatus.latest(steps).mapValues(\.rawValue)
        return WorkflowOutline(plan).value(withStatus: { statuses[$0.index] }).prettyJSON
    }

    /// A picture as SVG, which needs no other program and no font but the viewer's own.
    ///
    /// - Parameters:
    ///   - isOver: whether the run of the steps has ended, so that nodes that never started were skipped.
    ///   - folded: the paths of constructs that are drawn without their bodies.
    package static func svg(
        _ plan: Plan, steps: [StepSnapshot] = [], isOver: Bool = false, folded: Set<String> = []
    ) -> String {
        SVGWriter(plan, GraphProgress.all(of: steps, in: plan, isOver: isOver), folded: folded).text()
    }
}

/// How a node of a graph stands in a run.
enum GraphStatus: String, CaseIterable {
    case running, waiting, success, failed, cancelled

    init(_ snapshot: StepSnapshot) {
        switch snapshot.status {
        case .success: self = .success
        case .failed: self = .failed
        case .cancelled: self = .cancelled
        case .waiting, .waitingHuman: self = .waiting
        case .running, .queued: self = .running
        }
    }

    /// The status of each node that has started: of its last start, but a failure is not hidden by later items.
    static func latest(_ steps: [StepSnapshot]) -> [NodeIndex: GraphStatus] {
        var statuses: [NodeIndex: GraphStatus] = [:]
        for step in steps where statuses[step.node] != .failed { statuses[step.node] = GraphStatus(step) }
        return statuses
    }

    /// The colours of its box: what fills it, what surrounds it.
    var colours: (fill: String, line: String) {
        switch self {
        case .running: ("#dbeafe", "#2563eb")
        case .waiting: ("#fef3c7", "#d97706")
        case .success: ("#dcfce7", "#16a34a")
        case .failed: ("#fee2e2", "#dc2626")
        case .cancelled: ("#e5e7eb", "#6b7280")
        }
    }
}

extension Plan {
    /// What stands in the box of a node: its id, and below it what it says about itself.
    func label(_ index: NodeIndex) -> String {
        let id = details[Int(index)].id
        return caption(index).map { "\(id)\n\($0)" } ?? id
    }

    /// What a node says about itself below its id.
    func caption(_ index: NodeIndex) -> String? {
        let node = nodes[Int(index)]
        switch node.kind {
        case .step: return node.hasRetry ? "up to \(details[Int(index)].retry?.maxAttempts ?? 1) attempts" : nil
        case .branch: return "branch"
        case .loop where details[Int(index)].role == .agent: return "agent"
        case .loop: return node.limit > 0 ? "loop, at most \(node.limit)×" : "loop"
        case .foreach:
            let ending = node.waitsForAll ? ", continues after errors" : ""
            return (node.limit > 1 ? "foreach, \(node.limit) at once" : "foreach") + ending
        case .parallel: return node.waitsForAll ? "parallel, wait-all" : "parallel"
        case .human: return "human"
        case .delay: return node.callback == 0 ? "delay \(DurationText.text(microseconds: node.duration))" : "delay"
        case .waitFor: return "waits for \(details[Int(index)].event ?? "")"
        case .workflow: return "workflow"
        }
    }
}
