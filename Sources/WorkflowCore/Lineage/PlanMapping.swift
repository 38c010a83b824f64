internal import FlatValue

/// Where the nodes of one plan stand in another one.
///
/// A node is the same node if it has the same id and kind, in a body of the same name of the same construct; where it
/// stands among its neighbours does not matter here.
package struct PlanMapping {
    package let old: Plan
    package let new: Plan
    private var counterparts: [NodeIndex]
    private var originals: [NodeIndex]

    package init(from old: Plan, to new: Plan) {
        self.old = old
        self.new = new
        counterparts = Array(repeating: -1, count: old.nodes.count)
        originals = Array(repeating: -1, count: new.nodes.count)
        match(0, with: 0)
    }

    private mutating func match(_ node: NodeIndex, with twin: NodeIndex) {
        counterparts[Int(node)] = twin
        originals[Int(twin)] = node
        for offset in old.bodies(of: node).indices {
            guard let body = counterpart(ofBody: Int32(offset) - old.nodes[Int(node)].firstBody, of: node) else {
                continue
            }
            let others = new.bodies[Int(new.nodes[Int(twin)].firstBody + body)].members
            for member in old.bodies[offset].members {
                let other = others.first { index in
                    new.details[Int(index)].id == old.details[Int(member)].id
                        && new.nodes[Int(index)].kind == old.nodes[Int(member)].kind
                }
                if let other { match(member, with: other) }
            }
        }
    }

    /// The new place of a node, or nil.
    package func counterpart(of node: NodeIndex) -> NodeIndex? {
        let twin = counterparts[Int(node)]
        return twin < 0 ? nil : twin
    }

    /// The old place of a node of the new plan, or nil.
    package func original(of node: NodeIndex) -> NodeIndex? { originals[Int(node)] < 0 ? nil : originals[Int(node)] }

    /// Which body of the node's counterpart is the given body of a node; bodies count from 0.
    package func counterpart(ofBody body: Int32, of node: NodeIndex) -> Int32? {
        guard let twin = counterpart(of: node) else { return nil }
        let kind = old.nodes[Int(node)].kind
        guard kind == .branch || kind == .parallel else {
            return body < new.nodes[Int(twin)].bodyCount ? body : nil
        }
        let name = old.bodies[Int(old.nodes[Int(node)].firstBody + body)].name
        return new.bodies(of: twin).firstIndex { $0.name == name }.map { Int32($0) - new.nodes[Int(twin)].firstBody }
    }

    /// Says why a node has no counterpart.
    func absence(of node: NodeIndex, at path: String) -> Misfit {
        let id = old.details[Int(node)].id
        let kind = old.nodes[Int(node)].kind
        let owner = old.bodies[Int(old.nodes[Int(node)].body)].owner
        let neighbours = counterpart(of: owner).map { new.bodies(of: $0).flatMap(\.members) } ?? []
        if let other = neighbours.first(where: { new.details[Int($0)].id == id }) {
            let now = new.nodes[Int(other)].kind
            return Misfit(kind: .missing, path: path, message: "was a \(kind.name) and is a \(now.name) now")
        }
        let hint = suggestion(for: id, in: neighbours.map { new.details[Int($0)].id })
        return Misfit(kind: .missing, path: path, message: "is not in the new definition" + hint)
    }
}
