internal import FlatValue

/// The documents of one compilation with an index of what can be referred to in them: identifiers, anchors, pointers.
struct SchemaLibrary {
    private(set) var documents: [SchemaDocument] = []
    private(set) var resources: [SchemaResource] = []
    private var resourceByURI: [String: Int] = [:]
    /// Where schemas are known to stand, and the resource that each belongs to.
    private var places: [UnsafeRawPointer: Int] = [:]
    /// The members of objects that references have looked into.
    private var members: [UnsafeRawPointer: [ByteText: ValueCursor]] = [:]
    private let registry: SchemaRegistry

    init(registry: SchemaRegistry) { self.registry = registry }

    /// Adds a document and indexes it; `uri` is where it is from, for one that has no `$id`.
    mutating func add(_ value: Value, uri: String) throws(SchemaError) -> SchemaPlace {
        guard uri.utf8.count <= Self.maximumURILength else {
            throw SchemaError(pointer: "", message: Self.tooLong)
        }
        let document = SchemaDocument(value, uri: uri)
        let number = documents.count
        documents.append(document)
        let cursor = document.root
        let dialect = try dialect(of: cursor, else: .standard, document: number, pointer: .root)
        let root = SchemaPlace(document: number, pointer: .root, cursor: cursor, resource: resources.count)
        resources.append(SchemaResource(uri: uri, root: root, dialect: dialect))
        if resourceByURI[uri] == nil { resourceByURI[uri] = root.resource }
        try index(root)
        return SchemaPlace(
            document: number, pointer: .root, cursor: cursor, resource: places[root.address] ?? root.resource)
    }

    /// The resource of the schema that stands at a pointer, where one is known to stand there.
    func resource(at schema: ValueCursor) -> Int? { places[schema.start] }

    func error(_ place: SchemaPlace, _ keyword: String? = nil, _ message: String) -> SchemaError {
        let pointer = keyword.map(place.pointer.appending) ?? place.pointer
        return SchemaError(document: documents[place.document].uri, pointer: pointer.text, message: message)
    }

    // MARK: Indexing

    private mutating func index(_ place: SchemaPlace) throws(SchemaError) {
        guard place.cursor.isObject else { return }
        var place = place
        if let id = place.cursor["$id"] {
            guard let text = id.string else { throw error(place, "$id", "must be a string") }
            guard text.utf8.count <= Self.maximumURILength else { throw error(place, "$id", Self.tooLong) }
            let reference = URIReference(text)
            guard reference.fragment?.isEmpty ?? true else { throw error(place, "$id", "must not have a fragment") }
            let base = resources[place.resource]
            let uri = reference.resolved(against: base.base).withoutFragment
            let dialect = try dialect(
                of: place.cursor, else: base.dialect, document: place.document, pointer: place.pointer)
            place = SchemaPlace(
                document: place.document, pointer: place.pointer, cursor: place.cursor, resource: resources.count)
            resources.append(SchemaResource(uri: uri, root: place, dialect: dialect))
            resourceByURI[uri] = place.resource
        }
        places[place.address] = place.resource
        try indexAnchor(place, "$anchor")
        try indexAnchor(place, "$dynamicAnchor")

        for entry in place.cursor.entries {
            let key = entry.key
            guard let shape = SubschemaShape.of[key] else { continue }
            let pointer = place.pointer.appending(key)
            switch shape {
            case .schema: try index(child(place, pointer, entry.value))
            case .list:
                for (index, item) in entry.value.items.enumerated() {
                    try self.index(child(place, pointer.appending(String(index)), item))
                }
            case .map:
                for member in entry.value.entries {
                    try index(child(place, pointer.appending(member.key), member.value))
                }
            }
        }
    }

    private func child(_ place: SchemaPlace, _ pointer: SchemaPointer, _ cursor: ValueCursor) -> SchemaPlace {
        SchemaPlace(document: place.document, pointer: pointer, cursor: cursor, resource: place.resource)
    }

    private mutating func indexAnchor(_ place: SchemaPlace, _ keyword: StaticString) throws(SchemaError) {
        guard let anchor = place.cursor[keyword] else { return }
        guard let name = anchor.string, Self.isAnchor(name) else {
            throw error(place, keyword.description, "must be a name of letters, digits, '-', '_' and '.'")
        }
        resources[place.resource].anchors[name] = place
        if keyword.description == "$dynamicAnchor" { resources[place.resource].dynamicAnchors[name] = place }
    }

    private static func isAnchor(_ name: String) -> Bool {
        guard let first = name.utf8.first, first.isLetter || first == UInt8(ascii: "_") else { return false }
        return name.utf8.allSatisfy { $0.isLetter || $0.isDigit || "-_.".utf8.contains($0) }
    }

