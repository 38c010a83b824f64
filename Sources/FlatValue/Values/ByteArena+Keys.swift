internal import Platform

extension ByteArena {
    /// Removes each entry whose key comes again, so that the last one counts; returns how many are left.
    ///
    /// The entries lie between `first` and the end of the arena.
    mutating func removeDuplicateKeys(from first: Int, count: Int) -> Int {
        let entries = ValueEntries(at: UnsafeRawPointer(base.unsafelyUnwrapped + first), remaining: count)
        guard entries.hasDuplicateKeys else { return count }
        var last: [KeyBytes: Int] = [:]
        for (index, entry) in entries.enumerated() { last[KeyBytes(bytes: entry.keyBytes)] = index }
        var kept = ByteArena()
        defer { kept.deallocate() }
        for (index, entry) in entries.enumerated() where last[KeyBytes(bytes: entry.keyBytes)] == index {
            kept.writeKey(entry.keyBytes)
            kept.write(entry.value)
        }
        self.count = first
        append(kept.bytes)
        return last.count
    }
}

extension ValueEntries {
    /// Whether a key comes more than once.
    var hasDuplicateKeys: Bool {
        // Few keys are compared with each other; many are hashed with the process's seed, which hostile text cannot guess.
        if remaining > 16 {
            var seen = Set<KeyBytes>(minimumCapacity: remaining)
            for entry in self where !seen.insert(KeyBytes(bytes: entry.keyBytes)).inserted { return true }
            return false
        }
        var later = self
        while let entry = later.next() {
            for other in later where KeyBytes(bytes: entry.keyBytes) == KeyBytes(bytes: other.keyBytes) { return true }
        }
        return false
    }
}

/// A key by its bytes, which must stay where they are.
private struct KeyBytes: Hashable {
    let bytes: UnsafeRawBufferPointer

    @inline(__always)
    static func == (left: KeyBytes, right: KeyBytes) -> Bool {
        guard left.bytes.count == right.bytes.count else { return false }
        guard let a = left.bytes.baseAddress, let b = right.bytes.baseAddress else { return true }
        return memcmp(a, b, left.bytes.count) == 0
    }

    func hash(into hasher: inout Hasher) { hasher.combine(bytes: bytes) }
}
