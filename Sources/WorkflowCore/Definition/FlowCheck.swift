internal import FlatValue
internal import JSONSchema

/// Says without running a workflow where the output of one node cannot be the input of what follows it.
///
/// What a callback makes is unknown and never refused. A value that is wrong on every way is an error; one that may be wrong,
/// or is wrong on a way that a function may not choose, is a warning.
package struct FlowCheck {
    /// What a look at a plan came to, in the order of the nodes that it is about.
    package struct Report {
        /// Values that do not fit what takes them, and nodes that cannot work as they are.
        package var issues: [DefinitionIssue] = []
        /// What goes wrong, or has no effect, once a run comes to it.
        package var findings: [DefinitionIssue] = []
    }

    package static func report(on plan: Plan, shapes: CallbackShapes = CallbackShapes()) -> Report {
        var check = FlowCheck(plan: plan, shapes: shapes)
        _ = check.checkWorkflow(0, [.unknown])
        check.checkDefaults()
        check.checkLoops()
        check.checkReturns()
        return check.found
    }

    /// Where a value may come from.
    struct Source {
        /// What is known of the value.
        var place: ProducedPlace
        /// Who gives it, as messages name it.
        var giver: String
        var location: String?
        /// When the way from there is taken, where that is not always: `if branch 'risk' takes no case`.
        var condition: String?

        func only(_ condition: String) -> Source {
            var source = self
            source.condition = condition
            return source
        }

        func given(by giver: String) -> Source {
            var source = self
            source.giver = giver
            return source
        }

        /// A value of which nothing is known.
        static let unknown: Source = {
            guard let schema = try? Schema(true) else { preconditionFailure("true is a schema") }
            return Source(place: ProducedPlace(schema), giver: "it")
        }()
    }

    /// The ways on which a value may come.
    typealias Sources = [Source]

    let plan: Plan
    let shapes: CallbackShapes
    private let paths: [String]
    private(set) var found = Report()
    private var reported = Set<String>()

    private init(plan: Plan, shapes: CallbackShapes) {
        self.plan = plan
        self.shapes = shapes
        paths = plan.staticPaths()
    }

    func name(_ node: NodeIndex) -> String { "\(plan.nodes[Int(node)].kind.name) '\(plan.details[Int(node)].id)'" }

    func schema(_ index: Int32) -> Schema? { index >= 0 ? plan.schemas[Int(index)] : nil }

    private func source(_ schema: Schema, _ node: NodeIndex, _ giver: String? = nil) -> Source {
        Source(place: ProducedPlace(schema), giver: giver ?? name(node), location: plan.details[Int(node)].location)
    }

    /// What a node gives that has a schema for it or not.
    private func output(_ index: Int32, of node: NodeIndex) -> Sources {
        schema(index).map { [source($0, node)] } ?? [.unknown]
    }

    // MARK: Flow

    /// Follows values through a workflow and gives the sources of its output.
    private mutating func checkWorkflow(_ node: NodeIndex, _ incoming: Sources) -> Sources {
        let workflow = plan.nodes[Int(node)]
        var inner = incoming
        if let input = schema(workflow.inputSchema) {
            compare(incoming, with: input, takenBy: name(node), node)
            inner = [source(input, node, "the input of \(name(node))")]
        }
        guard let body = plan.bodies(of: node).first else { return [.unknown] }
        let given = checkBody(body, inner)
        if let output = schema(workflow.outputSchema) {
            if workflow.conclude == 0 { compare(given, with: output, takenBy: "the output of \(name(node))", node) }
            return [source(output, node)]
        }
        return workflow.conclude == 0 ? given : [.unknown]
    }

    /// Follows values through a sequence and gives the sources of what comes out at its end.
    private mutating func checkBody(_ body: Plan.Body, _ incoming: Sources) -> Sources {
        var arriving: [NodeIndex: Sources] = [body.first: incoming]
        // What jumps back, or where a function says, brings with it is not followed to where it arrives.
        if jumps(in: body) { for member in body.members { arriving[member, default: []].append(.unknown) } }
        var result: Sources = []
        let reached = reachable(body)
        for member in body.members {
            guard reached.contains(member) else {
                reportUnreachable(member, body)
                continue
            }
            let node = plan.nodes[Int(member)]
            var given = checkNode(member, arriving[member] ?? [])
            if node.kind == .step, node.extra != 0 {
                given = given.map { $0.only("if `next` of \(name(member)) leads there") }
            }
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

    private func jumps(in body: Plan.Body) -> Bool {
        body.members.contains { member in
            let node = plan.nodes[Int(member)]
            return node.kind == .step && node.extra != 0 || node.next >= 0 && node.next <= member
        }
    }

    private mutating func compareInput(_ node: NodeIndex, _ given: Sources) {
        if let input = schema(plan.nodes[Int(node)].inputSchema) {
            compare(given, with: input, takenBy: name(node), node)
        }
    }

    /// Checks what a node takes, and gives the sources of its output.
    private mutating func checkNode(_ index: NodeIndex, _ incoming: Sources) -> Sources {
        let node = plan.nodes[Int(index)]
        switch node.kind {
        case .step:
            compareInput(index, incoming)
            return output(node.outputSchema, of: index)
        case .workflow: return checkWorkflow(index, incoming)
        case .branch: return checkBranch(index, incoming)
        case .loop:
            guard let body = plan.bodies(of: index).first else { return [.unknown] }
            let given = checkBody(body, node.extra == 0 ? incoming : [.unknown])
            // Each output is the next iteration's input.
            if node.extra == 0, node.limit != 1 {
                compareInput(body.first, given.map { $0.given(by: $0.giver + " in the iteration before") })
            }
            if node.conclude != 0 { return [.unknown] }
            let item = Composition.anyOf(given)
            return composed(index) { composition in
                composition.object(["last_result": item, "all_results": composition.list(of: item)])
            }
        case .foreach:
            guard let body = plan.bodies(of: index).first else { return [.unknown] }
            let given = checkBody(body, items(of: index, incoming))
            if node.conclude != 0 || node.waitsForAll { return [.unknown] }
            return composed(index) { $0.list(of: Composition.anyOf(given)) }
        case .parallel:
            var results: [(String, Composition.Part)] = []
            for body in plan.bodies(of: index) {
                results.append((body.name, Composition.anyOf(checkBody(body, incoming))))
            }
            if node.conclude != 0 { return [.unknown] }
            return composed(index) { node.isList ? $0.tuple(results.map(\.1)) : $0.object(results) }
        case .human, .waitFor: return output(node.outputSchema, of: index)
        case .delay: return incoming
        }
    }

    private mutating func checkBranch(_ index: NodeIndex, _ incoming: Sources) -> Sources {
        let node = plan.nodes[Int(index)]
        var result: Sources = []
        for body in plan.bodies(of: index) { result += checkBody(body, incoming) }
        let choices = choices(of: index, incoming)
        if let choices { checkCases(of: index, choices) }
        if node.hasOtherwise { return result }
        // Where the code names all that `resolve` gives, it is known whether nil is among it.
        if let choices, !choices.contains(.null) { return result }
        return result + incoming.map { $0.only("if \(name(index)) takes no case") }
    }

    /// The sources of a foreach's items.
    private func items(of index: NodeIndex, _ incoming: Sources) -> Sources {
        guard case .field(let path)? = shapes[plan.details[Int(index)].id, "items"] else { return [.unknown] }
        return incoming.map { source in
            guard let items = source.place[path]?.items else { return .unknown }
            let list =
                path.isEmpty ? "what \(source.giver) gives" : "'\(path.joined(separator: "."))' of \(source.giver)"
            return Source(
                place: items, giver: "an item of \(list)", location: source.location, condition: source.condition)
        }
    }

    /// A source whose schema is put together from those of bodies.
    private func composed(_ index: NodeIndex, _ body: (Composition) -> Composition.Part) -> Sources {
        guard let schema = Composition.schema(body(Composition())) else { return [.unknown] }
        return [source(schema, index)]
    }

    // MARK: Issues

    private mutating func compare(
        _ sources: Sources, with schema: Schema, takenBy taker: String, _ node: NodeIndex
    ) {
        for source in sources {
            for issue in SchemaFit.check(producer: source.place, consumer: schema) {
                let isError = issue.verdict == .definite && source.condition == nil
                let condition = source.condition.map { ", \($0)" } ?? ""
                report(
                    issue.message(from: source.giver, to: taker) + condition, node, "schema_mismatch",
                    severity: isError ? .error : .warning, path: issue.path, related: source.location)
            }
        }
    }

    mutating func report(
        _ message: String, _ node: NodeIndex, _ code: String, severity: DefinitionIssue.Severity, path: String = "",
        related: String? = nil, isFinding: Bool = false
    ) {
        let location = plan.details[Int(node)].location
        guard reported.insert("\(location ?? "")\(node) \(message)").inserted else { return }
        let place = paths[Int(node)]
        let issue = DefinitionIssue(
            message: message, location: location,
            path: path.isEmpty ? place : place.isEmpty ? path : "\(place): \(path)",
            code: code, severity: severity, related: related == location ? nil : related)
        if isFinding { found.findings.append(issue) } else { found.issues.append(issue) }
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
