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
    static func declared(
        by schema: ValueCursor, at place: SchemaPlace, _ compiler: inout SchemaCompiler, depth: Int = 0
    ) throws(SchemaError) -> Set<String> {
        // Deeper than this it can only be a schema that refers to itself, which is refused elsewhere.
        guard schema.isObject, depth < 32 else { return [] }
        var keys = Set(schema["properties"]?.entries.map(\.key) ?? [])
        if let reference = schema["$ref"]?.string {
            let target = try compiler.resolve(reference, keyword: "$ref", from: place)
            keys.formUnion(try declared(by: target.cursor, at: target, &compiler, depth: depth + 1))
        }
        for part in schema["allOf"].map({ Array($0.items) }) ?? [] {
            keys.formUnion(try declared(by: part, at: place, &compiler, depth: depth + 1))
        }
        return keys
    }
}
