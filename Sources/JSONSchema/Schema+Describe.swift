public import FlatValue

extension Schema {
    /// What the schema expects, in one line: `object { city: string, days?: integer }`.
    public var describe: String { SchemaWords(graph).outline(of: graph.root) }

    /// The document as plain JSON Schema, with or without our extension keywords.
    ///
    /// Without them the document says as much as JSON Schema can: keys that a strict object refuses are refused by
    /// `additionalProperties`, and what scripts' functions do is left out.
    public func export(withExtensions: Bool = true) -> Value {
        withExtensions ? document : document.withCursor { SchemaExport.plain($0) }
    }
}

extension SchemaWords {
    /// A schema in one line, three levels deep.
    func outline(of id: NodeID, depth: Int = 0) -> String {
        let rules = graph[id].rules
        if let target = rules.reference, rules.types == nil, depth < 3 { return outline(of: target, depth: depth + 1) }
        if rules.types == .object || rules.types == nil && !rules.properties.isEmpty {
            guard depth < 3, !rules.properties.isEmpty else { return "object" }
            let entries = rules.properties.prefix(12).map { key, node in
                let isOptional = !rules.required.contains(key) || graph[node].rules.extension?.optional == true
                return "\(key)\(isOptional ? "?" : ""): \(outline(of: node, depth: depth + 1))"
            }
            return "object { \((rules.properties.count > 12 ? entries + ["…"] : entries).joined(separator: ", ")) }"
        }
        if rules.types == .array, let items = rules.items, graph[items].rules.verdict == nil, depth < 3 {
            return "array of \(outline(of: items, depth: depth + 1))"
        }
        let branches = rules.anyOf.isEmpty ? rules.oneOf : rules.anyOf
        if rules.types == nil, !branches.isEmpty, depth < 3 {
            return joinedAlternatives(branches.prefix(6).map { outline(of: $0, depth: depth + 1) })
        }
        return expectation(of: id)
    }
}

/// Schemas for readers who do not know `x-aikit`.
enum SchemaExport {
    static func plain(_ schema: ValueCursor) -> Value {
        guard schema.isObject else { return Value(schema) }
        var entries: [(String, Value)] = []
        for entry in schema.entries where entry.key != "x-aikit" {
            let value: Value
            switch SubschemaShape.of[entry.key] {
            case .schema: value = plain(entry.value)
            case .list: value = Value(array: entry.value.items.map(plain))
            case .map: value = Value(entries: entry.value.entries.map { ($0.key, plain($0.value)) })
            case nil: value = Value(entry.value)
            }
            entries.append((entry.key, value))
        }
        if schema["x-aikit"]?["unknown"]?.string == "strict", schema["additionalProperties"] == nil {
            entries.append(("additionalProperties", false))
        }
        return Value(entries: entries)
    }
}
