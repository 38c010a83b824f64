internal import FlatValue

/// The vocabularies in force in a schema resource.
struct SchemaDialect: OptionSet, Sendable {
    let rawValue: UInt8

    static let applicator = SchemaDialect(rawValue: 1 << 0)
    static let unevaluated = SchemaDialect(rawValue: 1 << 1)
    static let validation = SchemaDialect(rawValue: 1 << 2)
    static let metadata = SchemaDialect(rawValue: 1 << 3)
    static let formatAnnotation = SchemaDialect(rawValue: 1 << 4)
    static let formatAssertion = SchemaDialect(rawValue: 1 << 5)
    static let content = SchemaDialect(rawValue: 1 << 6)

    static let standard: SchemaDialect = [
        .applicator, .unevaluated, .validation, .metadata, .formatAnnotation, .content,
    ]
    static let standardURI = "https://json-schema.org/draft/2020-12/schema"

    private static let prefix = "https://json-schema.org/draft/2020-12/vocab/"
    private static let names: [String: SchemaDialect] = [
        "core": [], "applicator": .applicator, "unevaluated": .unevaluated, "validation": .validation,
        "meta-data": .metadata,
        "format-annotation": .formatAnnotation, "format-assertion": .formatAssertion, "content": .content,
    ]

    /// The dialect of a meta-schema's `$vocabulary`.
    init(vocabulary: ValueCursor) throws(UnknownVocabulary) {
        var dialect: SchemaDialect = []
        for entry in vocabulary.entries {
            let uri = entry.key
            if uri.hasPrefix(Self.prefix), let known = Self.names[String(uri.dropFirst(Self.prefix.count))] {
                dialect.formUnion(known)
            } else if entry.value.bool == true {
                throw UnknownVocabulary(uri: uri)
            }
        }
        self = dialect
    }

    init(rawValue: UInt8) { self.rawValue = rawValue }

    /// A vocabulary that a meta-schema requires and that is not known.
    struct UnknownVocabulary: Error {
        let uri: String
    }
}
