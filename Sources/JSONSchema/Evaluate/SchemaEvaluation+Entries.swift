internal import FlatValue

extension SchemaEvaluation {
    /// Evaluates the keywords for objects; returns the object with entries changed, stripped and filled in.
    mutating func evaluateEntries(_ node: SchemaNode, _ value: ValueCursor, _ parts: inout EvaluatedParts)
        -> ValueCursor
    {
        let rules = node.rules
        spend(value.count >> 3)
        checkCount(
            node, value.count, "minProperties", rules.minProperties, "maxProperties", rules.maxProperties, "key", value)
        var edits = ObjectEdits()
        for (index, entry) in value.entries.enumerated() where !isStopped {
            path.steps.append(.key(entry.keyBytes))
            evaluateEntry(node, index, entry, &edits, &parts)
            path.steps.removeLast()
        }
        var entries = EntryTable(value)
        fillDefaults(node, &entries, &edits)
        for key in rules.required where !isStopped && !isPresent(key, in: &entries, node) {
            refuseMissing(node, "required", key)
        }
        for (key, needs) in rules.dependentRequired where !isStopped && entries[key] != nil {
            for need in needs where !isStopped && entries[need] == nil {
                spend(1)
                refuse(node, "dependentRequired", .custom, expected: "'\(need)' beside '\(key)'", value) {
                    "must have '\(need)' where there is '\(key)'"
                }
            }
        }
        return edits.applied(to: value, &scratch)
    }

    private mutating func evaluateEntry(
        _ node: SchemaNode, _ index: Int, _ entry: ValueEntries.Entry, _ edits: inout ObjectEdits,
        _ parts: inout EvaluatedParts
    ) {
        let rules = node.rules
        var value = entry.value
        var isKnown = false
        if let names = rules.propertyNames { evaluateName(names, entry) }
        if let property = rules.property(entry.keyBytes) {
            isKnown = true
            let schema = rules.properties[property].node
            // A script has no null fields: in its schemas an optional key that is null is a key that is absent.
            if value.isNull, rules.extension != nil, !rules.requires(entry.key), !matches(schema, value) {
                return edits.remove(index)
            }
            value = evaluate(schema, value).value
        }
        for (pattern, schema) in rules.patternProperties where !isStopped {
            spend(1)
            switch search(pattern, entry.keyBytes) {
            case .absent: continue
            case .found:
                isKnown = true
                value = evaluate(schema, value).value
            case .gaveUp:
                refuse(node, "patternProperties", .custom, expected: "a key that matches \(pattern.source)", value) {
                    "the pattern \(shortened(pattern.source, to: 60)) takes too many steps on this key"
                }
            }
        }
        if !isKnown {
            let isAllied = rules.extension?.alliedKeys.keys.contains(ByteText(entry.key)) ?? false
            if let schema = rules.additionalProperties {
                if graph[schema].rules.verdict == false {
                    if !isAllied { refuseKey(node, "additionalProperties", entry) }
                } else {
                    isKnown = true
                    value = evaluate(schema, value).value
                }
            } else if let unknown = rules.extension?.unknown, unknown != .passthrough, !isAllied {
                if unknown == .strip { return edits.remove(index) }
                refuseKey(node, "x-aikit", entry)
            }
        }
        if value.start != entry.value.start { edits.replace(index, with: value) }
        if isKnown, graph.tracksEvaluated { parts.keys.insert(ByteText(entry.key)) }
    }

    private mutating func evaluateName(_ schema: NodeID, _ entry: ValueEntries.Entry) {
        let name = scratch.copy { $0.writeString(entry.keyBytes) }
        let first = issues.count
        _ = evaluate(schema, name)
        for index in first..<issues.count {
            let issue = issues[index]
            issues[index] = SchemaIssue(
                path: issue.path, pointer: issue.pointer, keywordLocation: issue.keywordLocation, code: issue.code,
                expected: issue.expected, received: issue.received, message: "the key \(issue.message)")
        }
    }

    /// Refuses the key at the end of the path as one that the schema does not know.
    mutating func refuseKey(_ node: SchemaNode, _ keyword: String, _ entry: ValueEntries.Entry) {
        refuse(node, keyword, .unrecognizedKeys, expected: "no such key", entry.value) {
            let meant = nearest(to: entry.key, in: node.rules.properties.lazy.map(\.key))
            return "is not a known key" + (meant.map { " (did you mean '\($0)'?)" } ?? "")
        }
    }

    private mutating func refuseMissing(_ node: SchemaNode, _ keyword: String, _ key: String) {
        let schema = node.rules.propertyIndex[ByteText(key)].map { node.rules.properties[$0].node }
        let expected = schema.map { SchemaWords(graph).expectation(of: $0) } ?? "a value"
        var name = key
        name.withUTF8 { bytes in
            path.steps.append(.key(UnsafeRawBufferPointer(bytes)))
            refuse(node, keyword, .invalidType, expected: expected, nil) { "is missing (expected \(expected))" }
            path.steps.removeLast()
        }
    }

    /// Whether a required key is there, will be filled in, or may be absent because the script would write nil for it.
    private mutating func isPresent(_ key: String, in entries: inout EntryTable, _ node: SchemaNode) -> Bool {
        spend(1)
        if entries[key] != nil { return true }
        guard node.rules.extension != nil, let property = node.rules.propertyIndex[ByteText(key)] else { return false }
        let schema = node.rules.properties[property].node
        return graph[schema].rules.defaultValue != nil || graph[schema].rules.extension?.optional == true
            || matches(schema, scratch.copy(.null))
    }

    private mutating func fillDefaults(_ node: SchemaNode, _ entries: inout EntryTable, _ edits: inout ObjectEdits) {
        guard node.rules.fillsDefaults else { return }
        for (key, schema) in node.rules.properties where !isStopped {
            guard let filling = graph[schema].rules.defaultValue else { continue }
            if let present = entries[key] {
                // A null that was removed above leaves the key absent.
                guard present.isNull, !node.rules.requires(key), !matches(schema, present) else { continue }
            }
            var name = key
            name.withUTF8 { bytes in
                path.steps.append(.key(UnsafeRawBufferPointer(bytes)))
                edits.add(key, evaluate(schema, scratch.copy(filling)).value)
                path.steps.removeLast()
            }
        }
    }
}
