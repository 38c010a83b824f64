internal import FlatValue

/// What the schemas that look at one object know of each other's keys, so that none strips or refuses what another declares.
enum IntersectionKeys {
    /// For each schema of the `allOf` of a schema: the keys that the schema itself and the other parts declare.
    static func ofParts(
        _ list: ValueCursor, at place: SchemaPlace, _ compiler: inout SchemaCompiler
    ) throws(SchemaError) -> [Set<String>] {
        let own = Set(place.cursor["properties"]?.entries.map(\.key) ?? [])
        var declared: [Set<String>] = []
        for part in Array(list.items) { declared.append(try self.declared(by: part, at: place, &compiler)) }
        return declared.indices.map { index in
            declared.indices.reduce(into: own) { keys, other in
                if other != index { keys.formUnion(declared[other]) }
            }
        }
    }

    /// The keys that a schema declares by itself, by a reference or as an intersection.
    static func declared(by schema: ValueCursor, at place: SchemaPlace, _ compiler: inout SchemaCompiler)
        throws(SchemaError) -> Set<String>
    {
        var keys: Set<String> = []
        var visited: Set<String> = []
        try collect(schema, place, &compiler, &keys, &visited, depth: 0)
        return keys
    }

    /// Adds the keys of a schema, and of each schema that it refers to once.
    private static func collect(
        _ schema: ValueCursor, _ place: SchemaPlace, _ compiler: inout SchemaCompiler, _ keys: inout Set<String>,
        _ visited: inout Set<String>, depth: Int
    ) throws(SchemaError) {
        guard schema.isObject, depth < Value.maximumDepth else { return }
        keys.formUnion(schema["properties"]?.entries.map(\.key) ?? [])
        if let reference = schema["$ref"]?.string {
            let target = try compiler.resolve(reference, keyword: "$ref", from: place)
            if visited.insert("\(target.document)#\(target.pointer)").inserted {
                try collect(target.cursor, target, &compiler, &keys, &visited, depth: depth + 1)
            }
        }
        for part in schema["allOf"].map({ Array($0.items) }) ?? [] {
            try collect(part, place, &compiler, &keys, &visited, depth: depth + 1)
        }
    }
}
