internal import FlatValue

extension RunMachine {
    /// The path of the node that a frame runs, such as `enrich[3]/translate`.
    ///
    /// Indexes count from 1. Iterations, items and branches of a parallel stand in brackets behind their construct; a case
    /// lies right under its branch, and a nested workflow's steps under the workflow.
    package func path(of frame: Int32) -> String { path(of: frame, node: frames[Int(frame)].node) }

    /// The path of a node in a frame.
    package func path(of frame: Int32, node: NodeIndex) -> String {
        guard node > 0 else { return "" }
        if let step = undone(in: frame), step.node == node { return step.path }
        let prefix = prefix(of: frame)
        let id = plan.details[Int(node)].id
        return prefix.isEmpty ? id : prefix + "/" + id
    }

    /// What stands before the nodes of a frame.
    private func prefix(of frame: Int32) -> String {
        let parent = frames[Int(frame)].parent
        guard parent >= 0 else { return "" }
        let owner = frames[Int(parent)].node
        guard owner > 0 else { return "" }
        let node = plan.nodes[Int(owner)]
        let base = path(of: parent, node: owner)
        switch node.kind {
        case .loop, .foreach: return "\(base)[\(frames[Int(frame)].ordinal)]"
        case .parallel: return "\(base)[\(plan.bodies[Int(node.firstBody + frames[Int(frame)].ordinal - 1)].name)]"
        case .workflow, .branch, .step, .human, .delay, .waitFor: return base
        }
    }

    /// The nearest parallel above a frame, as its node and the name of the branch.
    package func parallelGroup(of frame: Int32) -> (node: NodeIndex, branch: Plan.Body)? {
        var frame = frame
        while frame >= 0, frames[Int(frame)].parent >= 0 {
            let parent = frames[Int(frame)].parent
            let node = plan.nodes[Int(frames[Int(parent)].node)]
            if node.kind == .parallel {
                return (frames[Int(parent)].node, plan.bodies[Int(node.firstBody + frames[Int(frame)].ordinal - 1)])
            }
            frame = parent
        }
        return nil
    }

    /// The iteration that the innermost loop or foreach above a frame runs, from 1; 0 for none.
    package func iteration(of frame: Int32) -> UInt32 {
        if let step = undone(in: frame) { return step.iteration }
        var frame = frame
        while frame >= 0, frames[Int(frame)].parent >= 0 {
            let parent = frames[Int(frame)].parent
            let kind = plan.nodes[Int(frames[Int(parent)].node)].kind
            if kind == .loop || kind == .foreach { return UInt32(frames[Int(frame)].ordinal) }
            frame = parent
        }
        return 0
    }
}
