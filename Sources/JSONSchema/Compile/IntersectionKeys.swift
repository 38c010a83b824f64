internal import FlatValue

/// The keys that the schemas of one intersection declare, so that none of them strips or refuses what another declares.
///
/// An object, so that thousands of schemas share one set; sets of the same keys are one object within a compilation.
final class AlliedKeys: Sendable {
    let keys: Set<ByteText>

    static let none = AlliedKeys([])

    init(_ keys: Set<ByteText>) { self.keys = keys }
}

/// Gathers the keys of intersections.
struct IntersectionKeys {
    private var known: [Set<ByteText>: AlliedKeys] = [:]
    private var gathered = 0

    /// References multiply what intersections declare; more than this no honest schema has.
    private static let maximumKeys = 200_000

    /// The keys that a schema declares by itself, by a reference or as an intersection.
    mutating func keys(
        declaredBy place: SchemaPlace, _ library: inout SchemaLibrary
    ) throws(SchemaError) -> AlliedKeys {
        var keys: Set<ByteText> = []
        var visited: Set<UnsafeRawPointer> = []
        try collect(place.cursor, place, &library, &keys, &visited, depth: 0)
        if let allied = known[keys] { return allied }
        let allied = AlliedKeys(keys)
        known[keys] = allied
        return allied
    }

    /// Adds the keys of a schema, and of each schema that it refers to once.
    private mutating func collect(
        _ schema: ValueCursor, _ place: SchemaPlace, _ library: inout SchemaLibrary, _ keys: inout Set<ByteText>,
        _ visited: inout Set<UnsafeRawPointer>, depth: Int
    ) throws(SchemaError) {
        guard schema.isObject, depth < SchemaCompiler.maximumDepth else { return }
        let properties = schema["properties"]
        gathered += 1 + (properties?.count ?? 0)
        guard gathered <= Self.maximumKeys else {
            throw library.error(
                place, nil, "the intersections of the schema have more than \(Self.maximumKeys) keys together")
        }
        keys.formUnion(properties?.entries.map { ByteText($0.key) } ?? [])
        if let reference = schema["$ref"]?.string {
            let target = try library.resolve(reference, keyword: "$ref", from: place)
            if visited.insert(target.address).inserted {
                try collect(target.cursor, target, &library, &keys, &visited, depth: depth + 1)
            }
        }
        for part in schema["allOf"].map({ Array($0.items) }) ?? [] {
            try collect(part, place, &library, &keys, &visited, depth: depth + 1)
        }
    }
}
