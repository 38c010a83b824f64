internal import FlatValue

/// How much one comparison may do: unions of unions multiply, and what is left undone is only not told.
final class FitBudget {
    private var remaining = 50_000

    /// Whether there was something left.
    func spend() -> Bool {
        remaining -= 1
        return remaining > 0
    }
}

/// Takes a schema apart into the kinds of value that it takes.
struct FitCases {
    let graph: SchemaGraph
    /// Whether the schema is seen from its output, after transformations and defaults.
    let isProducer: Bool
    let budget: FitBudget

    private static let maximumCount = 48

    /// The kinds of value of a schema; one of anything where it says more than can be followed.
    func cases(of id: NodeID, depth: Int = 0) -> [FitCase] {
        let any = [FitCase(types: .all)]
        guard depth < 16, budget.spend() else { return any }
        let rules = graph[id].rules
        if let verdict = rules.verdict { return verdict ? any : [] }
        // What a function of the script makes of a value is not known.
        if isProducer, rules.extension?.transforms ?? false || rules.dynamicReference != nil { return any }
        var result = own(rules)
        for part in rules.allOf + (rules.reference.map { [$0] } ?? []) {
            result = combined(result, cases(of: part, depth: depth + 1))
        }
        for union in [rules.anyOf, rules.oneOf] where !union.isEmpty {
            result = combined(result, union.flatMap { cases(of: $0, depth: depth + 1) })
        }
        return result.count > Self.maximumCount ? any : result
    }

    /// All kinds that satisfy every one of several schemas.
    func cases(of ids: [NodeID]) -> [FitCase] {
        ids.dropFirst().reduce(ids.first.map { cases(of: $0) } ?? [FitCase(types: .all)]) {
            combined($0, cases(of: $1))
        }
    }

    /// Whether a value that several schemas describe may be missing: one of them says so, or has a default.
    func areOptional(_ ids: [NodeID]) -> Bool {
        ids.contains { id in
            let rules = graph[target(of: id)].rules
            return rules.extension?.optional == true || rules.extension != nil && rules.defaultValue != nil
        }
    }

    /// The schema that a mere reference stands for.
    func target(of id: NodeID) -> NodeID {
        var id = id
        while let target = graph[id].rules.bareReference { id = target }
        return id
    }

    private func own(_ rules: SchemaRules) -> [FitCase] {
        var base = FitCase(types: .all)
        base.values = rules.constant.map { [$0] } ?? rules.enumeration
        base.numbers = FitRange(
            low: max(rules.minimum?.double ?? -.infinity, rules.exclusiveMinimum?.double ?? -.infinity),
            high: min(rules.maximum?.double ?? .infinity, rules.exclusiveMaximum?.double ?? .infinity))
        base.lengths = Self.range(rules.minLength, rules.maxLength)
        base.counts = Self.range(rules.minItems, rules.maxItems)
        base.prefix = rules.prefixItems
        base.items = rules.items
        base.properties = rules.properties.map { ($0.key, [$0.node]) }
        base.required = Set(rules.required)
        base.additional = rules.additionalProperties.flatMap { graph[$0].rules.verdict == nil ? $0 : nil }
        let unknown = rules.extension?.unknown
        let refuses = rules.additionalProperties.map { graph[$0].rules.verdict == false } ?? (unknown == .strict)
        base.isStrict = refuses && rules.patternProperties.isEmpty
        base.isClosed =
            base.isStrict || unknown == .strip && rules.additionalProperties == nil && rules.patternProperties.isEmpty
        base.coerces = rules.extension?.coerce ?? false
        if rules.extension != nil {
            for (key, node) in rules.properties {
                let own = graph[node].rules
                if own.defaultValue != nil { base.defaulted.insert(key) }
                // A script leaves a key out that is null.
                if own.extension?.optional == true || mayBeNull(node) { base.required.remove(key) }
            }
        }
        let looksLikeObject = rules.types == nil && rules.hasObjectRules
        guard let types = rules.types ?? (looksLikeObject ? .object : nil) else { return [base] }
        let single: [SchemaTypes] = [.null, .boolean, .integer, .number, .string, .array, .object]
        return single.filter { types.contains($0) && !($0 == .integer && types.contains(.number)) }.map { type in
            var one = base
            one.types = type
            one.values = base.values?.filter { value in value.withCursor { type.contains($0) } }
            return one
        }.filter { $0.values?.isEmpty != true }
    }

    private func mayBeNull(_ id: NodeID) -> Bool { cases(of: id, depth: 12).contains { $0.types == .null } }

    private static func range(_ low: Int?, _ high: Int?) -> FitRange {
        FitRange(low: low.map(Double.init) ?? -.infinity, high: high.map(Double.init) ?? .infinity)
    }

    /// The kinds that are in both lists.
    private func combined(_ left: [FitCase], _ right: [FitCase]) -> [FitCase] {
        left.flatMap { a in right.compactMap { b in combined(a, b) } }
    }

    private func combined(_ a: FitCase, _ b: FitCase) -> FitCase? {
        var result = a
        switch (a.types, b.types) {
        case let (x, y) where x == y || y == .all: break
        case (.all, let y): result.types = y
        case (.number, .integer): result.types = .integer
        case (.integer, .number): break
        default: return nil
        }
        if let others = b.values { result.values = a.values?.filter(others.contains) ?? others }
        if result.values?.isEmpty == true { return nil }
        result.numbers = a.numbers.intersection(b.numbers)
        result.lengths = a.lengths.intersection(b.lengths)
        result.counts = a.counts.intersection(b.counts)
        if result.prefix.isEmpty { result.prefix = b.prefix }
        result.items = a.items ?? b.items
        for (key, nodes) in b.properties {
            if let index = result.properties.firstIndex(where: { $0.key == key }) {
                result.properties[index].nodes += nodes
            } else {
                result.properties.append((key, nodes))
            }
        }
        result.required.formUnion(b.required)
        result.defaulted.formUnion(b.defaulted)
        result.additional = a.additional ?? b.additional
        // Of an intersection only what both sides close is closed; a side without keys closes nothing.
        let aSays = !a.properties.isEmpty || a.isClosed
        let bSays = !b.properties.isEmpty || b.isClosed
        result.isClosed = (a.isClosed || !aSays) && (b.isClosed || !bSays) && (a.isClosed || b.isClosed)
        result.isStrict = (a.isStrict || !aSays) && (b.isStrict || !bSays) && (a.isStrict || b.isStrict)
        result.coerces = a.coerces || b.coerces
        return result
    }
}
