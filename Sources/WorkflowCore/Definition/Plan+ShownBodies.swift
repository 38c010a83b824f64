internal import FlatValue

extension Plan {
    /// The bodies of a node in the order in which they are shown: names that are numbers as people count, `otherwise` last.
    package func shownBodies(of index: NodeIndex) -> [Body] {
        let bodies = Array(bodies(of: index))
        let node = nodes[Int(index)]
        guard node.kind == .branch || node.kind == .parallel, !node.isList else { return bodies }
        let rest = node.hasOtherwise ? 1 : 0
        let numbers = bodies.dropLast(rest).map { Int($0.name) }
        guard numbers.allSatisfy({ $0 != nil }) else { return bodies }
        let order = numbers.indices.sorted { (numbers[$0] ?? 0, $0) < (numbers[$1] ?? 0, $1) }
        return order.map { bodies[$0] } + bodies.suffix(rest)
    }
}
