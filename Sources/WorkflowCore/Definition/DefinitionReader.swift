package import FlatValue
internal import JSONSchema

/// Reads a workflow's definition, as a script or Swift code gives it, into a ``Plan``.
///
/// A definition is one value: `{ kind = "workflow", id, nodes = { … } }`, with callbacks as slots. Whatever is wrong with
/// it is reported at once, each issue with the place in the script that caused it.
package struct DefinitionReader {
    /// Says where the node of an id really stands, given where the script's side believes it.
    package typealias Locator = (_ id: String, _ location: String) -> String

    /// Reads a definition.
    ///
    /// - Throws: ``DefinitionError`` with every issue.
    package static func plan(
        from definition: Value, locator: Locator = { $1 }
    ) throws(DefinitionError) -> Plan {
        try withoutActuallyEscaping(locator) { locator throws(DefinitionError) in
            try DefinitionReader(locator: locator).read(definition)
        }
    }

    private init(locator: @escaping Locator) { self.locator = locator }

    private consuming func read(_ definition: Value) throws(DefinitionError) -> Plan {
        var reader = self
        definition.withCursor { reader.readRoot($0) }
        if !reader.issues.isEmpty { throw DefinitionError(issues: reader.issues) }
        return Plan(
            nodes: reader.nodes, details: reader.details, bodies: reader.bodies, schemas: reader.schemas,
            metadata: Value(entries: reader.metadata), ctx: Value(entries: reader.ctx), schedules: reader.schedules,
            flow: reader.flow, tagging: reader.tagging, hooks: reader.hooks, completion: reader.completion)
    }

    /// How deep bodies may nest.
    static let maximumDepth = 64

    let locator: Locator
    var nodes: ContiguousArray<PlanNode> = []
    var details: [NodeDetails] = []
    var bodies: [Plan.Body] = []
    var schemas: [Schema] = []
    var issues: [DefinitionIssue] = []
    /// Schemas that were compiled before, by their encoding.
    var schemaIndexes: [[UInt8]: Int32] = [:]
    var metadata: [(String, Value)] = []
    var ctx: [(String, Value)] = []
    var schedules: [Schedule] = []
    var flow: FlowControl?
    var tagging: RunTagging?
    var hooks: [Webhook] = []
    var completion = CompletionHandlers()
    var depth = 0

    private mutating func readRoot(_ definition: ValueCursor) {
        nodes.append(PlanNode(kind: .workflow))
        details.append(NodeDetails(id: "workflow"))
        guard definition.isObject else {
            let scope = Scope(object: definition, name: "the definition", path: "", location: nil)
            return report(scope, "invalid_type", "must be a workflow, got \(definition.summary)")
        }
        let id = definition["id"]?.string ?? ""
        var scope = Scope(
            object: definition, name: id.isEmpty ? "workflow" : "workflow '\(id)'", path: "",
            location: definition["where"]?.string)
        if let id = readID(scope) {
            if let location = scope.location { scope.location = locator(id, location) }
            details[0].id = id
        } else {
            scope.name = "workflow"
        }
        readWorkflow(
            scope, into: 0, place: Place(), allowing: NodeKind.workflowKeys + ["kind", "where", "nodes", "code"])
        schedules = readSchedules(scope)
        flow = readFlowControl(scope)
        tagging = readTags(scope)
        hooks = readWebhooks(scope)
        completion.success = callback(scope, "on_success")
        completion.failure = callback(scope, "on_failure")
        completion.cancel = callback(scope, "on_cancel")
    }

    /// Reads what a workflow has, whether it is the outermost or stands in another one.
    mutating func readWorkflow(_ scope: Scope, into node: Int, place: Place, allowing keys: [String]) {
        checkKeys(scope, allowed: keys, shown: NodeKind.workflowKeys)
        if details[node].description == nil { details[node].description = string(scope, "description") }
        if details[node].location == nil { details[node].location = scope.location }
        details[node].code = scope.object["code"]?.int.map(String.init) ?? ""
        nodes[node].inputSchema = schema(scope, "input_schema")
        nodes[node].outputSchema = schema(scope, "output_schema")
        nodes[node].conclude = callback(scope, "finalize")
        readTelemetry(ofWorkflow: scope, into: node)
        readPermissions(scope, into: node)
        // The outer workflow is read first, and what it says counts.
        merge(scope, "metadata", into: \.metadata)
        merge(scope, "ctx", into: \.ctx)
        guard let list = scope.object["nodes"], !list.isNull else {
            return report(scope, "no_steps", "has no steps; add one with :step { id = \"…\", handler = … }")
        }
        guard list.isArray || list.tag == .emptyTable else { return expected(scope, "nodes", "a list of steps", list) }
        if list.count == 0 {
            return report(scope, "no_steps", "has no steps; add one with :step { id = \"…\", handler = … }")
        }
        readBodies([BodySource(name: "1", nodes: list)], of: node, scope, place: place)
    }

    private mutating func merge(
        _ scope: Scope, _ key: StaticString, into path: WritableKeyPath<DefinitionReader, [(String, Value)]>
    ) {
        guard let value = scope.object[key], !value.isNull else { return }
        guard value.isPlainObject else { return expected(scope, "\(key)", "a table with string keys", value) }
        checkData(scope, "\(key)", value)
        for entry in value.entries where !self[keyPath: path].contains(where: { $0.0 == entry.key }) {
            self[keyPath: path].append((entry.key, Value(entry.value)))
        }
    }

    // MARK: Bodies

    /// A body as the definition gives it.
    struct BodySource {
        var name: String
        /// A list of nodes, or one node.
        var nodes: ValueCursor
    }

    /// What the place of a node says about how it runs.
    struct Place {
        var repeats = false
        var concurrent = false
        /// What the agent around them says of its spans, for nodes that say nothing themselves.
        var telemetry: Value?

        /// A place within this one, of which it says as much, or more.
        func within(repeats: Bool = false, concurrent: Bool = false) -> Place {
            Place(
                repeats: self.repeats || repeats, concurrent: self.concurrent || concurrent, telemetry: telemetry)
        }
    }

    /// Reads the bodies of a node, which get places next to each other.
    mutating func readBodies(_ sources: [BodySource], of node: Int, _ scope: Scope, place: Place) {
        nodes[node].firstBody = Int32(bodies.count)
        nodes[node].bodyCount = Int32(sources.count)
        for source in sources {
            bodies.append(Plan.Body(first: -1, owner: Int32(node), name: source.name, members: []))
        }
        guard depth < Self.maximumDepth else {
            return report(scope, "too_deep", "is nested deeper than \(Self.maximumDepth) levels")
        }
        depth += 1
        for (offset, source) in sources.enumerated() {
            readSequence(source.nodes, body: Int(nodes[node].firstBody) + offset, scope, place: place)
        }
        depth -= 1
    }

    private mutating func readSequence(_ list: ValueCursor, body: Int, _ owner: Scope, place: Place) {
        let items = list.isPlainObject && list.count > 0 ? [list] : Array(list.items)
        var place = place
        // A jump may repeat every node of the sequence, so it has to be known before the nodes are read.
        place.repeats = place.repeats || Sequence.mayRepeat(items)
        var members: [Sequence.Member] = []
        let prefix = owner.bodyPrefix(
            named: bodies[body].name, isBranch: nodes[Int(bodies[body].owner)].kind == .parallel)
        for item in items {
            guard let kind = kind(of: item, owner) else { continue }
            let index = nodes.count
            nodes.append(PlanNode(kind: kind))
            details.append(NodeDetails(id: ""))
            nodes[index].body = Int32(body)
            nodes[index].repeats = place.repeats
            nodes[index].concurrent = place.concurrent
            bodies[body].members.append(Int32(index))
            var scope = Scope(
                object: item, name: kind.name, path: prefix,
                location: item["where"]?.string ?? item["workflow"]?["where"]?.string ?? owner.location)
            // An agent is a loop, and a tool a step, to nobody who writes one.
            let role = item["role"]?.string.flatMap(NodeRole.init)
            let noun = role == .agent ? "agent" : role == .tool ? "tool" : kind.name
            scope.name =
                item["id"]?.string.map { "\(noun) '\($0)'" } ?? "\(noun) \(members.count + 1) of \(owner.name)"
            scope.path = prefix + (item["id"]?.string ?? "\(members.count + 1)")
            // What has no place of its own, such as a step that a test mocks, is not looked for in the source.
            if let id = item["id"]?.string, let own = item["where"]?.string ?? item["workflow"]?["where"]?.string {
                scope.location = locator(id, own)
            }
            let id = readID(scope)
            details[index].id = id ?? "\(members.count + 1)"
            details[index].location = scope.location
            details[index].description = string(scope, "description")
            details[index].code = item["code"]?.int.map(String.init) ?? ""
            details[index].budget = item["budget"].map { Value($0) }
            details[index].secrets = item["secrets"].flatMap { SecretArguments(Value($0)) }
            details[index].answerSecrets = item["secrets"].flatMap { AnswerSecrets(Value($0)) }
            details[index].role = role
            details[index].telemetry = place.telemetry
            var inner = place
            if details[index].role == .agent, let telemetry = item["telemetry"] { inner.telemetry = Value(telemetry) }
            readNode(kind, scope, into: index, place: inner)
            members.append(Sequence.Member(index: index, scope: scope, hasID: id != nil))
        }
        bodies[body].first = bodies[body].members.first ?? -1
        connect(members, owner)
    }

    /// What kind of node a value is, or an issue.
    private mutating func kind(of item: ValueCursor, _ owner: Scope) -> NodeKind? {
        guard item.isPlainObject else {
            expected(owner, "", "a list of steps", item, in: "the body of \(owner.name)")
            return nil
        }
        guard let name = item["kind"]?.string, let kind = NodeKind(name: name) else {
            let got = item["kind"].map(\.summary) ?? "nothing"
            report(owner, "unknown_kind", "contains a node of an unknown kind: \(got)")
            return nil
        }
        return kind
    }
}

/// The part of a definition that is being read, with what messages say about it.
struct Scope {
    var object: ValueCursor
    /// What it is called in messages, such as `step 'translate'`.
    var name: String
    /// Its place in the tree, such as `enrich/translate`.
    var path: String
    var location: String?

    /// What stands before the ids of the nodes in one of its bodies.
    func bodyPrefix(named body: String, isBranch: Bool) -> String {
        path.isEmpty ? "" : isBranch ? "\(path)[\(body)]/" : path + "/"
    }
}
