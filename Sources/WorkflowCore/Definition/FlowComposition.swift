internal import FlatValue
internal import JSONSchema

/// Puts the schemas of bodies together to that of a construct's default output.
struct Composition {
    /// A schema that is being put together: JSON Schema.
    struct Part {
        var document: Value
    }

    private static let anything = Part(document: true)

    /// What one of several bodies gives; anything where one of them is not known.
    static func anyOf(_ sources: [FlowCheck.Source]) -> Part {
        if sources.isEmpty || !sources.allSatisfy(\.place.isRoot) { return anything }
        let documents = sources.enumerated().map { part($0.element.place.schema.document, number: $0.offset) }
        return documents.count == 1 ? documents[0] : Part(document: ["anyOf": Value(array: documents.map(\.document))])
    }

    /// A document as a part of another one: references within it go on to mean itself.
    private static func part(_ document: Value, number: Int) -> Part {
        guard document["$id"] == nil, let entries = document.entries, refers(document) else {
            return Part(document: document)
        }
        let id = "urn:aikit:flow:\(number):\(document.json.hashValue)"
        return Part(document: Value(entries: [("$id", Value(id))] + entries.map { ($0.key, $0.value) }))
    }

    private static func refers(_ value: Value) -> Bool {
        if let entries = value.entries {
            return entries.contains { $0.key == "$ref" || $0.key == "$dynamicRef" || refers($0.value) }
        }
        return value.array?.contains(where: refers) ?? false
    }

    func list(of item: Part) -> Part { Part(document: ["type": "array", "items": item.document]) }

    func tuple(_ items: [Part]) -> Part {
        let count = Value(Int64(items.count))
        return Part(
            document: [
                "type": "array", "prefixItems": Value(array: items.map(\.document)), "items": false, "minItems": count,
                "maxItems": count,
            ])
    }

    func object(_ fields: [(String, Part)]) -> Part {
        Part(
            document: [
                "type": "object", "properties": Value(entries: fields.map { ($0.0, $0.1.document) }),
                "required": Value(array: fields.map { Value($0.0) }), "additionalProperties": false,
            ])
    }

    func object(_ fields: KeyValuePairs<String, Part>) -> Part { object(fields.map { ($0.key, $0.value) }) }

    static func schema(_ part: Part) -> Schema? {
        var options = Schema.Options()
        options.keepsKeyOrder = false
        return try? Schema(part.document, options: options)
    }
}
