internal import FlatValue

/// A schema document in memory that does not move, so that cursors into it stay alive while it is compiled.
final class SchemaDocument {
    let uri: String
    private let memory: UnsafeMutableRawBufferPointer
    var root: ValueCursor { ValueCursor(UnsafeRawBufferPointer(memory)) }

    init(_ value: Value, uri: String) {
        self.uri = uri
        memory = value.withBytes { bytes in
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
            copy.copyMemory(from: bytes)
            return copy
        }
    }

    deinit { memory.deallocate() }
}

/// A place in a document where a schema stands.
struct SchemaPlace {
    let document: Int
    let pointer: SchemaPointer
    let cursor: ValueCursor
    let resource: Int

    /// What tells the place from all others of a compilation: documents do not move, and live until its end.
    var address: UnsafeRawPointer { cursor.start }
}

/// A schema with an identifier of its own, or the root of a document: the base of the references in it.
struct SchemaResource {
    let uri: String
    let root: SchemaPlace
    let base: URIReference
    let dialect: SchemaDialect
    var anchors: [String: SchemaPlace] = [:]
    var dynamicAnchors: [String: SchemaPlace] = [:]

    init(uri: String, root: SchemaPlace, dialect: SchemaDialect) {
        self.uri = uri
        self.root = root
        self.dialect = dialect
        base = URIReference(uri)
    }
}
