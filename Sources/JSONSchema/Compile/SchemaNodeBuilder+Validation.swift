internal import FlatValue

extension SchemaNodeBuilder {
    mutating func readValidation(_ compiler: inout SchemaCompiler) throws(SchemaError) {
        rules.types = try types(compiler)
        if let cursor = keyword("enum") {
            guard cursor.isArray else { throw failure("enum", "must be a list, not \(cursor.kindName)", compiler) }
            rules.enumeration = cursor.items.map { Value($0) }
        }
        rules.constant = keyword("const").map { Value($0) }

        rules.minimum = try number("minimum", compiler)
        rules.maximum = try number("maximum", compiler)
        rules.exclusiveMinimum = try number("exclusiveMinimum", compiler)
        rules.exclusiveMaximum = try number("exclusiveMaximum", compiler)
        if let bound = try number("multipleOf", compiler) {
            guard bound.double > 0 else { throw failure("multipleOf", "must be greater than 0", compiler) }
            rules.multipleOf = Divisor(bound)
        }

        rules.minLength = try count("minLength", compiler)
        rules.maxLength = try count("maxLength", compiler)
        if let source = try text("pattern", compiler) { rules.pattern = try pattern(source, "pattern", &compiler) }

        rules.minItems = try count("minItems", compiler)
        rules.maxItems = try count("maxItems", compiler)
        rules.minContains = try count("minContains", compiler)
        rules.maxContains = try count("maxContains", compiler)
        if let cursor = keyword("uniqueItems") {
            guard let unique = cursor.bool else {
                throw failure("uniqueItems", "must be a boolean, not \(cursor.kindName)", compiler)
            }
            rules.uniqueItems = unique
        }

        rules.minProperties = try count("minProperties", compiler)
        rules.maxProperties = try count("maxProperties", compiler)
        rules.required =
            try keyword("required").map { cursor throws(SchemaError) in try names(cursor, "required", compiler) } ?? []
        if let cursor = keyword("dependentRequired") {
            guard cursor.isObject else {
                throw failure("dependentRequired", "must be an object of lists, not \(cursor.kindName)", compiler)
            }
            for entry in cursor.entries {
                rules.dependentRequired.append((entry.key, try names(entry.value, "dependentRequired", compiler)))
            }
        }
    }

    private func types(_ compiler: SchemaCompiler) throws(SchemaError) -> SchemaTypes? {
        guard let cursor = keyword("type") else { return nil }
        if !cursor.isArray { return try type(cursor, compiler) }
        var types: SchemaTypes = []
        for item in cursor.items { types.formUnion(try type(item, compiler)) }
        if types.isEmpty { throw failure("type", "must name at least one type", compiler) }
        return types
    }

    private func type(_ cursor: ValueCursor, _ compiler: SchemaCompiler) throws(SchemaError) -> SchemaTypes {
        guard let name = cursor.string, let type = SchemaTypes(name: name) else {
            throw failure(
                "type", "must be string, number, integer, boolean, array, object or null, not \(cursor.brief)",
                compiler)
        }
        return type
    }

    private func number(_ name: String, _ compiler: SchemaCompiler) throws(SchemaError) -> NumberBound? {
        guard let cursor = keyword(name) else { return nil }
        guard let bound = NumberBound(cursor) else {
            throw failure(name, "must be a number, not \(cursor.kindName)", compiler)
        }
        return bound
    }

    private func count(_ name: String, _ compiler: SchemaCompiler) throws(SchemaError) -> Int? {
        guard let cursor = keyword(name) else { return nil }
        guard let number = cursor.number, number >= 0, number.isIntegral else {
            throw failure(name, "must be an integer of at least 0, not \(cursor.brief)", compiler)
        }
        // No instance has more parts than this, so that a larger limit says the same.
        return number >= 0x1p62 ? Int.max : Int(number)
    }

    private func names(_ cursor: ValueCursor, _ keyword: String, _ compiler: SchemaCompiler) throws(SchemaError)
        -> [String]
    {
        // A table without a mark stands for an empty list here.
        if cursor.tag == .emptyTable { return [] }
        guard cursor.isArray else {
            throw failure(keyword, "must be a list of names, not \(cursor.kindName)", compiler)
        }
        var names: [String] = []
        var known: Set<ByteText> = []
        for item in cursor.items {
            guard let name = item.string else {
                throw failure(keyword, "must hold names, not \(item.kindName)", compiler)
            }
            if known.insert(ByteText(name)).inserted { names.append(name) }
        }
        return names
    }

    mutating func readFormat(_ compiler: SchemaCompiler) throws(SchemaError) {
        guard let name = try text("format", compiler) else { return }
        let isAsserted = dialect.contains(.formatAssertion) || options(compiler).assertsFormats || inDSL
        guard isAsserted, !dialect.isDisjoint(with: [.formatAnnotation, .formatAssertion]) else { return }
        rules.format = Format(rawValue: name)
    }

    private func options(_ compiler: SchemaCompiler) -> Schema.Options { compiler.options }

    mutating func readAnnotations(_ compiler: inout SchemaCompiler) throws(SchemaError) {
        rules.title = try text("title", compiler)
        rules.explanation = try text("description", compiler)
        rules.defaultValue = keyword("default").map { Value($0) }
        if dialect.contains(.content) {
            rules.contentMediaType = try text("contentMediaType", compiler)
            rules.contentEncoding = try text("contentEncoding", compiler)
            _ = try schema("contentSchema", &compiler)
        }
    }
}
