internal import FlatValue

/// One thorough validation: it finds every issue and makes the rewritten value.
///
/// The fast check has gone before and was not satisfied, so this may take its time. Values that come into being live in
/// `scratch`; a value is unchanged exactly if its cursor is.
struct SchemaEvaluation {
    /// What a schema says of a value, and what it makes of it.
    struct Verdict {
        let isValid: Bool
        let value: ValueCursor
    }

    let graph: SchemaGraph
    let functions: (any SchemaFunctions)?
    var issues: [SchemaIssue] = []
    /// How often something was refused, whether or not an issue tells of it.
    var failures = 0
    /// Above 0 while it only matters whether a schema matches.
    var quiet = 0
    var path = InstancePath()
    var scratch = Scratch()
    /// The resources that evaluation has entered and not left, outermost first.
    private var scope: [Int] = []
    private var depth = 0
    private var memory = VerdictMemory()
    /// How many schemas have been evaluated, with a surcharge for what takes long.
    private var steps = 0
    private var nextLook = SchemaEvaluation.stepsBetweenLooks
    /// The validation was told to end: what is still evaluated is refused at once, and the verdict says nothing.
    private(set) var isStopped = false

    /// How many steps pass before ``SchemaFunctions/mayContinue()`` is asked again: about a millisecond.
    private static let stepsBetweenLooks = 2048

    /// Schemas that refer to themselves dynamically could go on for ever at one place.
    private static let maximumDepth = 1024

    init(_ graph: SchemaGraph, functions: (any SchemaFunctions)?) {
        self.graph = graph
        self.functions = functions
    }

    /// Frees what was made; cursors into it are dead afterwards.
    mutating func finish() { scratch.deallocate() }

    /// Evaluates the schema of the whole value. In a script's own schemas null is a value that is absent: a default stands in
    /// for it, and an optional one may stay away.
    mutating func evaluateRoot(_ value: ValueCursor) -> Verdict {
        let rules = graph[graph.root].rules
        guard value.isNull, let own = rules.extension else { return evaluate(graph.root, value) }
        if let filling = rules.defaultValue { return evaluate(graph.root, scratch.copy(filling)) }
        return own.optional ? Verdict(isValid: true, value: value) : evaluate(graph.root, value)
    }

    mutating func evaluate(_ id: NodeID, _ value: ValueCursor) -> Verdict {
        var ignored = EvaluatedParts()
        return evaluate(id, value, &ignored)
    }

    /// Counts work that was done, and asks from time to time whether the validation may go on.
    mutating func spend(_ count: Int) {
        steps &+= count
        guard steps >= nextLook, !isStopped else { return }
        nextLook = steps &+ Self.stepsBetweenLooks
        if let functions, !functions.mayContinue() { stop() }
    }

    mutating func stop() { isStopped = true }

    /// Searches a text for a pattern. One search is bounded, so that looking after it is soon enough.
    mutating func search(_ pattern: Pattern, _ text: UnsafeRawBufferPointer) -> Pattern.Answer {
        if isStopped { return .absent }
        let answer = pattern.search(text)
        // Unless it is short, a text may have cost any number of steps up to the limit.
        spend(answer == .gaveUp ? Self.stepsBetweenLooks : text.count < 16 ? 8 : Self.stepsBetweenLooks / 4)
        return answer
    }

    /// Evaluates a schema and, where it is satisfied, adds the parts that it has looked at.
    mutating func evaluate(_ id: NodeID, _ input: ValueCursor, _ parts: inout EvaluatedParts) -> Verdict {
        spend(1)
        if isStopped {
            failures += 1
            return Verdict(isValid: false, value: input)
        }
        guard steps > VerdictMemory.threshold, graph[id].rules.verdict == nil else { return judge(id, input, &parts) }
        return recall(id, input, &parts)
    }

