package import FlatValue

/// The results of bodies by their ordinal, a table for each loop, foreach and parallel that is under way.
///
/// A table is known by its place, which is given away again after ``release(_:)``.
package struct ResultTables: ~Copyable {
    private struct Table: BitwiseCopyable {
        var base: UnsafeMutablePointer<Slice>?
        var count: Int32 = 0
        /// Of a table that is not in use, the next such one.
        var capacity: Int32 = 0
    }

    private var tables = PlainBuffer<Table>()
    /// The first table that is not in use; `-1` for none.
    private var free: Int32 = -1

    init() {}

    deinit {
        for table in tables.elements { table.base?.deallocate() }
    }

    /// The results in a table; valid until the table changes.
    package subscript(table: Int32) -> UnsafeBufferPointer<Slice> {
        let table = tables[Int(table)]
        return UnsafeBufferPointer(start: table.base, count: Int(table.count))
    }

    /// A table with room for as many results, all of them absent.
    mutating func take(_ count: Int32) -> Int32 {
        var table = Table(base: nil, count: count, capacity: count)
        if count > 0 {
            table.base = .allocate(capacity: Int(count))
            table.base?.initialize(repeating: .none, count: Int(count))
        }
        let place = free
        if place >= 0 {
            free = tables[Int(place)].capacity
            tables[Int(place)] = table
            return place
        }
        tables.append(table)
        return Int32(tables.count - 1)
    }

    mutating func set(_ result: Slice, in table: Int32, at index: Int) {
        precondition(index >= 0 && index < Int(tables[Int(table)].count), "a result outside its table")
        tables[Int(table)].base.unsafelyUnwrapped[index] = result
    }

    mutating func append(_ result: Slice, to table: Int32) {
        var grown = tables[Int(table)]
        if grown.count == grown.capacity {
            grown.capacity = max(grown.capacity * 2, 4)
            let base = UnsafeMutablePointer<Slice>.allocate(capacity: Int(grown.capacity))
            if let old = grown.base {
                base.moveInitialize(from: old, count: Int(grown.count))
                old.deallocate()
            }
            grown.base = base
        }
        grown.base.unsafelyUnwrapped[Int(grown.count)] = result
        grown.count += 1
        tables[Int(table)] = grown
    }

    mutating func release(_ table: Int32) {
        tables[Int(table)].base?.deallocate()
        tables[Int(table)] = Table(capacity: free)
        free = table
    }

    mutating func removeAll() {
        guard !tables.isEmpty else { return }
        self = ResultTables()
    }

    mutating func trim() { tables.trim() }

    func copy() -> ResultTables {
        var copy = ResultTables()
        copy.free = free
        for table in tables.elements {
            var own = table
            if let base = table.base {
                own.base = .allocate(capacity: Int(table.capacity))
                own.base?.initialize(from: base, count: Int(table.count))
            }
            copy.tables.append(own)
        }
        return copy
    }

    static func == (left: borrowing ResultTables, right: borrowing ResultTables) -> Bool {
        guard left.free == right.free, left.tables.count == right.tables.count else { return false }
        for place in left.tables.indices where !left[Int32(place)].elementsEqual(right[Int32(place)]) { return false }
        return true
    }
}
