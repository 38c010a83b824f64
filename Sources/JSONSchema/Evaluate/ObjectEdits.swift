internal import FlatValue

/// What changes in an object: entries that are replaced or removed, in order, and entries that are added.
struct ObjectEdits {
    private var changes: [(index: Int, value: ValueCursor?)] = []
    private var additions: [(key: String, value: ValueCursor)] = []

    mutating func replace(_ index: Int, with value: ValueCursor) { changes.append((index, value)) }
    mutating func remove(_ index: Int) { changes.append((index, nil)) }
    mutating func add(_ key: String, _ value: ValueCursor) { additions.append((key, value)) }

    /// The object with the changes made, or itself where there are none.
    func applied(to object: ValueCursor, _ scratch: inout Scratch) -> ValueCursor {
        if changes.isEmpty && additions.isEmpty { return object }
        return scratch.copy { arena in
            let container = arena.beginObject()
            var count = 0
            var next = changes[...]
            for (index, entry) in object.entries.enumerated() {
                var value: ValueCursor? = entry.value
                if let change = next.first, change.index == index {
                    value = change.value
                    next.removeFirst()
                }
                guard let value else { continue }
                arena.writeKey(entry.keyBytes)
                arena.write(value)
                count += 1
            }
            for (key, value) in additions {
                arena.writeKey(key)
                arena.write(value)
                count += 1
            }
            arena.end(container, count: count)
        }
    }
}
