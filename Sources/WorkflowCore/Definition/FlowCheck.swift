/// Says without running a workflow where the output of one node cannot be the input of what follows it.
///
/// What a callback makes is unknown and never refused. A value that is wrong on every way is an error; one that may be wrong,
/// or is wrong on a way that a function may not choose, is a warning.
package struct FlowCheck {
    /// All issues, in the order of the nodes that take the values.
    package static func issues(in plan: Plan) -> [DefinitionIssue] {
        var check = FlowCheck(plan: plan)
        _ = check.checkWorkflow(0, [])
        check.checkDefaults()
        check.checkLoops()
        return check.issues
    }

    /// Where a value may come from.
    struct Source {
        /// What is known of the value.
        var schema: Schema
        /// Who gives it, as messages name it.
        var giver: String
        var location: String?
        /// Whether the way from there is always taken once the giver has run.
        var isCertain = true

        func uncertain() -> Source {
            var source = self
            source.isCertain = false
            return source
        }
    }

    /// The sources of a value; a value of which nothing is known has an unknown one as well.
    typealias Sources = [Source]

    let plan: Plan
    private let paths: [String]
    private(set) var issues: [DefinitionIssue] = []
    private var reported = Set<String>()

    private init(plan: Plan) {
        self.plan = plan
        paths = plan.staticPaths()
    }

    func name(_ node: NodeIndex) -> String { "\(plan.nodes[Int(node)].kind.name) '\(plan.details[Int(node)].id)'" }

    private func schema(_ index: Int32) -> Schema? { index >= 0 ? plan.schemas[Int(index)] : nil }

    private func source(_ schema: Schema, _ node: NodeIndex, _ giver: String? = nil) -> Source {
        Source(schema: schema, giver: giver ?? name(node), location: plan.details[Int(node)].location)
    }

    // MARK: Flow

    /// Follows values through a workflow and gives the sources of its output.
    private mutating func checkWorkflow(_ node: NodeIndex, _ incoming: Sources) -> Sources {
        let workflow = plan.nodes[Int(node)]
        var inner = incoming
        if let input = schema(workflow.inputSchema) {
            compare(incoming, with: input, takenBy: name(node), node, "expects")
            inner = [source(input, node, "the input of \(name(node))")]
        }
        guard let body = plan.bodies(of: node).first else { return [] }
        let given = checkBody(body, inner)
        if let output = schema(workflow.outputSchema) {
            if workflow.conclude == 0 { compare(given, with: output, takenBy: "the output of \(name(node))", node, "") }
            return [source(output, node)]
        }
        return workflow.conclude == 0 ? given : []
    }

    /// Follows values through a sequence and gives the sources of what comes out at its end.
    private mutating func checkBody(_ body: Plan.Body, _ incoming: Sources) -> Sources {
        var arriving: [NodeIndex: Sources] = [body.first: incoming]
        var result: Sources = []
        let reached = reachable(body)
        for member in body.members {
            guard reached.contains(member) else {
                reportUnreachable(member, body)
                continue
            }
            let node = plan.nodes[Int(member)]
            var given = checkNode(member, arriving[member] ?? [])
            if node.kind == .step, node.extra != 0 { given = given.map { $0.uncertain() } }
            if node.next >= 0 {
                // A way back is checked where it leads to, against what is known by then.
                if node.next > member {
                    arriving[node.next, default: []] += given
                } else {
                    compareInput(node.next, given)
                }
            } else {
                result += given
            }
        }
        return result
    }

    /// The nodes of a sequence that a run can come to; all of them where a function chooses what follows.
    private func reachable(_ body: Plan.Body) -> Set<NodeIndex> {
        if body.members.contains(where: { plan.nodes[Int($0)].kind == .step && plan.nodes[Int($0)].extra != 0 }) {
            return Set(body.members)
        }
        var reached: Set<NodeIndex> = []
        var node = body.first
        while node >= 0, reached.insert(node).inserted { node = plan.nodes[Int(node)].next }
        return reached
    }

    private mutating func compareInput(_ node: NodeIndex, _ given: Sources) {
        if let input = schema(plan.nodes[Int(node)].inputSchema) {
            compare(given, with: input, takenBy: name(node), node, "expects")
        }
    }

    /// Checks what a node takes, and gives the sources of its output.
    private mutating func checkNode(_ index: NodeIndex, _ incoming: Sources) -> Sources {
        let node = plan.nodes[Int(index)]
        switch node.kind {
        case .step:
            compareInput(index, incoming)
            return schema(node.outputSchema).map { [source($0, index)] } ?? []
        case .workflow: return checkWorkflow(index, incoming)
        case .branch:
            var result: Sources = []
            for body in plan.bodies(of: index) { result += checkBody(body, incoming) }
            // Whether `resolve` ever gives nil is not known.
            return node.hasOtherwise ? result : result + incoming.map { $0.uncertain() }
        case .loop:
            guard let body = plan.bodies(of: index).first else { return [] }
            let given = checkBody(body, node.extra == 0 ? incoming : [])
            // Each output is the next iteration's input.
            if node.extra == 0 { compareInput(body.first, given) }
            if node.conclude != 0 { return [] }
            let item = Composition.anyOf(given.map(\.schema))
            return composed(index) { composition in
                composition.object(["last_result": item, "all_results": composition.list(of: item)])
            }
        case .foreach:
            guard let body = plan.bodies(of: index).first else { return [] }
            let given = checkBody(body, [])
            if node.conclude != 0 { return [] }
            return composed(index) { $0.list(of: Composition.anyOf(given.map(\.schema))) }
        case .parallel:
            var results: [(String, Composition.Part)] = []
            for body in plan.bodies(of: index) {
                results.append((body.name, Composition.anyOf(checkBody(body, incoming).map(\.schema))))
            }
            if node.conclude != 0 { return [] }
            return composed(index) { node.isList ? $0.tuple(results.map(\.1)) : $0.object(results) }
        case .human, .waitFor: return schema(node.outputSchema).map { [source($0, index)] } ?? []
        case .delay: return incoming
        }
    }

    /// A source whose schema is put together from those of bodies.
    private func composed(_ index: NodeIndex, _ body: (Composition) -> Composition.Part) -> Sources {
        guard let schema = Composition.schema(body(Composition())) else { return [] }
        return [source(schema, index)]
    }

    // MARK: Issues

    private mutating func compare(
        _ sources: Sources, with schema: Schema, takenBy taker: String, _ node: NodeIndex, _ verb: String
    ) {
        for source in sources {
            for issue in SchemaFit.check(producer: source.schema, consumer: schema) {
                let isError = issue.verdict == .definite && source.isCertain
                report(
                    issue.message(from: source.giver, to: taker), node, "schema_mismatch",
                    severity: isError ? .error : .warning, path: issue.path, related: source.location)
            }
        }
    }

    mutating func report(
        _ message: String, _ node: NodeIndex, _ code: String, severity: DefinitionIssue.Severity, path: String = "",
        related: String? = nil
    ) {
        let location = plan.details[Int(node)].location
        guard reported.insert("\(location ?? "")\(node) \(message)").inserted else { return }
        let place = paths[Int(node)]
        issues.append(
            DefinitionIssue(
                message: message, location: location,
                path: path.isEmpty ? place : place.isEmpty ? path : "\(place): \(path)",
                code: code, severity: severity, related: related == location ? nil : related))
    }

    private mutating func reportUnreachable(_ member: NodeIndex, _ body: Plan.Body) {
        report(
            "\(name(member)) is never reached: no step before it leads to it", member, "unreachable", severity: .warning
        )
    }

    private mutating func checkDefaults() {
        for index in plan.nodes.indices {
            guard let fallback = plan.details[index].fallback, let schema = schema(plan.nodes[index].outputSchema),
                case .invalid(let found) = schema.validate(fallback)
            else { continue }
            let node = NodeIndex(index)
            for issue in found {
                report(
                    "\(name(node)) has a `default` that its response_schema refuses: \(issue.description)", node,
                    "invalid_default", severity: .error, path: "default")
            }
        }
    }

    private mutating func checkLoops() {
        for index in plan.nodes.indices where plan.nodes[index].kind == .loop && plan.nodes[index].limit == 0 {
            let node = NodeIndex(index)
            report(
                "\(name(node)) has no bound; give it one: max_iterations = 100", node, "unbounded_loop",
                severity: .warning)
        }
    }
}

extension DefinitionReader {
    /// Reads a definition and checks the flow of its values: what cannot work is refused, what may not work is a warning.
    ///
    /// - Throws: ``DefinitionError`` with every error.
    package static func checkedPlan(
        from definition: Value
    ) throws(DefinitionError) -> (plan: Plan, warnings: [DefinitionIssue]) {
        let plan = try plan(from: definition)
        let issues = FlowCheck.issues(in: plan)
        let errors = issues.filter { $0.severity == .error }
        if !errors.isEmpty { throw DefinitionError(issues: errors) }
        return (plan, issues)
    }
}
