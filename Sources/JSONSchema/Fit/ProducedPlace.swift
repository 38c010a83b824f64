package import FlatValue

/// A place within the values that a schema lets out: the schemas that all hold there.
package struct ProducedPlace {
    package let schema: Schema
    let nodes: [NodeID]
    /// Whether there is always a value.
    let isAlways: Bool

    package init(_ schema: Schema) { self.init(schema, [schema.graph.root], isAlways: true) }

    private init(_ schema: Schema, _ nodes: [NodeID], isAlways: Bool) {
        self.schema = schema
        self.nodes = nodes
        self.isAlways = isAlways
    }

    /// Whether it is the value itself.
    package var isRoot: Bool { nodes == [schema.graph.root] }

    private var cases: [FitCase] {
        FitCases(graph: schema.graph, isProducer: true, budget: FitBudget()).cases(of: nodes)
    }

    /// The place of a key, nil where nothing is known of it.
    subscript(key: String) -> ProducedPlace? {
        let cases = cases
        guard cases.count == 1, cases[0].types == .object, let nodes = cases[0].nodes(ofKey: key) else { return nil }
        let isPresent = cases[0].required.contains(key) || cases[0].defaulted.contains(key)
        return ProducedPlace(schema, nodes, isAlways: isAlways && isPresent)
    }

    package subscript(path: [String]) -> ProducedPlace? {
        path.reduce(self) { (place: ProducedPlace?, key) in place?[key] }
    }

    /// The items of a list that are all alike.
    package var items: ProducedPlace? {
        let cases = cases
        guard cases.count == 1, cases[0].types == .array, cases[0].prefix.isEmpty, let item = cases[0].items else {
            return nil
        }
        return ProducedPlace(schema, [item], isAlways: true)
    }

    /// The only values that it may have, null for none; nil where there are others.
    package var choices: [Value]? {
        var result: [Value] = isAlways ? [] : [.null]
        for kind in cases {
            guard let values = kind.values else { return nil }
            result += values.filter { !result.contains($0) }
        }
        return result
    }
}
