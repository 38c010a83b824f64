package import FlatValue
internal import JSONSchema

extension Plan {
    /// The schemas of one node, as documents of JSON Schema: `{ kind, input?, output?, response? }`.
    package func schemaDocuments(of node: NodeIndex, withExtensions: Bool) -> Value {
        let own = nodes[Int(node)]
        var entries: [(String, Value)] = [("kind", Value(own.kind.name))]
        func add(_ key: String, _ index: Int32) {
            guard index >= 0 else { return }
            let document = schemas[Int(index)].export(withExtensions: withExtensions)
            guard let members = document.entries, document["$schema"] == nil else {
                return entries.append((key, document))
            }
            let dialect = ("$schema", Value("https://json-schema.org/draft/2020-12/schema"))
            entries.append((key, Value(entries: [dialect] + members.map { ($0.key, $0.value) })))
        }
        add("input", own.inputSchema)
        add(own.kind == .human || own.kind == .waitFor ? "response" : "output", own.outputSchema)
        return Value(entries: entries)
    }

    /// The schemas of the workflow and of each node that has any: `{ kind, input?, output?, steps: { path: … } }`.
    package func schemaDocuments(withExtensions: Bool) -> Value {
        let paths = staticPaths()
        let steps = nodes.indices.dropFirst().compactMap { index -> (String, Value)? in
            let documents = schemaDocuments(of: NodeIndex(index), withExtensions: withExtensions)
            return documents.count > 1 ? (paths[index], documents) : nil
        }
        let own = schemaDocuments(of: 0, withExtensions: withExtensions).entries ?? []
        return Value(entries: own.map { ($0.key, $0.value) } + [("steps", Value(entries: steps))])
    }

    /// The node at a path, or the only one that has the id.
    package func node(at step: String) -> NodeIndex? {
        let paths = staticPaths()
        if let index = paths.indices.dropFirst().first(where: { paths[$0] == step }) { return NodeIndex(index) }
        let named = nodes.indices.dropFirst().filter { details[$0].id == step }
        return named.count == 1 ? NodeIndex(named[0]) : nil
    }
}