    private func dialect(
        of schema: ValueCursor, else inherited: SchemaDialect, document: Int, pointer: SchemaPointer
    ) throws(SchemaError) -> SchemaDialect {
        guard let keyword = schema["$schema"] else { return inherited }
        let pointer = pointer.appending("$schema")
        guard let uri = keyword.string else {
            throw SchemaError(document: documents[document].uri, pointer: pointer.text, message: "must be a string")
        }
        let bare = URIReference(uri).withoutFragment
        guard bare != SchemaDialect.standardURI, let metaSchema = registry.document(bare) else { return .standard }
        guard let vocabulary = metaSchema["$vocabulary"] else { return .standard }
        do throws(SchemaDialect.UnknownVocabulary) {
            // `withCursor` rethrows any error, so the typed one is carried out as a result.
            return try vocabulary.withCursor { cursor in
                Result { () throws(SchemaDialect.UnknownVocabulary) in try SchemaDialect(vocabulary: cursor) }
            }.get()
        } catch {
            throw SchemaError(
                document: documents[document].uri, pointer: pointer.text,
                message: "the meta-schema requires the vocabulary \(error.uri), which is not known")
        }
    }

    // MARK: Resolving

    /// The schema that a reference of `place` points to.
    mutating func resolve(_ reference: String, keyword: String, from place: SchemaPlace) throws(SchemaError)
        -> SchemaPlace
    {
        guard reference.utf8.count <= Self.maximumURILength else { throw error(place, keyword, Self.tooLong) }
        let target = URIReference(reference).resolved(against: resources[place.resource].base)
        let uri = target.withoutFragment
        guard let resource = try resource(uri) else {
            throw error(place, keyword, "no schema is known by the name '\(uri)'")
        }
        guard let fragment = target.decodedFragment else {
            throw error(place, keyword, "the fragment of '\(reference)' is malformed")
        }
        if fragment.isEmpty { return resources[resource].root }
        if fragment.hasPrefix("/") {
            guard let tokens = JSONPointer.tokens(fragment),
                let found = try walk(tokens, from: resources[resource].root)
            else {
                throw error(place, keyword, "'\(reference)' points to nothing")
            }
            return found
        }
        guard let anchor = resources[resource].anchors[fragment] else {
            throw error(place, keyword, "there is no anchor '\(fragment)' in '\(uri)'")
        }
        return anchor
    }

    /// The name of the dynamic anchor that a reference means, where it means one.
    func dynamicAnchor(of reference: String, at target: SchemaPlace) -> String? {
        guard let fragment = URIReference(reference).decodedFragment else { return nil }
        return resources[target.resource].dynamicAnchors[fragment] != nil ? fragment : nil
    }

    private mutating func resource(_ uri: String) throws(SchemaError) -> Int? {
        if let known = resourceByURI[uri] { return known }
        guard let document = registry.document(uri) else { return nil }
        let place = try add(document, uri: uri)
        return resourceByURI[uri] ?? place.resource
    }

    private mutating func walk(_ tokens: [String], from root: SchemaPlace) throws(SchemaError) -> SchemaPlace? {
        var place = root
        for token in tokens {
            let next: ValueCursor?
            if place.cursor.isArray {
                guard let index = Int(token), token == String(index), index >= 0 else { return nil }
                next = place.cursor.items.dropFirst(index).first { _ in true }
            } else {
                next = member(token, of: place.cursor)
            }
            guard let next else { return nil }
            place = SchemaPlace(
                document: place.document, pointer: place.pointer.appending(token), cursor: next,
                resource: places[next.start] ?? place.resource)
        }
        // A reference makes a schema of what stands under an unknown keyword.
        if places[place.address] == nil {
            try index(place)
            let resource = places[place.address] ?? place.resource
            place = SchemaPlace(
                document: place.document, pointer: place.pointer, cursor: place.cursor, resource: resource)
        }
        return place
    }

    /// A member of an object; of one that has many, they are listed once, since each may be referred to.
    private mutating func member(_ key: String, of object: ValueCursor) -> ValueCursor? {
        guard object.count > 16 else { return object[key: key] }
        if let known = members[object.start] { return known[ByteText(key)] }
        let listed = Dictionary(object.entries.map { (ByteText($0.key), $0.value) }) { first, _ in first }
        members[object.start] = listed
        return listed[ByteText(key)]
    }

    /// References are resolved against the URI around them, each time.
    private static let maximumURILength = 4096
    private static let tooLong = "must not be longer than \(maximumURILength) bytes"
}

/// How the value of a keyword holds schemas.
enum SubschemaShape {
    case schema, list, map

    static let of: [String: SubschemaShape] = [
        "additionalProperties": .schema, "contains": .schema, "contentSchema": .schema, "else": .schema, "if": .schema,
        "items": .schema, "not": .schema, "propertyNames": .schema, "then": .schema, "unevaluatedItems": .schema,
        "unevaluatedProperties": .schema, "allOf": .list, "anyOf": .list, "oneOf": .list, "prefixItems": .list,
        "$defs": .map, "definitions": .map, "dependentSchemas": .map, "patternProperties": .map, "properties": .map,
    ]
}
