internal import FlatValue
internal import JSONSchema

extension DefinitionReader {
    /// Reads what is particular to one kind of node.
    mutating func readNode(_ kind: NodeKind, _ scope: Scope, into index: Int, place: Place) {
        if kind == .workflow { return readNested(scope, into: index, place: place) }
        checkKeys(scope, allowed: kind.keys + kind.hiddenKeys, shown: kind.keys)
        readTelemetry(ofStep: scope, into: index)
        readPermissions(scope, into: index)
        switch kind {
        case .step:
            nodes[index].callback = callback(scope, "handler", required: "input, context")
            nodes[index].inputSchema = schema(scope, "input_schema")
            nodes[index].outputSchema = schema(scope, "output_schema")
            nodes[index].duration = duration(scope, "timeout", orZero: true).map { $0 == 0 ? -1 : $0 } ?? 0
            nodes[index].compensate = callback(scope, "compensate")
            readRetry(scope, into: index)
        case .branch: readBranch(scope, into: index, place: place)
        case .loop:
            nodes[index].callback = callback(scope, "condition", required: "current, context")
            nodes[index].extra = callback(scope, "prepare_next_input")
            nodes[index].conclude = callback(scope, "collect")
            nodes[index].limit = count(scope, "max_iterations") ?? 0
            readBody(scope, "step", into: index, place: place.within(repeats: true))
        case .foreach:
            nodes[index].callback = callback(scope, "items", required: "input, context")
            nodes[index].conclude = callback(scope, "collect")
            nodes[index].limit = count(scope, "concurrency") ?? 1
            nodes[index].waitsForAll = word(scope, "on_error", of: ["fail-fast", "continue"]) == "continue"
            let concurrent = place.concurrent || nodes[index].limit > 1
            readBody(scope, "step", into: index, place: place.within(repeats: true, concurrent: concurrent))
        case .parallel: readParallel(scope, into: index, place: place)
        case .human:
            nodes[index].conclude = callback(scope, "output")
            nodes[index].callback = callback(scope, "input")
            nodes[index].outputSchema = schema(scope, "response_schema")
            nodes[index].duration = duration(scope, "timeout") ?? 0
            readFallback(scope, into: index)
        case .delay: readDelay(scope, into: index)
        case .waitFor:
            nodes[index].outputSchema = schema(scope, "response_schema")
            nodes[index].duration = duration(scope, "timeout") ?? 0
            readEvent(scope, into: index)
        case .workflow: break
        }
    }

    /// What other engines call the parts of a retry policy, in small letters and without underscores.
    private static let retrySynonyms: [String: String] = {
        let names = [
            "max_attempts": [
                "attempts", "tries", "maxtries", "retries", "maxretries", "retrycount", "count", "times", "limit",
                "maximumattempts", "maxattempts",
            ],
            "initial": [
                "delay", "delayms", "wait", "interval", "initialdelay", "initialinterval", "initialbackoff", "mindelay",
                "mintimeout", "basedelay", "base", "backoffms",
            ],
            "max": [
                "maxdelay", "maxinterval", "maximuminterval", "maxbackoff", "maximumdelay", "maxwait", "maxtimeout",
                "cap",
            ],
            "factor": [
                "multiplier", "backofffactor", "backoffmultiplier", "backoffcoefficient", "coefficient", "rate",
                "backoffrate", "exponent",
            ],
            "backoff": ["strategy", "backofftype", "backoffstrategy", "type", "kind", "policy"],
            "jitter": ["randomize", "random", "jitterfactor", "randomization"],
        ]
        return names.reduce(into: [:]) { synonyms, entry in
            for name in entry.value { synonyms[name] = entry.key }
        }
    }()

