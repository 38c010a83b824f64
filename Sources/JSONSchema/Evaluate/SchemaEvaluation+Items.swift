internal import FlatValue

extension SchemaEvaluation {
    /// Evaluates the keywords for arrays; returns the array with the items that came out changed.
    mutating func evaluateItems(_ node: SchemaNode, _ value: ValueCursor, _ parts: inout EvaluatedParts) -> ValueCursor
    {
        let rules = node.rules
        let prefix = rules.prefixItems
        checkCount(node, value.count, "minItems", rules.minItems, "maxItems", rules.maxItems, "item", value)
        if rules.uniqueItems { checkUnique(node, value) }

        var rest = rules.items
        if let items = rest, graph[items].rules.verdict == false, value.count > prefix.count {
            refuse(node, "items", .tooBig, expected: "at most \(counted(prefix.count, "item"))", value) {
                prefix.isEmpty
                    ? "must be empty (has \(value.count))"
                    : "must have at most \(counted(prefix.count, "item")) (has \(value.count))"
            }
            rest = nil
        }
        var value = value
        if !prefix.isEmpty || rest != nil {
            var changes: [(index: Int, value: ValueCursor)] = []
            for (index, item) in value.items.enumerated() where !isStopped {
                guard let schema = index < prefix.count ? prefix[index] : rest else { break }
                path.steps.append(.index(index))
                let verdict = evaluate(schema, item)
                path.steps.removeLast()
                if verdict.value.start != item.start { changes.append((index, verdict.value)) }
            }
            parts.itemCount = rest == nil ? min(prefix.count, value.count) : value.count
            if !changes.isEmpty { value = replacing(changes, in: value) }
            value = fillingDefaults(node, value)
        }
        if let contains = rules.contains { checkContains(node, contains, value, &parts) }
        return value
    }

    /// Adds the defaults of the script's items that are not there.
    private mutating func fillingDefaults(_ node: SchemaNode, _ value: ValueCursor) -> ValueCursor {
        let prefix = node.rules.prefixItems
        guard node.rules.extension != nil, value.count < prefix.count else { return value }
        var added: [ValueCursor] = []
        for index in value.count..<prefix.count where !isStopped {
            guard let filling = graph[prefix[index]].rules.defaultValue else { break }
            path.steps.append(.index(index))
            added.append(evaluate(prefix[index], scratch.copy(filling)).value)
            path.steps.removeLast()
        }
        if added.isEmpty { return value }
        return scratch.copy { arena in
            let container = arena.beginArray()
            for item in value.items { arena.write(item) }
            for item in added { arena.write(item) }
            arena.end(container, count: value.count + added.count)
        }
    }

    private mutating func checkContains(
        _ node: SchemaNode, _ schema: NodeID, _ value: ValueCursor, _ parts: inout EvaluatedParts
    ) {
        var count = 0
        for (index, item) in value.items.enumerated() where matches(schema, item) {
            count += 1
            if graph.tracksEvaluated { parts.items.insert(index) }
        }
        let minimum = node.rules.minContains ?? 1
        let expectation = SchemaWords(graph).expectation(of: schema)
        if count < minimum {
            refuse(
                node, node.rules.minContains == nil ? "contains" : "minContains", .tooSmall, expected: expectation,
                value
            ) {
                minimum == 1
                    ? "must contain an item that fits (expected \(expectation))"
                    : "must contain at least \(minimum) items that fit (has \(count), expected \(expectation))"
            }
        }
        if let maximum = node.rules.maxContains, count > maximum {
            refuse(node, "maxContains", .tooBig, expected: "at most \(maximum) × \(expectation)", value) {
                "must contain at most \(maximum) items that fit \(expectation) (has \(count))"
            }
        }
    }

    private mutating func checkUnique(_ node: SchemaNode, _ value: ValueCursor) {
        guard let (first, second) = value.firstEqualItems else { return }
        refuse(node, "uniqueItems", .notUnique, expected: "items that differ", value) {
            "must not repeat items (items \(first + 1) and \(second + 1) are equal)"
        }
    }

    private mutating func replacing(_ changes: [(index: Int, value: ValueCursor)], in array: ValueCursor) -> ValueCursor
    {
        scratch.copy { arena in
            let container = arena.beginArray()
            var next = changes[...]
            for (index, item) in array.items.enumerated() {
                if let change = next.first, change.index == index {
                    arena.write(change.value)
                    next.removeFirst()
                } else {
                    arena.write(item)
                }
            }
            arena.end(container, count: array.count)
        }
    }

    /// Evaluates `unevaluatedItems` and `unevaluatedProperties` on what is left over.
    mutating func evaluateUnevaluated(_ node: SchemaNode, _ value: ValueCursor, _ parts: inout EvaluatedParts)
        -> ValueCursor
    {
        if let schema = node.rules.unevaluatedItems, value.isArray {
            var changes: [(index: Int, value: ValueCursor)] = []
            for (index, item) in value.items.enumerated() where !parts.contains(item: index) {
                path.steps.append(.index(index))
                let verdict = evaluate(schema, item)
                path.steps.removeLast()
                if verdict.value.start != item.start { changes.append((index, verdict.value)) }
            }
            parts.itemCount = value.count
            return changes.isEmpty ? value : replacing(changes, in: value)
        }
        if let schema = node.rules.unevaluatedProperties, value.isObject {
            var edits = ObjectEdits()
            for (index, entry) in value.entries.enumerated() where !parts.contains(key: entry.key) {
                path.steps.append(.key(entry.keyBytes))
                if graph[schema].rules.verdict == false {
                    refuseKey(node, "unevaluatedProperties", entry)
                } else {
                    let verdict = evaluate(schema, entry.value)
                    if verdict.value.start != entry.value.start { edits.replace(index, with: verdict.value) }
                }
                path.steps.removeLast()
            }
            parts.hasAllKeys = true
            return edits.applied(to: value, &scratch)
        }
        return value
    }
}

extension ValueCursor {
    /// The indexes of two items that are equal as JSON.
    var firstEqualItems: (Int, Int)? {
        guard count > 1 else { return nil }
        let items = Array(self.items)
        if items.count <= 12 {
            for second in 1..<items.count {
                for first in 0..<second where items[first].equals(items[second]) { return (first, second) }
            }
            return nil
        }
        var seen: [Int: [Int]] = [:]
        for (index, item) in items.enumerated() {
            let hash = item.jsonHash
            if let earlier = seen[hash]?.first(where: { items[$0].equals(item) }) { return (earlier, index) }
            seen[hash, default: []].append(index)
        }
        return nil
    }

    /// A hash that equal values share, whatever the order of keys and the kind of number.
    var jsonHash: Int {
        var hasher = Hasher()
        switch tag {
        case .null, .true, .false: hasher.combine(tag)
        case .int, .double: hasher.combine(number)
        case .string: hasher.combine(bytes: stringBytes.unsafelyUnwrapped)
        case .array:
            // An unmarked empty table equals both kinds of empty container.
            hasher.combine(count)
            for item in items { hasher.combine(item.jsonHash) }
        case .object, .emptyTable:
            hasher.combine(count)
            var sum = 0
            for entry in entries {
                var member = Hasher()
                member.combine(bytes: entry.keyBytes)
                member.combine(entry.value.jsonHash)
                sum &+= member.finalize()
            }
            if count > 0 { hasher.combine(sum) }
        }
        return hasher.finalize()
    }
}
