public import FlatValue

/// Documents that schemas may refer to by URI; nothing is ever fetched.
///
/// The meta-schemas of draft 2020-12 are known without being registered.
public struct SchemaRegistry: Sendable {
    private var documents: [String: Value] = [:]

    public init() {}

    /// Registers a document under a URI, and by the `$id` that it gives itself.
    public mutating func register(_ document: Value, uri: String? = nil) {
        if let uri { documents[URIReference(uri).withoutFragment] = document }
        if let id = document["$id"]?.string { documents[URIReference(id).withoutFragment] = document }
    }

    func document(_ uri: String) -> Value? { documents[uri] ?? MetaSchemas.document(uri) }
}
