package import FlatValue

extension Schema {
    /// What it calls secret (`writeOnly`) in a value, whichever keyword leads there, by the references that validation follows.
    ///
    /// It does not validate: of alternatives each counts, and so does what `contains` and the `unevaluated` keywords say of parts
    /// that others may have accounted for. Rather too much is secret than too little.
    ///
    /// - Parameter foldingNames: whether fields are those of a name also where it differs in case, spaces, `_` and `-`.
    package func secrets(in value: Value, foldingNames: Bool = false) -> [Value] {
        guard hasSecrets else { return [] }
        var search = SecretSearch(graph, budget: 20_000 + 4 * value.byteCount, foldsNames: foldingNames)
        search.look(at: value, graph.root, via: [])
        return search.found
    }
}

private struct SecretSearch {
    private(set) var found: [Value] = []
    private let graph: SchemaGraph
    /// Steps that are left; schemas may lead to each other in very many ways. What is not looked at any more counts as secret.
    private var budget: Int
    private let foldsNames: Bool

    init(_ graph: SchemaGraph, budget: Int, foldsNames: Bool) {
        self.graph = graph
        self.budget = budget
        self.foldsNames = foldsNames
    }

    /// - Parameter via: the references that were followed to come to this part of the value.
    mutating func look(at value: Value, _ id: NodeID, via: Set<NodeID>) {
        let rules = graph[id].rules
        budget -= 1
        if rules.isSecret || budget < 0 { return found.append(value) }
        for target in references(of: rules) where !via.contains(target) {
            look(at: value, target, via: via.union([target]))
        }
        let inPlace = [rules.allOf, rules.anyOf, rules.oneOf].joined()
        for part in inPlace { look(at: value, part, via: via) }
        for part in [rules.condition, rules.then, rules.otherwise] {
            if let part { look(at: value, part, via: via) }
        }
        if let items = value.array {
            look(atItems: items, rules)
        } else if let fields = value.entries, !fields.isEmpty {
            for part in rules.dependentSchemas where value[part.key] != nil { look(at: value, part.node, via: via) }
            for (key, field) in fields { look(atField: key, field, rules) }
        }
    }

    /// The dynamic scope may replace the target of a reference by any schema of that anchor.
    private func references(of rules: SchemaRules) -> [NodeID] {
        var targets = [rules.reference, rules.dynamicReference?.target].compactMap(\.self)
        if let anchor = rules.dynamicReference?.anchor { targets += graph.dynamicAnchors.compactMap { $0[anchor] } }
        return targets
    }

    private mutating func look(atItems items: [Value], _ rules: SchemaRules) {
        for (index, item) in items.enumerated() {
            let own = index < rules.prefixItems.count ? rules.prefixItems[index] : rules.items
            for part in [own, rules.contains, own == nil ? rules.unevaluatedItems : nil] {
                if let part { look(at: item, part, via: []) }
            }
        }
    }

    private mutating func look(atField key: String, _ field: Value, _ rules: SchemaRules) {
        if let names = rules.propertyNames { look(at: Value(key), names, via: []) }
        var isNamed = false
        if let index = rules.propertyIndex[ByteText(key)] {
            isNamed = true
            look(at: field, rules.properties[index].node, via: [])
        } else if foldsNames {
            let name = Self.folded(key)
            for property in rules.properties where Self.folded(property.key) == name {
                look(at: field, property.node, via: [])
            }
        }
        // A name of which it cannot be told whether it fits does.
        for part in rules.patternProperties where part.pattern.search(key) != .absent {
            isNamed = true
            look(at: field, part.node, via: [])
        }
        if isNamed { return }
        for part in [rules.additionalProperties, rules.unevaluatedProperties] {
            if let part { look(at: field, part, via: []) }
        }
    }

    private static func folded(_ name: String) -> String {
        name.lowercased().filter { !$0.isWhitespace && $0 != "_" && $0 != "-" }
    }
}
