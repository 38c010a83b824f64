internal import FlatValue
internal import WorkflowCore

/// Callbacks that gave nothing where something is needed, which in most cases is a `return` that was forgotten.
extension Worker {
    /// How far back the step that gave an input is looked for, in events.
    private static let lookBack = 64

    /// Words for an error of a node whose input is null because the step before it gave nothing; empty for any other.
    func originOfNothing(_ run: Run, _ frame: Int32) -> String {
        let state = run.machine.frames[Int(frame)]
        guard !state.input.isNone, run.log.value(state.input).isNull,
            let source = giver(of: state.node, in: run)
        else { return "" }
        let place =
            run.executor.end(of: run.plan.nodes[Int(source)].callback).map { ", its handler ends at \($0)" } ?? ""
        return "; step '\(run.plan.details[Int(source)].id)' returned nothing" + place
    }

    /// Words for an error of a step whose own handler gave null.
    func endOfHandler(_ run: Run, _ frame: Int32, _ output: Slice) -> String {
        let node = run.plan.nodes[Int(run.machine.frames[Int(frame)].node)]
        guard node.kind == .step, run.log.value(output).isNull, let end = run.executor.end(of: node.callback) else {
            return ""
        }
        return "; the handler returned nothing, it ends at \(end)"
    }

    /// The step of the same sequence that completed last, if it gave null.
    private func giver(of node: NodeIndex, in run: Run) -> NodeIndex? {
        let body = Int(run.plan.nodes[Int(node)].body)
        guard run.plan.bodies.indices.contains(body) else { return nil }
        let members = run.plan.bodies[body].members
        for index in stride(from: run.log.count - 1, through: max(run.log.count - Self.lookBack, 0), by: -1) {
            let event = run.log[index]
            guard event.kind == .stepSuccess, members.contains(event.node) else { continue }
            let gaveNothing = !event.payload.isNone && run.log.value(event.payload).isNull
            return event.node != node && gaveNothing && run.plan.nodes[Int(event.node)].kind == .step
                ? event.node : nil
        }
        return nil
    }
}