    private mutating func readRetry(_ scope: Scope, into index: Int) {
        guard let value = value(scope, "retry") else { return }
        guard value.isPlainObject else {
            return expected(scope, "retry", "a table such as { max_attempts = 3, initial = \"200ms\" }", value)
        }
        var inner = scope
        inner.object = value
        let keys = ["max_attempts", "backoff", "initial", "max", "factor", "jitter"]
        checkKeys(inner, allowed: keys, shown: keys, prefix: "retry.", synonyms: Self.retrySynonyms)
        var policy = RetryPolicy()
        if let attempts = count(inner, "max_attempts", prefix: "retry.") { policy.maxAttempts = Int(attempts) }
        if policy.maxAttempts > Int(UInt16.max) {
            report(scope, "invalid_value", "has `retry.max_attempts` above \(UInt16.max)", key: "retry.max_attempts")
        }
        let backoffs = RetryPolicy.Backoff.allCases.map(\.rawValue)
        policy.backoff =
            word(inner, "backoff", prefix: "retry.", of: backoffs).flatMap(RetryPolicy.Backoff.init) ?? policy.backoff
        policy.initial = duration(inner, "initial", prefix: "retry.", orZero: true) ?? policy.initial
        policy.maximum =
            duration(inner, "max", prefix: "retry.", orZero: true) ?? max(policy.maximum, policy.initial)
        policy.factor =
            number(inner, "factor", prefix: "retry.", in: 1...1000, "a number from 1 to 1000") ?? policy.factor
        policy.jitter = number(inner, "jitter", prefix: "retry.", in: 0...1, "a number from 0 to 1") ?? policy.jitter
        details[index].retry = policy
        nodes[index].hasRetry = policy.maxAttempts > 1
    }

    private mutating func readFallback(_ scope: Scope, into index: Int) {
        guard let fallback = value(scope, "default") else { return }
        checkData(scope, "default", fallback)
        details[index].fallback = settled(Value(fallback), nodes[index].outputSchema)
        if nodes[index].duration == 0, value(scope, "timeout") == nil {
            report(
                scope, "missing_timeout", "has a `default` but no `timeout` after which it would count", key: "default")
        }
    }

    /// A default as the response schema leaves it, as it would leave an answer; one that does not fit is told of elsewhere.
    private func settled(_ fallback: Value, _ schema: Int32) -> Value {
        guard schemas.indices.contains(Int(schema)), case .valid(let value) = schemas[Int(schema)].validate(fallback)
        else { return fallback }
        return value
    }

    private mutating func readDelay(_ scope: Scope, into index: Int) {
        guard let value = value(scope, "duration") else {
            return report(
                scope, "missing_duration", "has no `duration`; give it one: duration = \"10s\"", key: "duration")
        }
        if let slot = value["$function"]?.int {
            nodes[index].callback = CallbackSlot(truncatingIfNeeded: slot)
        } else {
            nodes[index].duration = duration(scope, "duration", orZero: true) ?? 0
        }
    }

    private mutating func readEvent(_ scope: Scope, into index: Int) {
        guard let value = value(scope, "event") else {
            return report(scope, "missing_event", "has no `event`; give it one: event = \"…\"", key: "event")
        }
        guard let event = value.string, !event.isEmpty else {
            return expected(scope, "event", "the name of an event", value)
        }
        details[index].event = event
    }

    private mutating func readNested(_ scope: Scope, into index: Int, place: Place) {
        checkKeys(scope, allowed: NodeKind.workflow.keys + NodeKind.workflow.hiddenKeys, shown: NodeKind.workflow.keys)
        guard let value = value(scope, "workflow") else {
            return report(scope, "invalid_type", "has no `workflow`", key: "workflow")
        }
        guard value.isPlainObject else { return expected(scope, "workflow", "a workflow", value) }
        var inner = scope
        inner.object = value
        inner.location = value["where"]?.string ?? scope.location
        readWorkflow(
            inner, into: index, place: place, allowing: NodeKind.workflowKeys + ["kind", "where", "nodes", "code"])
    }

    // MARK: Bodies

