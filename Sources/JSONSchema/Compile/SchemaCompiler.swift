internal import FlatValue

/// Turns a schema document into a graph of nodes, with every keyword checked and every reference resolved.
struct SchemaCompiler {
    let options: Schema.Options
    private(set) var library: SchemaLibrary
    private var nodes: [SchemaNode?] = []
    private var known: [NodePlace: NodeID] = [:]
    private var intersections = IntersectionKeys()
    private var patterns: [ByteText: Pattern] = [:]
    private var tracksEvaluated = false
    private var depth = 0

    /// Intersections multiply what they refer to; more than this no honest schema has.
    private static let maximumNodes = 100_000
    /// Each takes some hundred microseconds and up to 64 KiB.
    private static let maximumPatterns = 10_000
    /// Bounds the stack: a chain of references is followed by calls.
    static let maximumDepth = 2000

    init(options: Schema.Options) {
        self.options = options
        library = SchemaLibrary(registry: options.registry)
    }

    static func compile(_ document: Value, options: Schema.Options) throws(SchemaError) -> SchemaGraph {
        var compiler = SchemaCompiler(options: options)
        let place = try compiler.library.add(document, uri: options.uri)
        let root = try compiler.node(place, inDSL: false)
        var anchors: [[String: NodeID]] = []
        // Compiling an anchor may load further resources, so the count is read anew.
        while anchors.count < compiler.library.resources.count {
            var nodes: [String: NodeID] = [:]
            for (name, place) in compiler.library.resources[anchors.count].dynamicAnchors {
                nodes[name] = try compiler.node(place, inDSL: false)
            }
            anchors.append(nodes)
        }
        let graph = SchemaGraph(
            nodes: compiler.nodes.compactMap { $0 }, root: root, dynamicAnchors: anchors,
            tracksEvaluated: compiler.tracksEvaluated)
        try compiler.refuseEndlessReferences(graph)
        for node in graph.nodes where node.rules.extension != nil {
            node.rules.fillsDefaults = node.rules.properties.contains { graph[$0.node].rules.defaultValue != nil }
        }
        return graph
    }

    /// The node of the schema at a place; `inDSL` says whether the script's schema library made a schema around it.
    mutating func node(_ place: SchemaPlace, inDSL: Bool, alliedKeys: AlliedKeys? = nil) throws(SchemaError) -> NodeID {
        let key = NodePlace(address: place.address, alliedKeys: alliedKeys.map(ObjectIdentifier.init))
        if let id = known[key] { return id }
        guard nodes.count < Self.maximumNodes else {
            throw library.error(place, nil, "the schema has more than \(Self.maximumNodes) parts")
        }
        depth += 1
        defer { depth -= 1 }
        guard depth < Self.maximumDepth else {
            throw library.error(place, nil, "the schema's references are nested more than \(Self.maximumDepth) deep")
        }
        let id = nodes.count
        nodes.append(nil)
        known[key] = id
        let dialect = library.resources[place.resource].dialect
        var builder = SchemaNodeBuilder(place: place, inDSL: inDSL, alliedKeys: alliedKeys, dialect: dialect)
        try builder.build(&self)
        if builder.rules.unevaluatedItems != nil || builder.rules.unevaluatedProperties != nil {
            tracksEvaluated = true
        }
        let uri = library.documents[place.document].uri
        nodes[id] = SchemaNode(
            id: id, document: place.document == 0 ? "" : uri, pointer: place.pointer, resource: place.resource,
            rules: builder.rules)
        return id
    }

    /// The keys that the parts of a schema know of each other: those of the intersection around it, if it is in one.
    mutating func keys(sharedBy place: SchemaPlace, in intersection: AlliedKeys?) throws(SchemaError) -> AlliedKeys {
        if let intersection { return intersection }
        return try intersections.keys(declaredBy: place, &library)
    }

    /// The regular expression of a text, compiled once.
    mutating func pattern(_ source: String) throws(Pattern.SyntaxError) -> Pattern {
        if let known = patterns[ByteText(source)] { return known }
        guard patterns.count < Self.maximumPatterns else {
            throw Pattern.SyntaxError(message: "the schema has more than \(Self.maximumPatterns) of them")
        }
        let pattern = try Pattern(source)
        patterns[ByteText(source)] = pattern
        return pattern
    }

    mutating func resolve(_ reference: String, keyword: String, from place: SchemaPlace) throws(SchemaError)
        -> SchemaPlace
    {
        try library.resolve(reference, keyword: keyword, from: place)
    }

    /// Refuses schemas that refer to themselves without ever looking further into the instance.
    private func refuseEndlessReferences(_ graph: SchemaGraph) throws(SchemaError) {
        var state = [UInt8](repeating: 0, count: graph.nodes.count)
        func visit(_ id: NodeID) -> SchemaNode? {
            if state[id] == 2 { return nil }
            if state[id] == 1 { return graph[id] }
            state[id] = 1
            for next in graph[id].rules.inPlace {
                if let found = visit(next) { return found }
            }
            state[id] = 2
            return nil
        }
        for node in graph.nodes {
            if let found = visit(node.id) { throw found.error("the schema refers to itself without end") }
        }
    }
}

/// What a node is made for: a schema, and the intersection that it is a part of.
private struct NodePlace: Hashable {
    let address: UnsafeRawPointer
    let alliedKeys: ObjectIdentifier?
}
