internal import FlatValue

/// Turns a schema document into a graph of nodes, with every keyword checked and every reference resolved.
struct SchemaCompiler {
    let options: Schema.Options
    private(set) var library: SchemaLibrary
    private var nodes: [SchemaNode?] = []
    private var known: [String: NodeID] = [:]
    private var tracksEvaluated = false
    private var depth = 0

    /// Intersections multiply what they refer to; more than this no honest schema has.
    private static let maximumNodes = 100_000
    /// Bounds the stack: a chain of references is followed by calls.
    private static let maximumDepth = 2000

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
    mutating func node(_ place: SchemaPlace, inDSL: Bool, alliedKeys: Set<String> = []) throws(SchemaError) -> NodeID {
        let key = "\(place.document)#\(place.pointer)" + (alliedKeys.isEmpty ? "" : "#\(alliedKeys.sorted())")
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
            id: id, location: "\(place.document == 0 ? "" : uri)#\(place.pointer)", resource: place.resource,
            rules: builder.rules)
        return id
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
            if let found = visit(node.id) {
                let location = found.location
                let hash = location.firstIndex(of: "#") ?? location.startIndex
                throw SchemaError(
                    document: String(location[..<hash]), pointer: String(location[hash...].dropFirst()),
                    message: "the schema refers to itself without end")
            }
        }
    }
}
