public import FlatValue

/// Says, without running anything, whether what one schema lets out is what another one takes.
///
/// It follows types, keys, lists, fixed values, unions and ranges. What it cannot follow (patterns, conditions, functions) it
/// passes over in silence: validation at run time still sees it.
public struct SchemaFit {
    private let producer: SchemaGraph
    private let consumer: SchemaGraph
    private let producerCases: FitCases
    private let consumerCases: FitCases
    private let budget: FitBudget
    /// The pairs that are being compared, so that recursive schemas come to an end.
    private var open: Set<[NodeID]> = []

    private init(_ producer: Schema, _ consumer: Schema) {
        self.producer = producer.graph
        self.consumer = consumer.graph
        budget = FitBudget()
        producerCases = FitCases(graph: producer.graph, isProducer: true, budget: budget)
        consumerCases = FitCases(graph: consumer.graph, isProducer: false, budget: budget)
    }

    /// All places where a value of `producer` may not be, or never is, one of `consumer`.
    public static func check(producer: Schema, consumer: Schema) -> [FitIssue] {
        var fit = SchemaFit(producer, consumer)
        return fit.compareOptional([producer.graph.root], [consumer.graph.root], "")
    }

    /// The same for what stands at a place within the producer's values.
    package static func check(producer place: ProducedPlace, consumer: Schema) -> [FitIssue] {
        var fit = SchemaFit(place.schema, consumer)
        return fit.compareOptional(place.nodes, [consumer.graph.root], "")
    }

    /// The same for documents.
    public static func check(
        producer: Value, consumer: Value, options: Schema.Options = Schema.Options()
    ) throws(SchemaError) -> [FitIssue] {
        check(producer: try Schema(producer, options: options), consumer: try Schema(consumer, options: options))
    }

    // MARK: Unions

