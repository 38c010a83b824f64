internal import FlatValue
internal import JSONSchema

/// Looks for what a JSON Schema calls secret (`writeOnly`) in a value, whichever keyword leads there.
///
/// It does not validate: of alternatives each counts, and so does what `contains` and the `unevaluated` keywords say of parts that
/// others may have accounted for. Rather too much is secret than too little.
struct SecretSearch {
    private(set) var found: [Value] = []
    private let document: Value
    /// Steps that are left; schemas may lead to each other in very many ways. What is not looked at any more counts as secret.
    private var budget = 0
    private var patterns: [String: Pattern?] = [:]
    private var targets: [String: Value?] = [:]

    init(in document: Value) { self.document = document }

    mutating func look(at value: Value, _ schema: Value) {
        budget = 20_000 + 4 * value.withBytes(\.count)
        look(at: value, schema, following: [])
    }

    /// - Parameter following: references that were followed to come to this part of the value.
    private mutating func look(at value: Value, _ schema: Value, following: Set<String>) {
        guard let keywords = schema.entries, !keywords.isEmpty else { return }
        budget -= 1
        if schema["writeOnly"]?.bool == true || budget < 0 { return found.append(value) }
        for key in ["$ref", "$dynamicRef"] {
            guard let reference = schema[key]?.string, !following.contains(reference), let target = target(reference)
            else { continue }
            look(at: value, target, following: following.union([reference]))
        }
        for key in ["allOf", "anyOf", "oneOf"] {
            for part in schema[key]?.array ?? [] { look(at: value, part, following: following) }
        }
        for key in ["if", "then", "else"] {
            if let part = schema[key] { look(at: value, part, following: following) }
        }
        if let items = value.array {
            look(atItems: items, schema)
        } else if let fields = value.entries, !fields.isEmpty {
            for (key, part) in schema["dependentSchemas"]?.entries ?? [] where value[key] != nil {
                look(at: value, part, following: following)
            }
            for (key, field) in fields { look(atField: key, field, schema) }
        }
    }

    private mutating func look(atItems items: [Value], _ schema: Value) {
        let first = schema["prefixItems"]?.array ?? []
        for (index, item) in items.enumerated() {
            let own = index < first.count ? first[index] : schema["items"]
            for part in [own, schema["contains"], own == nil ? schema["unevaluatedItems"] : nil] {
                if let part { look(at: item, part, following: []) }
            }
        }
    }

    private mutating func look(atField key: String, _ field: Value, _ schema: Value) {
        if let names = schema["propertyNames"] { look(at: Value(key), names, following: []) }
        var isNamed = false
        if let own = schema["properties"]?[key] {
            isNamed = true
            look(at: field, own, following: [])
        }
        for (source, part) in schema["patternProperties"]?.entries ?? [] where matches(key, source) {
            isNamed = true
            look(at: field, part, following: [])
        }
        if isNamed { return }
        for name in ["additionalProperties", "unevaluatedProperties"] {
            if let part = schema[name] { look(at: field, part, following: []) }
        }
    }

    /// Whether a name fits a pattern; one that cannot be told does.
    private mutating func matches(_ name: String, _ source: String) -> Bool {
        let pattern: Pattern?
        if let known = patterns[source] {
            pattern = known
        } else {
            pattern = try? Pattern(source)
            patterns[source] = .some(pattern)
        }
        return pattern.map { $0.search(name) != .absent } ?? true
    }

    /// What a reference means: a place of the document, or what has that anchor or id.
    private mutating func target(_ reference: String) -> Value? {
        if let known = targets[reference] { return known }
        let target: Value?
        if reference == "#" || reference.hasPrefix("#/") {
            target = reference.dropFirst().split(separator: "/").reduce(document) { value, key in
                let key = String(key).replacing("~1", with: "/").replacing("~0", with: "~")
                return value?.array.map { items in Int(key).flatMap { items.indices.contains($0) ? items[$0] : nil } }
                    ?? value?[key]
            }
        } else if reference.hasPrefix("#") {
            let name = reference.dropFirst()
            target = Self.part(of: document) { part in
                ["$anchor", "$dynamicAnchor"].contains { part[$0]?.string.map { $0 == name } ?? false }
            }
        } else {
            let name = reference.split(separator: "/").last ?? ""
            target = Self.part(of: document) { $0["$id"]?.string?.split(separator: "/").last == name }
        }
        targets[reference] = .some(target)
        return target
    }

    /// The first object within a document that fits.
    private static func part(of document: Value, _ fits: (Value) -> Bool) -> Value? {
        var waiting = [document]
        while let value = waiting.popLast() {
            if let items = value.array {
                waiting += items
            } else if let entries = value.entries, !entries.isEmpty {
                if fits(value) { return value }
                waiting += entries.map(\.value)
            }
        }
        return nil
    }
}
