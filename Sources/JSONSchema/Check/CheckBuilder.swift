internal import FlatValue

/// Lays a graph out for the fast check.
struct CheckBuilder {
    let graph: SchemaGraph
    let memory = CheckMemory()
    private(set) var patterns: [Pattern] = []
    private let nodes: UnsafeMutablePointer<CheckNode>
    private var allied: [ObjectIdentifier: CheckList<UnsafeRawBufferPointer>] = [:]

    init(_ graph: SchemaGraph) {
        self.graph = graph
        let list = memory.allocate([CheckNode](repeating: CheckNode(), count: graph.nodes.count))
        nodes = UnsafeMutablePointer(mutating: list.start)
    }

    mutating func build() -> UnsafePointer<CheckNode> {
        for node in graph.nodes { nodes[node.id] = lower(node) }
        return pointer(graph.root)
    }

    /// The node to check for a schema: what a bare reference refers to stands in for it.
    func pointer(_ id: NodeID) -> UnsafePointer<CheckNode> {
        var id = id
        while let target = graph[id].rules.bareReference { id = target }
        return UnsafePointer(nodes + id)
    }

    func pointers(_ ids: [NodeID]) -> CheckList<UnsafePointer<CheckNode>> { memory.allocate(ids.map(pointer)) }

    mutating func unmanaged(_ pattern: Pattern) -> Unmanaged<Pattern> {
        patterns.append(pattern)
        return Unmanaged.passUnretained(pattern)
    }

    func text(_ key: String) -> UnsafeRawBufferPointer {
        let list = memory.allocate(Array(key.utf8))
        return UnsafeRawBufferPointer(start: list.start, count: list.count)
    }

    /// The keys of an intersection, once for all of its schemas.
    mutating func texts(_ keys: AlliedKeys) -> CheckList<UnsafeRawBufferPointer> {
        if let known = allied[ObjectIdentifier(keys)] { return known }
        let list = memory.allocate(keys.keys.map { text($0.text) })
        allied[ObjectIdentifier(keys)] = list
        return list
    }

    private mutating func lower(_ node: SchemaNode) -> CheckNode {
        let rules = node.rules
        var result = CheckNode()
        if let verdict = rules.verdict {
            result.allowed = verdict ? CheckNode.everything : 0
            result.isPlain = true
            return result
        }
        if rules.needsThoroughEvaluation {
            result.unsure = CheckNode.everything
            return result
        }
        (result.allowed, result.unsure) = tags(rules)
        if let constant = rules.constant { result.constant = choices([constant]) }
        if let enumeration = rules.enumeration { result.choices = choices(enumeration) }
        if rules.hasNumberRules {
            result.number = memory.allocate(
                CheckNumber(
                    minimum: rules.minimum, maximum: rules.maximum, exclusiveMinimum: rules.exclusiveMinimum,
                    exclusiveMaximum: rules.exclusiveMaximum, divisor: rules.multipleOf))
        }
        if rules.hasStringRules {
            result.string = memory.allocate(
                CheckString(
                    minLength: rules.minLength ?? 0, maxLength: rules.maxLength ?? Int.max,
                    pattern: rules.pattern.map { unmanaged($0) }, format: rules.format))
        }
        if rules.hasArrayRules { result.array = memory.allocate(array(rules)) }
        if rules.hasObjectRules {
            if let object = object(rules) {
                result.object = memory.allocate(object)
            } else {
                result.allowed &= ~CheckNode.bit(.object)
                result.unsure |= CheckNode.bit(.object)
            }
        }
        if !rules.inPlace.isEmpty { result.inPlace = memory.allocate(inPlace(rules)) }
        result.isPlain =
            result.object == nil && result.array == nil && result.number == nil && result.string == nil
            && result.constant == nil && result.choices == nil && result.inPlace == nil
        result.hasMore = result.constant != nil || result.choices != nil || result.inPlace != nil
        return result
    }

    /// The kinds of value that are allowed as they are, and those to look at thoroughly.
    private func tags(_ rules: SchemaRules) -> (allowed: UInt16, unsure: UInt16) {
        let types = rules.types ?? .all
        var allowed: UInt16 = 0
        var unsure: UInt16 = 0
        if types.contains(.null) { allowed |= CheckNode.bit(.null) }
        if types.contains(.boolean) { allowed |= CheckNode.bits(.true, .false) }
        if types.contains(.string) { allowed |= CheckNode.bit(.string) }
        if types.contains(.number) { allowed |= CheckNode.bits(.int, .double) }
        if types.contains(.array) { allowed |= CheckNode.bit(.array) }
        if types.contains(.object) { allowed |= CheckNode.bit(.object) }
        if types.contains(.integer) {
            allowed |= CheckNode.bit(.int)
            // An integral double becomes an integer, or it is refused.
            if !types.contains(.number) { unsure |= CheckNode.bit(.double) }
        }
        let leavesTables =
            rules.types == nil && !rules.hasArrayRules && !rules.hasObjectRules && rules.inPlace.isEmpty
            && rules.constant == nil && rules.enumeration == nil
        if leavesTables {
            allowed |= CheckNode.bit(.emptyTable)
        } else if !types.isDisjoint(with: [.array, .object]) {
            unsure |= CheckNode.bit(.emptyTable)
        }
        if let rules = rules.extension {
            if rules.coerce { unsure |= CheckNode.everything & ~allowed }
            if rules.convertsText, allowed & CheckNode.bit(.string) != 0 {
                allowed &= ~CheckNode.bit(.string)
                unsure |= CheckNode.bit(.string)
            }
        }
        return (allowed, unsure)
    }

    private func choices(_ values: [Value]) -> UnsafePointer<CheckList<CheckChoice>> {
        let choices = values.map { value in
            let bytes = memory.allocate(value.withBytes { Array($0) })
            return CheckChoice(value: ValueCursor(UnsafeRawPointer(bytes.start)), byteCount: bytes.count)
        }
        return memory.allocate(memory.allocate(choices))
    }

    private func array(_ rules: SchemaRules) -> CheckArray {
        let lastDefault = rules.prefixItems.lastIndex { graph[$0].rules.defaultValue != nil }
        let fillsBelow = rules.extension == nil ? 0 : lastDefault.map { $0 + 1 } ?? 0
        return CheckArray(
            prefix: pointers(rules.prefixItems), items: rules.items.map(pointer), contains: rules.contains.map(pointer),
            minContains: rules.minContains ?? 1, maxContains: rules.maxContains ?? Int.max,
            minCount: rules.minItems ?? 0,
            maxCount: rules.maxItems ?? Int.max, isUnique: rules.uniqueItems, fillsBelow: fillsBelow)
    }

    private func inPlace(_ rules: SchemaRules) -> CheckInPlace {
        CheckInPlace(
            all: pointers((rules.reference.map { [$0] } ?? []) + rules.allOf), any: pointers(rules.anyOf),
            one: pointers(rules.oneOf), not: rules.not.map(pointer), condition: rules.condition.map(pointer),
            then: rules.then.map(pointer), otherwise: rules.otherwise.map(pointer),
            dependents: memory.allocate(
                rules.dependentSchemas.map { CheckInPlace.Dependent(key: text($0.key), node: pointer($0.node)) }))
    }
}

extension SchemaRules {
    /// What only the thorough evaluation knows.
    fileprivate var needsThoroughEvaluation: Bool {
        unevaluatedItems != nil || unevaluatedProperties != nil || dynamicReference != nil
            || (`extension`?.callsFunctions ?? false)
    }
}
