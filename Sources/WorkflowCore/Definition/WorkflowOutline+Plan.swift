internal import FlatValue

extension WorkflowOutline {
    package init(_ plan: Plan) {
        id = plan.id
        description = plan.details[0].description
        let paths = plan.staticPaths()
        nodes = (1..<max(1, plan.nodes.count)).map { index in
            let node = plan.nodes[index]
            let details = plan.details[index]
            let body = plan.bodies[Int(node.body)]
            let owner = plan.nodes[Int(body.owner)]
            return Node(
                path: paths[index], id: details.id, kind: node.kind.name, description: details.description,
                location: details.location, parent: body.owner > 0 ? paths[Int(body.owner)] : nil,
                body: owner.kind == .branch || owner.kind == .parallel ? body.name : nil,
                choosesNext: node.kind == .step && node.extra != 0, index: NodeIndex(index))
        }
        edges = []
        for index in 1..<max(1, plan.nodes.count) { addEdges(from: NodeIndex(index), plan, paths) }
    }

    private mutating func addEdges(from index: NodeIndex, _ plan: Plan, _ paths: [String]) {
        let node = plan.nodes[Int(index)]
        func edge(to target: NodeIndex, _ kind: Edge.Kind, _ label: String? = nil) -> Edge {
            Edge(
                from: paths[Int(index)], to: paths[Int(target)], kind: kind, label: label, fromIndex: index,
                toIndex: target)
        }
        for body in plan.shownBodies(of: index) {
            let isNamed = node.kind == .branch || node.kind == .parallel
            edges.append(edge(to: body.first, node.kind == .branch ? .branch : .body, isNamed ? body.name : nil))
        }
        let body = plan.bodies[Int(node.body)]
        if node.next < 0, body.members.last == index, plan.nodes[Int(body.owner)].kind == .loop {
            edges.append(edge(to: body.first, .again))
        }
        // A branch that has an `otherwise` never goes on by itself: one of its cases does.
        if node.kind == .branch, node.hasOtherwise { return }
        if let next = plan.following(index, next: node.next) {
            edges.append(edge(to: next, .next, node.kind == .branch ? "none" : nil))
        }
    }
}

extension Plan {
    /// The bodies of a node, in their order.
    package func bodies(of index: NodeIndex) -> ArraySlice<Body> {
        let node = nodes[Int(index)]
        guard node.bodyCount > 0 else { return [] }
        return bodies[Int(node.firstBody)..<Int(node.firstBody + node.bodyCount)]
    }

    /// The place of each node in the tree, made unique where two cases have nodes of the same id.
    package func staticPaths() -> [String] {
        var paths = [""]
        var seen = Set<String>()
        for index in 1..<max(1, nodes.count) {
            let body = bodies[Int(nodes[index].body)]
            let base = paths[Int(body.owner)]
            let id = details[index].id
            var path = base.isEmpty ? id : "\(base)/\(id)"
            if nodes[Int(body.owner)].kind == .parallel { path = "\(base)[\(body.name)]/\(id)" }
            if !seen.insert(path).inserted {
                path = "\(base){\(body.name)}/\(id)"
                seen.insert(path)
            }
            paths.append(path)
        }
        return paths
    }
}
