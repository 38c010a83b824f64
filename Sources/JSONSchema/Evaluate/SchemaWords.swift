internal import FlatValue

/// How messages speak of schemas: `string`, `"send" or "drop"`, `array of number`.
struct SchemaWords {
    let graph: SchemaGraph

    init(_ graph: SchemaGraph) { self.graph = graph }

    /// What a schema expects, in a few words.
    func expectation(of id: NodeID) -> String { expectation(of: id, depth: 0) }

    /// What the branches of a union expect, each said once.
    func alternatives(_ branches: [NodeID]) -> String { alternatives(branches, depth: 0) }

    private func expectation(of id: NodeID, depth: Int) -> String {
        let rules = graph[id].rules
        if let verdict = rules.verdict { return verdict ? "any value" : "nothing" }
        guard depth < 6 else { return rules.types?.description ?? "a value" }
        if let constant = rules.constant { return constant.withCursor(\.shortJSON) }
        if let choices = rules.enumeration { return Self.list(choices) }
        if let types = rules.types {
            if types == .array, let items = rules.items, graph[items].rules.verdict == nil {
                let inner = expectation(of: items, depth: depth + 1)
                return inner.contains(" or ") ? "array" : "array of \(inner)"
            }
            if types == .string, let format = rules.format { return format.name }
            return types.description
        }
        if let target = rules.reference { return expectation(of: target, depth: depth + 1) }
        let branches = rules.anyOf.isEmpty ? rules.oneOf : rules.anyOf
        if !branches.isEmpty { return alternatives(branches, depth: depth + 1) }
        if let first = rules.allOf.first { return expectation(of: first, depth: depth + 1) }
        if !rules.properties.isEmpty || !rules.required.isEmpty { return "object" }
        return "a value"
    }

    private func alternatives(_ branches: [NodeID], depth: Int) -> String {
        var words: [String] = []
        for branch in branches {
            let word = expectation(of: branch, depth: depth + 1)
            if !words.contains(word) { words.append(word) }
        }
        return joinedAlternatives(words.count > 6 ? words.prefix(6) + ["something else"] : words)
    }

    /// The values of an `enum`.
    static func list(_ choices: [Value]) -> String {
        let words = choices.prefix(8).map { $0.withCursor(\.shortJSON) }
        return joinedAlternatives(choices.count > 8 ? words + ["…"] : words)
    }
}