    /// Evaluates a schema unless it has judged the value before.
    private mutating func recall(_ id: NodeID, _ input: ValueCursor, _ parts: inout EvaluatedParts) -> Verdict {
        let key = VerdictMemory.Key(node: id, value: input.start, scope: graph.usesScope ? scope : [])
        switch memory[key] {
        case .underWay: return refuseEndless(graph[id], input)
        case .judged(let verdict, let seen, let told) where verdict.isValid || quiet > 0 || told != nil:
            if verdict.isValid {
                parts.merge(seen)
            } else {
                failures += 1
                if quiet == 0, let told {
                    issues.append(contentsOf: told.prefix(max(0, SchemaIssue.maximumCount - issues.count)))
                }
            }
            return verdict
        case .judged, nil: break
        }
        let first = issues.count
        var own = EvaluatedParts()
        memory[key] = .underWay
        let verdict = judge(id, input, &own)
        let told = quiet == 0 && issues.count >= first ? Array(issues[first...]) : nil
        memory[key] = isStopped ? nil : .judged(verdict, parts: own, issues: told)
        parts.merge(own)
        return verdict
    }

    private mutating func refuseEndless(_ node: SchemaNode, _ value: ValueCursor) -> Verdict {
        refuse(node, nil, .custom, expected: "a schema that ends", value) { "the schema refers to itself without end" }
        return Verdict(isValid: false, value: value)
    }

    private mutating func judge(_ id: NodeID, _ input: ValueCursor, _ parts: inout EvaluatedParts) -> Verdict {
        let node = graph[id]
        let before = failures
        if let verdict = node.rules.verdict {
            if !verdict {
                refuse(node, nil, .notAllowed, expected: "nothing", input) { "is not allowed (got \(input.brief))" }
            }
            return Verdict(isValid: verdict, value: input)
        }
        guard depth < Self.maximumDepth else { return refuseEndless(node, input) }
        depth += 1
        let entersResource = scope.last != node.resource
        if entersResource { scope.append(node.resource) }
        defer {
            depth -= 1
            if entersResource { scope.removeLast() }
        }

        var value = settled(node, converted(node, input))
        checkType(node, value)
        // What is of another type is told once; the rules for the right type have nothing to add.
        if failures == before { value = checkChoice(node, value) }
        guard failures == before else { return Verdict(isValid: false, value: value) }

        var own = EvaluatedParts()
        switch value.tag {
        case .int, .double: if node.rules.hasNumberRules { checkNumber(node, value) }
        case .string: if node.rules.hasStringRules { checkString(node, value) }
        case .array: if node.rules.hasArrayRules { value = evaluateItems(node, value, &own) }
        case .object, .emptyTable: if node.rules.hasObjectRules { value = evaluateEntries(node, value, &own) }
        default: break
        }
        value = evaluateInPlace(node, value, &own)
        // Where something has failed, what it looked at does not count, and to blame the rest would mislead.
        if graph.tracksEvaluated, failures == before {
            value = evaluateUnevaluated(node, value, &own)
            if failures == before { parts.merge(own) }
        }
        if failures == before, let rules = node.rules.extension, rules.callsFunctions {
            value = callFunctions(node, rules, value)
        }
        return Verdict(isValid: failures == before, value: value)
    }

    /// Whether a schema matches, without a word about why not.
    mutating func matches(_ id: NodeID, _ value: ValueCursor, _ parts: inout EvaluatedParts) -> Bool {
        let before = failures
        quiet += 1
        let verdict = evaluate(id, value, &parts)
        quiet -= 1
        failures = before
        return verdict.isValid
    }

    mutating func matches(_ id: NodeID, _ value: ValueCursor) -> Bool {
        var ignored = EvaluatedParts()
        return matches(id, value, &ignored)
    }

    /// The node that a dynamic reference means here: that of the outermost resource with the anchor.
    func target(of reference: (target: NodeID, anchor: String?)) -> NodeID {
        guard let anchor = reference.anchor else { return reference.target }
        for resource in scope {
            if let node = graph.dynamicAnchors[resource][anchor] { return node }
        }
        return reference.target
    }

    // MARK: Issues

    /// Notes that a keyword refuses the value at the current path.
    mutating func refuse(
        _ node: SchemaNode, _ keyword: String?, _ code: SchemaIssue.Code, expected: @autoclosure () -> String,
        _ value: ValueCursor?, message: () -> String
    ) {
        failures += 1
        guard quiet == 0, issues.count < SchemaIssue.maximumCount else { return }
        issues.append(
            SchemaIssue(
                path: path.text, pointer: path.pointer,
                keywordLocation: keyword.map { "\(node.location)/\(JSONPointer.escape($0))" } ?? node.location,
                code: code, expected: expected(), received: value?.brief ?? "nothing", message: message()))
    }
}
