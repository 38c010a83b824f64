package import FlatValue

extension Plan {
    /// The node that really follows when `next` came out of `node`: after the last node of a case that is what follows the
    /// branch. Nil where a body, or the run, ends.
    package func following(_ node: NodeIndex, next: NodeIndex) -> NodeIndex? {
        if next >= 0 { return next }
        var node = node
        while node > 0 {
            let owner = bodies[Int(nodes[Int(node)].body)].owner
            guard nodes[Int(owner)].kind == .branch else { return nil }
            if nodes[Int(owner)].next >= 0 { return nodes[Int(owner)].next }
            node = owner
        }
        return nil
    }

    /// What a body of a branch is called in events: its name, its 1-based index, or `otherwise`.
    package func branchID(of node: NodeIndex, choice: Int32) -> Value {
        let branch = nodes[Int(node)]
        if branch.hasOtherwise, choice == branch.bodyCount - 1 { return "otherwise" }
        return branch.isList ? Value(Int64(choice + 1)) : Value(bodies[Int(branch.firstBody + choice)].name)
    }

    /// The name of a body of a branch as the script has it; nil where there is no such body.
    package func branchName(of node: NodeIndex, choice: Int32) -> String? {
        guard nodes.indices.contains(Int(node)), choice >= 0 else { return nil }
        let body = Int(nodes[Int(node)].firstBody) + Int(choice)
        return bodies.indices.contains(body) ? bodies[body].name : nil
    }

    /// The first node of a body of a node.
    package func firstNode(of node: NodeIndex, body: Int32) -> NodeIndex {
        bodies[Int(nodes[Int(node)].firstBody + body)].first
    }

    /// The id of a node as a value; null for none.
    func idValue(_ node: NodeIndex?) -> Value { node.map { Value(details[Int($0)].id) } ?? .null }
}
