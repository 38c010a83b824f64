internal import FlatValue

/// The entries of one object by key. A search through the object serves few look-ups; many share one table.
///
/// Valid as long as the object's bytes.
struct EntryTable {
    private let object: ValueCursor
    private var table: [ByteText: ValueCursor]?
    private var searches = 0

    private static let searchesWithoutTable = 8

    init(_ object: ValueCursor) { self.object = object }

    subscript(_ key: String) -> ValueCursor? {
        mutating get {
            if let table { return table[ByteText(key)] }
            guard searches >= Self.searchesWithoutTable, object.count > Self.searchesWithoutTable else {
                searches += 1
                return object[key: key]
            }
            var made: [ByteText: ValueCursor] = [:]
            made.reserveCapacity(object.count)
            for entry in object.entries {
                let key = ByteText(entry.key)
                if made[key] == nil { made[key] = entry.value }
            }
            table = made
            return made[ByteText(key)]
        }
    }
}
