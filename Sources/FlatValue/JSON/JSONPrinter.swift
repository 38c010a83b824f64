internal import Platform

/// Writes a flat value as JSON text: keys sorted by their bytes, doubles in the shortest form that reads back the same.
struct JSONPrinter {
    var arena: ByteArena
    /// Two spaces a level, or everything on one line.
    let pretty: Bool
    private var level = 0

    init(into arena: ByteArena, pretty: Bool) {
        self.arena = arena
        self.pretty = pretty
    }

    mutating func print(_ value: ValueCursor) {
        switch value.tag {
        case .null: write("null")
        case .false: write("false")
        case .true: write("true")
        case .int: write(integer: value.int.unsafelyUnwrapped)
        case .double: write(double: value.double.unsafelyUnwrapped)
        case .string: write(string: value.stringBytes.unsafelyUnwrapped)
        case .array: printArray(value)
        case .object, .emptyTable: printObject(value)
        }
    }

    private mutating func write(_ text: StaticString) {
        arena.append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private mutating func breakLine() {
        guard pretty else { return }
        arena.append(UInt8(ascii: "\n"))
        for _ in 0..<level { write("  ") }
    }

    private mutating func printArray(_ value: ValueCursor) {
        if value.count == 0 { return write("[]") }
        arena.append(UInt8(ascii: "["))
        level += 1
        var isFirst = true
        for item in value.items {
            if !isFirst { arena.append(UInt8(ascii: ",")) }
            isFirst = false
            breakLine()
            print(item)
        }
        level -= 1
        breakLine()
        arena.append(UInt8(ascii: "]"))
    }

    private mutating func printObject(_ value: ValueCursor) {
        let count = value.count
        if count == 0 { return write("{}") }
        arena.append(UInt8(ascii: "{"))
        level += 1
        withUnsafeTemporaryAllocation(of: ValueEntries.Entry.self, capacity: count) { entries in
            _ = entries.initialize(from: value.entries)
            Self.sort(entries)
            for (index, entry) in entries.enumerated() {
                if index > 0 { arena.append(UInt8(ascii: ",")) }
                breakLine()
                write(string: entry.keyBytes)
                write(pretty ? ": " : ":")
                print(entry.value)
            }
        }
        level -= 1
        breakLine()
        arena.append(UInt8(ascii: "}"))
    }

    /// Sorts few entries in place by insertion, which costs one pass where they are sorted already.
    private static func sort(_ entries: UnsafeMutableBufferPointer<ValueEntries.Entry>) {
        if entries.count > 24 {
            var entries = entries
            return entries.sort { precedes($0.keyBytes, $1.keyBytes) }
        }
        for index in 1..<max(1, entries.count) {
            let entry = entries[index]
            var place = index
            while place > 0, precedes(entry.keyBytes, entries[place - 1].keyBytes) {
                entries[place] = entries[place - 1]
                place -= 1
            }
            entries[place] = entry
        }
    }

    private static func precedes(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        let shared = min(left.count, right.count)
        if shared > 0, let a = left.baseAddress, let b = right.baseAddress {
            let order = memcmp(a, b, shared)
            if order != 0 { return order < 0 }
        }
        return left.count < right.count
    }
}
