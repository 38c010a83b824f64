internal import FlatValue

extension SchemaEvaluation {
    /// Evaluates the schemas that look at the same value, each on what the one before has made of it.
    mutating func evaluateInPlace(_ node: SchemaNode, _ value: ValueCursor, _ parts: inout EvaluatedParts)
        -> ValueCursor
    {
        let rules = node.rules
        var value = value
        if let target = rules.reference { value = evaluate(target, value, &parts).value }
        if let reference = rules.dynamicReference { value = evaluate(target(of: reference), value, &parts).value }
        for part in rules.allOf where !isStopped { value = evaluate(part, value, &parts).value }
        if !rules.anyOf.isEmpty { value = evaluateAnyOf(node, value, &parts) }
        if !rules.oneOf.isEmpty { value = evaluateOneOf(node, value, &parts) }
        if let excluded = rules.not, matches(excluded, value) {
            let words = SchemaWords(graph).expectation(of: excluded)
            refuse(node, "not", .notAllowed, expected: "anything but \(words)", value) {
                "must not be \(words) (got \(value.shortJSON))"
            }
        }
        if let condition = rules.condition {
            let branch = matches(condition, value, &parts) ? rules.then : rules.otherwise
            if let branch { value = evaluate(branch, value, &parts).value }
        }
        if value.isObject {
            var entries = EntryTable(value)
            for (key, schema) in rules.dependentSchemas where !isStopped && entries[key] != nil {
                value = evaluate(schema, value, &parts).value
            }
        }
        return value
    }

    private mutating func evaluateAnyOf(_ node: SchemaNode, _ value: ValueCursor, _ parts: inout EvaluatedParts)
        -> ValueCursor
    {
        let before = (failures: failures, issues: issues.count)
        var chosen: ValueCursor?
        var refusals: [[SchemaIssue]] = []
        for branch in node.rules.anyOf where !isStopped {
            let verdict = evaluateBranch(branch, value, &parts, &refusals)
            if verdict.isValid, chosen == nil { chosen = verdict.value }
            // Only what others have evaluated could still matter.
            if chosen != nil, !graph.tracksEvaluated { break }
        }
        failures = before.failures
        if let chosen { return chosen }
        refuseUnion(node, "anyOf", node.rules.anyOf, refusals, value)
        return value
    }

    private mutating func evaluateOneOf(_ node: SchemaNode, _ value: ValueCursor, _ parts: inout EvaluatedParts)
        -> ValueCursor
    {
        let before = failures
        var chosen: ValueCursor?
        var refusals: [[SchemaIssue]] = []
        var count = 0
        var own = EvaluatedParts()
        for branch in node.rules.oneOf where !isStopped {
            let verdict = evaluateBranch(branch, value, &own, &refusals)
            if verdict.isValid {
                count += 1
                if chosen == nil { chosen = verdict.value }
            }
        }
        failures = before
        if count == 1, let chosen {
            parts.merge(own)
            return chosen
        }
        if count == 0 {
            refuseUnion(node, "oneOf", node.rules.oneOf, refusals, value)
        } else {
            refuse(node, "oneOf", .invalidUnion, expected: "exactly one match", value) {
                "must match exactly one of \(node.rules.oneOf.count) schemas, but matches \(count) (got \(value.shortJSON))"
            }
        }
        return value
    }

    /// Evaluates one branch of a union, whose issues are put aside.
    private mutating func evaluateBranch(
        _ branch: NodeID, _ value: ValueCursor, _ parts: inout EvaluatedParts, _ refusals: inout [[SchemaIssue]]
    ) -> Verdict {
        let outer = issues
        issues = []
        let verdict = evaluate(branch, value, &parts)
        if !verdict.isValid { refusals.append(issues) }
        issues = outer
        return verdict
    }

    /// Tells that the key is missing which would say what branch is meant, with all that it may be.
    private mutating func refuseWithoutDiscriminator(
        _ node: SchemaNode, _ keyword: String, _ key: String, _ branches: [NodeID]
    ) {
        let tags = branches.compactMap { branch in
            graph[branch].rules.propertyIndex[ByteText(key)].map { graph[branch].rules.properties[$0].node }
        }
        let expected = SchemaWords(graph).alternatives(tags)
        var name = key
        name.withUTF8 { bytes in
            path.steps.append(.key(UnsafeRawBufferPointer(bytes)))
            refuse(node, keyword, .invalidUnionDiscriminator, expected: expected, nil) {
                "is missing (expected \(expected))"
            }
            path.steps.removeLast()
        }
    }

    /// Tells why no branch of a union fits, by the branch that is nearest.
    private mutating func refuseUnion(
        _ node: SchemaNode, _ keyword: String, _ branches: [NodeID], _ refusals: [[SchemaIssue]], _ value: ValueCursor
    ) {
        guard quiet == 0 else {
            failures += 1
            return
        }
        if let key = node.rules.extension?.discriminator, value.isObject, value[key: key] == nil {
            return refuseWithoutDiscriminator(node, keyword, key, branches)
        }
        let place = path.pointer
        switch UnionReport(refusals, at: place) {
        case .nearest(let found):
            failures += 1
            issues.append(contentsOf: found.prefix(max(0, SchemaIssue.maximumCount - issues.count)))
        case .discriminator(let issue):
            failures += 1
            if issues.count < SchemaIssue.maximumCount { issues.append(issue) }
        case .none:
            let expected = SchemaWords(graph).alternatives(branches)
            refuse(node, keyword, .invalidUnion, expected: expected, value) {
                "expected \(expected), got \(value.brief)"
            }
        }
    }
}
