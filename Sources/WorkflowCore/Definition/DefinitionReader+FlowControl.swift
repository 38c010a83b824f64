internal import FlatValue

extension DefinitionReader {
    /// Reads what keeps runs of the outermost workflow from beginning; nil where nothing does.
    mutating func readFlowControl(_ owner: Scope) -> FlowControl? {
        var flow = FlowControl()
        if let scope = part(owner, "concurrency", "{ limit = 5 }", keys: ["limit", "key"]) {
            let limit = requiredCount(scope, "limit")
            flow.concurrency = FlowControl.Concurrency(limit: limit, key: callback(scope, "key"))
        }
        if let scope = part(
            owner, "rate_limit", "{ limit = 100, period = \"1m\" }", keys: ["limit", "period", "key"])
        {
            let (limit, period) = (requiredCount(scope, "limit"), requiredPeriod(scope))
            flow.rate = FlowControl.Rate(limit: limit, period: period, key: callback(scope, "key"))
        }
        if let scope = part(owner, "singleton", "{ on_conflict = \"skip\" }", keys: ["key", "on_conflict"]) {
            let conflict = word(scope, "on_conflict", of: FlowControl.Singleton.Conflict.allCases.map(\.rawValue))
            flow.singleton = FlowControl.Singleton(
                key: callback(scope, "key"),
                onConflict: conflict.flatMap(FlowControl.Singleton.Conflict.init) ?? .skip)
        }
        if let scope = part(owner, "debounce", "{ period = \"30s\" }", keys: ["period", "key"]) {
            flow.debounce = FlowControl.Debounce(period: requiredPeriod(scope), key: callback(scope, "key"))
        }
        flow.priority = readPriority(owner)
        return flow == FlowControl() ? nil : flow
    }

    /// The table under a key, ready to be read; nil where there is none.
    private mutating func part(_ owner: Scope, _ key: String, _ example: String, keys: [String]) -> Scope? {
        guard let value = value(owner, key) else { return nil }
        guard value.isPlainObject || value.tag == .emptyTable else {
            expected(owner, key, "a table such as \(example)", value)
            return nil
        }
        let scope = Scope(
            object: value, name: "`\(key)` of \(owner.name)", path: key, location: owner.location)
        checkKeys(scope, allowed: keys, shown: keys)
        return scope
    }

    private mutating func requiredCount(_ scope: Scope, _ key: String) -> Int32 {
        if value(scope, key) == nil {
            report(scope, "missing_\(key)", "has no `\(key)`; give it one: \(key) = 5", key: key)
        }
        return count(scope, key) ?? 1
    }

    private mutating func requiredPeriod(_ scope: Scope) -> Int64 {
        if value(scope, "period") == nil {
            report(scope, "missing_period", "has no `period`; give it one: period = \"30s\"", key: "period")
        }
        return duration(scope, "period") ?? 1_000_000
    }

    /// Reads what the runs of the outermost workflow are tagged with.
    mutating func readTags(_ owner: Scope) -> RunTagging? {
        guard let value = value(owner, "tags") else { return nil }
        guard value.isPlainObject || value.tag == .emptyTable else {
            let slot = callback(owner, "tags")
            return slot == 0 ? nil : .chosen(by: slot)
        }
        do throws(RunTagFault) {
            return .fixed(try RunTags(value))
        } catch {
            report(owner, "invalid_tags", "has wrong `tags`: \(error)", key: "tags")
            return nil
        }
    }

    private mutating func readPriority(_ owner: Scope) -> FlowControl.Priority? {
        guard let value = value(owner, "priority") else { return nil }
        guard let number = value.number else {
            let slot = callback(owner, "priority")
            return slot == 0 ? nil : .chosen(by: slot)
        }
        guard let whole = Int64(exactly: number), FlowControl.priorities.contains(whole) else {
            expected(owner, "priority", "a whole number from -1000000 to 1000000, or a function that gives one", value)
            return nil
        }
        return .fixed(whole)
    }
}