    private mutating func readBody(_ scope: Scope, _ key: String, into index: Int, place: Place) {
        guard let body = value(scope, key) else {
            return report(
                scope, "empty_body", "has no `\(key)`; give it a step, or a list of steps: \(key) = { … }", key: key)
        }
        guard let source = source(scope, key, body, name: key) else { return }
        readBodies([source], of: index, scope, place: place)
    }

    /// A body that has nodes, or an issue.
    private mutating func source(_ scope: Scope, _ key: String, _ body: ValueCursor, name: String) -> BodySource? {
        guard body.isArray || body.isPlainObject else {
            expected(scope, key, "a step or a list of steps", body)
            return nil
        }
        if body.count == 0 {
            report(scope, "empty_body", "has no steps in `\(key)`", key: key)
            return nil
        }
        return BodySource(name: name, nodes: body)
    }

    private mutating func readBranch(_ scope: Scope, into index: Int, place: Place) {
        nodes[index].callback = callback(scope, "resolve", required: "input, context")
        var sources = readCases(scope, "cases", into: index, example: "cases = { yes = { … }, no = { … } }")
        if let otherwise = value(scope, "otherwise"),
            let body = source(scope, "otherwise", otherwise, name: "otherwise")
        {
            if sources.contains(where: { $0.name == "otherwise" }) {
                report(
                    scope, "duplicate_case", "has a case named 'otherwise' beside its `otherwise`; rename the case",
                    key: "cases.otherwise")
            }
            nodes[index].hasOtherwise = true
            sources.append(body)
        }
        if !sources.isEmpty { readBodies(sources, of: index, scope, place: place) }
    }

    private mutating func readParallel(_ scope: Scope, into index: Int, place: Place) {
        nodes[index].conclude = callback(scope, "aggregate")
        nodes[index].waitsForAll = word(scope, "on_error", of: ["fail-fast", "wait-all"]) == "wait-all"
        let sources = readCases(scope, "branches", into: index, example: "branches = { left = { … }, right = { … } }")
        for source in sources where !nodes[index].isList {
            if source.name.isEmpty || Self.pathMark(in: source.name) != nil {
                report(
                    scope, "invalid_name",
                    "has a branch named '\(source.name)'; it stands in paths, so it is not empty "
                        + "and holds no '/', '[' or ']'", key: "branches.\(source.name)")
            }
        }
        if sources.isEmpty { return }
        readBodies(sources, of: index, scope, place: place.within(concurrent: true))
    }

    /// The bodies of a branch or a parallel, by name in order, or by index.
    private mutating func readCases(_ scope: Scope, _ key: String, into index: Int, example: String) -> [BodySource] {
        guard let cases = value(scope, key) else {
            report(scope, "empty_cases", "has no `\(key)`; give it some: \(example)", key: key)
            return []
        }
        guard cases.isArray || cases.tag == .emptyTable else {
            expected(scope, key, "a table of bodies", cases)
            return []
        }
        if cases.count == 0 { report(scope, "empty_cases", "has no \(key)", key: key) }
        let isList = scope.object["list"]?.bool == true
        nodes[index].isList = isList
        var sources: [BodySource] = []
        for (offset, item) in cases.items.enumerated() {
            let name: String
            if isList {
                name = String(offset + 1)
                if let given = item["name"], given.int != Int64(offset + 1) {
                    report(scope, "invalid_name", "has a gap in its list of \(key) before \(given.json)", key: key)
                }
            } else if let given = item["name"]?.string {
                name = given
            } else {
                report(
                    scope, "invalid_name",
                    "names its \(key) partly and lists them partly; use either names or a list", key: key)
                continue
            }
            guard let body = item["body"], !body.isNull else {
                report(scope, "empty_body", "has no steps in `\(key).\(name)`", key: "\(key).\(name)")
                continue
            }
            if sources.contains(where: { $0.name == name }) {
                report(scope, "duplicate_case", "has two \(key) named '\(name)'", key: "\(key).\(name)")
            }
            if let source = source(scope, "\(key).\(name)", body, name: name) { sources.append(source) }
        }
        if !isList { sources.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) } }
        return sources
    }
}