    /// Compares what the consumer may do without: there null is as good as nothing.
    ///
    /// - Parameters:
    ///   - isNeeded: whether the consumer takes nothing without it.
    ///   - isPromised: whether the producer names it; what it gives by chance is refused sometimes only.
    private mutating func compareOptional(
        _ given: [NodeID], _ taken: [NodeID], _ path: String, isNeeded: Bool = true, isPromised: Bool = true
    ) -> [FitIssue] {
        if isNeeded, !consumerCases.areOptional(taken) { return compare(given, taken, path) }
        let issues = compare(given, taken, path, ignoresNull: true)
        if isPromised { return issues }
        return issues.map {
            FitIssue(
                verdict: .doubtful, path: $0.path,
                gives: $0.verdict == .definite ? $0.gives.replacing(#/^gives/#, with: "may give") : $0.gives,
                expects: $0.expects)
        }
    }

    private mutating func compare(
        _ given: [NodeID], _ taken: [NodeID], _ path: String, ignoresNull: Bool = false
    ) -> [FitIssue] {
        let pair = given.map(producerCases.target) + [-1] + taken.map(consumerCases.target)
        guard open.count < 64, budget.spend(), open.insert(pair).inserted else { return [] }
        defer { open.remove(pair) }
        let kinds = producerCases.cases(of: given).filter { !ignoresNull || $0.types != .null }
        let wanted = consumerCases.cases(of: taken)
        // A producer of nothing gives nothing wrong.
        if kinds.isEmpty || wanted.contains(where: \.isAny) { return [] }
        if wanted.isEmpty {
            return [FitIssue(verdict: .definite, path: path, gives: "gives it", expects: "allows nothing there")]
        }

        var results: [[FitIssue]] = []
        for kind in kinds {
            let answers = wanted.map { compare(kind, $0, path) }
            results.append(answers.min { Self.weight($0, path) < Self.weight($1, path) } ?? [])
        }
        let expected = joinedAlternatives(unique(wanted.map { $0.words(consumer) }))
        let refused = results.indices.filter { results[$0].contains { $0.verdict == .definite } }
        if refused.isEmpty { return results.flatMap { $0 } }
        let isTotal = refused.count == results.count
        let others = refused.filter { !Self.isAbout(path, results[$0]) }
        let wholes = refused.filter { Self.isAbout(path, results[$0]) }
        var issues: [FitIssue] = []
        if !wholes.isEmpty {
            let words = joinedAlternatives(unique(wholes.map { kinds[$0].words(producer) }))
            // Where only one kind of value is in question, its own words say more: a range, or the values that do not fit.
            if kinds.count == 1, wanted.count == 1 { return results[0] }
            issues.append(
                FitIssue(
                    verdict: isTotal ? .definite : .doubtful, path: path,
                    gives: "\(isTotal ? "gives" : "may give") \(words)",
                    expects: "expects \(expected)"))
        }
        for index in others {
            issues += results[index].map {
                FitIssue(verdict: isTotal ? $0.verdict : .doubtful, path: $0.path, gives: $0.gives, expects: $0.expects)
            }
        }
        return issues + results.indices.filter { !refused.contains($0) }.flatMap { results[$0] }
    }

    private func unique(_ words: [String]) -> [String] {
        words.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    private static func isAbout(_ path: String, _ issues: [FitIssue]) -> Bool { issues.contains { $0.path == path } }

    /// How far an alternative is from fitting.
    private static func weight(_ issues: [FitIssue], _ path: String) -> Int {
        issues.reduce(0) { sum, issue in
            guard issue.verdict == .definite else { return sum + 1 }
            return sum + (issue.path == path ? 100_000 : issue.isOfOtherBranch ? 1000 : 100)
        }
    }

    // MARK: One kind of value

    private mutating func compare(_ given: FitCase, _ taken: FitCase, _ path: String) -> [FitIssue] {
        if let values = given.values { return compare(values, given, taken, path) }
        if given.types == .all { return [] }
        if taken.types == .all { return taken.values.map { choices(given, $0, path) } ?? [] }
        if given.types != taken.types {
            if given.types == .integer && taken.types == .number { return ranges(given, taken, path) }
            if taken.coerces, given.types != .object, given.types != .array { return [] }
            let verdict: FitIssue.Verdict = given.types == .number && taken.types == .integer ? .doubtful : .definite
            return [issue(verdict, path, given.words(producer), taken.words(consumer))]
        }
        if let values = taken.values { return choices(given, values, path) }
        switch given.types {
        case .object: return compareObjects(given, taken, path)
        case .array: return compareArrays(given, taken, path)
        default: return ranges(given, taken, path)
        }
    }

    private func issue(_ verdict: FitIssue.Verdict, _ path: String, _ gives: String, _ expects: String) -> FitIssue {
        FitIssue(
            verdict: verdict, path: path, gives: "\(verdict == .definite ? "gives" : "may give") \(gives)",
            expects: "expects \(expects)")
    }

    /// Values that are known one by one are tried one by one.
    private func compare(_ values: [Value], _ given: FitCase, _ taken: FitCase, _ path: String) -> [FitIssue] {
        let wrong = values.filter { value in
            value.withCursor { cursor in
                if let choices = taken.values, !choices.contains(value) { return true }
                if taken.types != .all, !taken.coerces, !taken.types.contains(cursor) { return true }
                if let number = cursor.number, number < taken.numbers.low || number > taken.numbers.high { return true }
                if let bytes = cursor.stringBytes {
                    let length = Double(UTF8Sequence.scalarCount(bytes))
                    return length < taken.lengths.low || length > taken.lengths.high
                }
                return false
            }
        }
        if wrong.isEmpty { return [] }
        let expected =
            taken.values == nil && taken.lengths.isBounded && taken.types == .string
            ? "text of \(taken.lengths.words(" characters"))" : taken.words(consumer)
        var result = issue(wrong.count == values.count ? .definite : .doubtful, path, SchemaWords.list(wrong), expected)
        result.isOfOtherBranch = result.verdict == .definite && taken.values != nil
        return [result]
    }

    private func choices(_ given: FitCase, _ values: [Value], _ path: String) -> [FitIssue] {
        let isPossible = values.contains { value in value.withCursor { given.types.contains($0) } }
        let words = isPossible ? "any \(given.types.description)" : given.words(producer)
        return [issue(isPossible ? .doubtful : .definite, path, words, SchemaWords.list(values))]
    }

    private func ranges(_ given: FitCase, _ taken: FitCase, _ path: String) -> [FitIssue] {
        range(given.numbers, taken.numbers, "", "", path)
            + range(given.lengths, taken.lengths, "text of ", " characters", path)
    }

    /// A producer that says nothing of a range is not doubted: most do not.
    private func range(_ given: FitRange, _ taken: FitRange, _ start: String, _ noun: String, _ path: String)
        -> [FitIssue]
    {
        guard taken.isBounded, given.isBounded, !given.isContained(in: taken) else { return [] }
        let verdict: FitIssue.Verdict = given.isDisjoint(with: taken) ? .definite : .doubtful
        return [issue(verdict, path, start + given.words(noun), start + taken.words(noun))]
    }

    // MARK: Containers

    private mutating func compareObjects(_ given: FitCase, _ taken: FitCase, _ path: String) -> [FitIssue] {
        var issues: [FitIssue] = []
        for (key, nodes) in taken.properties {
            let place = path.isEmpty ? key : "\(path).\(key)"
            if let source = given.nodes(ofKey: key) {
                let isAlways = given.required.contains(key) || given.defaulted.contains(key)
                let isNeeded = taken.required.contains(key) && !taken.defaulted.contains(key)
                if !isAlways, isNeeded {
                    issues.append(
                        FitIssue(verdict: .doubtful, path: place, gives: "may leave it out", expects: "needs it"))
                }
                issues += compareOptional(source, nodes, place, isNeeded: isNeeded)
            } else if let additional = given.additional {
                let isNeeded = taken.required.contains(key) && !taken.defaulted.contains(key)
                issues += compareOptional([additional], nodes, place, isNeeded: isNeeded, isPromised: false)
            } else if taken.required.contains(key), !taken.defaulted.contains(key) {
                issues.append(missing(given, place, SchemaWords(consumer).expectation(of: nodes[0])))
            }
        }
        for key in taken.required.sorted() where taken.nodes(ofKey: key) == nil && !given.required.contains(key) {
            if given.nodes(ofKey: key) != nil { continue }
            issues.append(missing(given, path.isEmpty ? key : "\(path).\(key)", nil))
        }
        for (key, nodes) in given.properties where taken.nodes(ofKey: key) == nil {
            let place = path.isEmpty ? key : "\(path).\(key)"
            if let additional = taken.additional {
                issues += compareOptional(nodes, [additional], place, isNeeded: false)
            } else if taken.isStrict {
                let isAlways = given.required.contains(key) || given.defaulted.contains(key)
                issues.append(
                    FitIssue(
                        verdict: isAlways ? .definite : .doubtful, path: place,
                        gives: isAlways ? "gives it" : "may give it",
                        expects: "allows no such key"))
            }
        }
        if let source = given.additional, let target = taken.additional {
            issues += compare([source], [target], path.isEmpty ? "[*]" : path + "[*]")
        }
        return issues
    }

    private func missing(_ given: FitCase, _ place: String, _ expectation: String?) -> FitIssue {
        FitIssue(
            verdict: given.isClosed ? .definite : .doubtful, path: place,
            gives: given.isClosed ? "does not give it" : "does not promise it",
            expects: "needs it" + (expectation.map { " (\($0))" } ?? ""))
    }

    private mutating func compareArrays(_ given: FitCase, _ taken: FitCase, _ path: String) -> [FitIssue] {
        var issues: [FitIssue] = []
        var counts = (given: given.counts, taken: taken.counts)
        // A list that takes no more items than it names says how many there may be.
        let isFull = taken.items.map { consumer[$0].rules.verdict == false } ?? false
        if isFull { counts.taken.high = min(counts.taken.high, Double(taken.prefix.count)) }
        if let items = given.items, producer[items].rules.verdict == false {
            counts.given.high = min(counts.given.high, Double(given.prefix.count))
        }
        for index in 0..<max(given.prefix.count, taken.prefix.count) {
            guard let source = index < given.prefix.count ? given.prefix[index] : given.items,
                let target = index < taken.prefix.count ? taken.prefix[index] : isFull ? nil : taken.items
            else { continue }
            issues += compareOptional(
                [source], [target], "\(path)[\(index + 1)]", isNeeded: Double(index) < counts.taken.low,
                isPromised: index < given.prefix.count)
        }
        if let source = given.items, let target = taken.items, !isFull, producer[source].rules.verdict != false {
            issues += compare([source], [target], path + "[]")
        }
        return issues + range(counts.given, counts.taken, "a list of ", " items", path)
    }
}
