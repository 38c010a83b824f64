package import FlatValue

/// What the scripts of a run have stored: the newest value of each key.
///
/// A key is found through a hash index that is built when a look-up first needs it, so a run with a handful of keys has none and
/// a run that waits gives it back. The index is no part of the state: two tables are equal when their entries are.
package struct StoreTable: ~Copyable {
    /// A stored key, laid out as the bridge reads it. `key` is the bytes of the text, without a tag and a length.
    package struct Entry: BitwiseCopyable, Equatable {
        package var key: Slice
        package var value: Slice
    }

    /// In no particular order; the same changes give the same order.
    package private(set) var entries = PlainBuffer<Entry>()
    /// Numbers of entries from 1 by the hash of their keys, 0 where there is none: open addressing, its size a power of two
    /// and at most half of it in use. Empty while there is no index.
    private var places = PlainBuffer<UInt32>()

    /// As many keys are looked through one by one.
    package static let unindexed = 8

    package init() {}

    package var count: Int { entries.count }

    /// Takes in what an event says: a new value of a key, or none, which removes the key.
    package mutating func set(_ entry: Entry, in arena: ByteArena) {
        let place = place(of: arena[entry.key], in: arena)
        switch (place.entry, entry.value.isNone) {
        case (let index?, false): entries[index] = entry
        case (let index?, true): remove(index, at: place.slot, in: arena)
        case (nil, true): break
        case (nil, false):
            entries.append(entry)
            if let slot = place.slot { places[slot] = UInt32(entries.count) }
        }
    }

    /// The value of a key; nil when there is none.
    package mutating func value(of key: UnsafeRawBufferPointer, in arena: ByteArena) -> Slice? {
        place(of: key, in: arena).entry.map { entries[$0].value }
    }

    package mutating func removeAll() {
        entries.removeAll()
        places = PlainBuffer()
    }

    /// Gives back the memory that a run which waits does not need.
    package mutating func trim() {
        entries.trim()
        places = PlainBuffer()
    }

    package func copy() -> StoreTable {
        var copy = StoreTable()
        copy.entries = entries.copy()
        return copy
    }

    package static func == (left: borrowing StoreTable, right: borrowing StoreTable) -> Bool {
        left.entries == right.entries
    }

    // MARK: The index

    /// The entry of a key, and where the index has it or would have it; no slot without an index.
    private mutating func place(of key: UnsafeRawBufferPointer, in arena: ByteArena) -> (
        entry: Int?, slot: Int?
    ) {
        if entries.count <= Self.unindexed, places.isEmpty {
            for index in entries.indices where Self.equal(arena[entries[index].key], key) { return (index, nil) }
            return (nil, nil)
        }
        makeRoom(in: arena)
        var slot = home(of: key)
        while places[slot] != 0 {
            let index = Int(places[slot]) - 1
            if Self.equal(arena[entries[index].key], key) { return (index, slot) }
            slot = (slot + 1) & (places.count - 1)
        }
        return (nil, slot)
    }

    private static func equal(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        left.count == right.count && left.elementsEqual(right)
    }

    /// Where the search for a key begins. The hash is seeded by the process: a script cannot know which keys collide.
    private func home(of key: UnsafeRawBufferPointer) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes: key)
        return hasher.finalize() & (places.count - 1)
    }

    /// Builds the index anew where it is missing, or has no room for one more entry.
    private mutating func makeRoom(in arena: ByteArena) {
        guard (entries.count + 1) * 2 > places.count else { return }
        var size = 32
        while size < (entries.count + 1) * 4 { size *= 2 }
        places = PlainBuffer(repeating: 0, count: size)
        for index in entries.indices {
            var slot = home(of: arena[entries[index].key])
            while places[slot] != 0 { slot = (slot + 1) & (size - 1) }
            places[slot] = UInt32(index) + 1
        }
    }

    /// Removes an entry; the last one takes its number.
    private mutating func remove(_ index: Int, at slot: Int?, in arena: ByteArena) {
        let last = entries.count - 1
        if let slot {
            close(slot, in: arena)
            if last != index {
                var moved = home(of: arena[entries[last].key])
                while Int(places[moved]) != last + 1 { moved = (moved + 1) & (places.count - 1) }
                places[moved] = UInt32(index) + 1
            }
        }
        entries[index] = entries[last]
        entries.remove(at: last)
    }

    /// Frees a slot: what lies behind it and could not lie nearer to its home moves up, so that no search ends too early.
    private mutating func close(_ slot: Int, in arena: ByteArena) {
        let mask = places.count - 1
        var hole = slot
        var next = (slot + 1) & mask
        places[hole] = 0
        while places[next] != 0 {
            let home = home(of: arena[entries[Int(places[next]) - 1].key])
            if (next &- home) & mask >= (next &- hole) & mask {
                places[hole] = places[next]
                places[next] = 0
                hole = next
            }
            next = (next + 1) & mask
        }
    }
}
