internal import FlatValue

/// Reads the keywords of one schema.
struct SchemaNodeBuilder {
    let place: SchemaPlace
    let dialect: SchemaDialect
    let rules = SchemaRules()
    /// Whether the script's schema library made this schema or one around it, so that formats are asserted.
    var inDSL: Bool
    /// Keys that the intersection of which this schema is a part declares; nil outside one.
    let alliedKeys: AlliedKeys?
    private var keywords: [String: ValueCursor] = [:]

    init(place: SchemaPlace, inDSL: Bool, alliedKeys: AlliedKeys?, dialect: SchemaDialect) {
        self.place = place
        self.inDSL = inDSL
        self.alliedKeys = alliedKeys
        self.dialect = dialect
    }

    mutating func build(_ compiler: inout SchemaCompiler) throws(SchemaError) {
        if let verdict = place.cursor.bool {
            rules.verdict = verdict
            return
        }
        guard place.cursor.isObject else {
            throw compiler.library.error(
                place, nil, "a schema must be an object or a boolean, not \(place.cursor.kindName)")
        }
        for entry in place.cursor.entries { keywords[entry.key] = entry.value }
        rules.isSecret = keywords["writeOnly"]?.bool == true
        try readExtension(&compiler)
        try readReferences(&compiler)
        if dialect.contains(.applicator) { try readApplicators(&compiler) }
        if dialect.contains(.unevaluated) {
            rules.unevaluatedItems = try schema("unevaluatedItems", &compiler)
            rules.unevaluatedProperties = try schema("unevaluatedProperties", &compiler)
        }
        if dialect.contains(.validation) { try readValidation(&compiler) }
        try readFormat(compiler)
        if dialect.contains(.metadata) { try readAnnotations(&compiler) }
        for (key, member) in keywords["$defs"].map({ Array($0.entries).map { ($0.key, $0.value) } }) ?? [] {
            _ = try compiler.node(
                child(place.pointer.appending("$defs").appending(key), member, compiler), inDSL: inDSL)
        }
    }

    func keyword(_ name: String) -> ValueCursor? { keywords[name] }

    func failure(_ keyword: String, _ message: String, _ compiler: SchemaCompiler) -> SchemaError {
        compiler.library.error(place, keyword, message)
    }

    // MARK: Subschemas

    func child(_ pointer: SchemaPointer, _ cursor: ValueCursor, _ compiler: SchemaCompiler) -> SchemaPlace {
        let resource = compiler.library.resource(at: cursor) ?? place.resource
        return SchemaPlace(document: place.document, pointer: pointer, cursor: cursor, resource: resource)
    }

    func schema(_ name: String, _ compiler: inout SchemaCompiler) throws(SchemaError) -> NodeID? {
        guard let cursor = keywords[name] else { return nil }
        return try compiler.node(child(place.pointer.appending(name), cursor, compiler), inDSL: inDSL)
    }

    func schemaList(_ name: String, _ compiler: inout SchemaCompiler) throws(SchemaError) -> [NodeID] {
        guard let cursor = keywords[name] else { return [] }
        guard cursor.isArray, cursor.count > 0 else {
            throw failure(name, "must be a list of at least one schema", compiler)
        }
        let allied = name == "allOf" ? try compiler.keys(sharedBy: place, in: alliedKeys) : nil
        let list = place.pointer.appending(name)
        var nodes: [NodeID] = []
        for (index, item) in cursor.items.enumerated() {
            nodes.append(
                try compiler.node(
                    child(list.appending(String(index)), item, compiler), inDSL: inDSL, alliedKeys: allied))
        }
        return nodes
    }

    func schemaMap(_ name: String, _ compiler: inout SchemaCompiler) throws(SchemaError) -> [(
        key: String, node: NodeID
    )] {
        guard let cursor = keywords[name] else { return [] }
        guard cursor.isObject else {
            throw failure(name, "must be an object of schemas, not \(cursor.kindName)", compiler)
        }
        var nodes: [(key: String, node: NodeID)] = []
        let map = place.pointer.appending(name)
        for entry in cursor.entries {
            nodes.append(
                (entry.key, try compiler.node(child(map.appending(entry.key), entry.value, compiler), inDSL: inDSL)))
        }
        return nodes
    }

    private mutating func readReferences(_ compiler: inout SchemaCompiler) throws(SchemaError) {
        if let reference = try text("$ref", compiler) {
            let target = try compiler.resolve(reference, keyword: "$ref", from: place)
            rules.reference = try compiler.node(target, inDSL: inDSL, alliedKeys: alliedKeys)
        }
        if let reference = try text("$dynamicRef", compiler) {
            let target = try compiler.resolve(reference, keyword: "$dynamicRef", from: place)
            let anchor = compiler.library.dynamicAnchor(of: reference, at: target)
            rules.dynamicReference = (try compiler.node(target, inDSL: inDSL), anchor)
        }
    }

    private mutating func readApplicators(_ compiler: inout SchemaCompiler) throws(SchemaError) {
        if let items = keywords["items"], items.isArray {
            throw failure("items", "must be a schema; a list of schemas is 'prefixItems' since draft 2020-12", compiler)
        }
        rules.prefixItems = try schemaList("prefixItems", &compiler)
        rules.items = try schema("items", &compiler)
        rules.contains = try schema("contains", &compiler)
        rules.properties = try schemaMap("properties", &compiler)
        if !compiler.options.keepsKeyOrder { rules.properties.sort { $0.key < $1.key } }
        for (index, property) in rules.properties.enumerated() { rules.propertyIndex[ByteText(property.key)] = index }
        rules.propertyKeys = rules.properties.map { Array($0.key.utf8) }
        for (source, node) in try schemaMap("patternProperties", &compiler) {
            let pattern = try self.pattern(source, "patternProperties", &compiler)
            rules.patternProperties.append((pattern, node))
        }
        rules.additionalProperties = try schema("additionalProperties", &compiler)
        rules.propertyNames = try schema("propertyNames", &compiler)
        rules.dependentSchemas = try schemaMap("dependentSchemas", &compiler)
        rules.allOf = try schemaList("allOf", &compiler)
        rules.anyOf = try schemaList("anyOf", &compiler)
        rules.oneOf = try schemaList("oneOf", &compiler)
        rules.not = try schema("not", &compiler)
        rules.condition = try schema("if", &compiler)
        let then = try schema("then", &compiler)
        let otherwise = try schema("else", &compiler)
        if rules.condition != nil {
            rules.then = then
            rules.otherwise = otherwise
        }
    }

    func pattern(_ source: String, _ keyword: String, _ compiler: inout SchemaCompiler) throws(SchemaError) -> Pattern {
        do throws(Pattern.SyntaxError) {
            return try compiler.pattern(source)
        } catch {
            throw failure(
                keyword, "'\(shortened(source, to: 200))' is not a regular expression of ECMA-262: \(error.message)",
                compiler)
        }
    }

    func text(_ name: String, _ compiler: SchemaCompiler) throws(SchemaError) -> String? {
        guard let cursor = keywords[name] else { return nil }
        guard let text = cursor.string else {
            throw failure(name, "must be a string, not \(cursor.kindName)", compiler)
        }
        return text
    }
}
