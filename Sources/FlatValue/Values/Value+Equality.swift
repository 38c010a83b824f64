extension ValueCursor {
    /// Whether two values are equal as JSON: numbers by value, objects without regard to the order of keys.
    public func equals(_ other: ValueCursor) -> Bool {
        switch (tag, other.tag) {
        case (.null, .null), (.true, .true), (.false, .false): return true
        case (.int, .int): return int == other.int
        case (.double, .double): return double == other.double
        case (.int, .double), (.double, .int):
            guard let whole = int ?? other.int, let real = double ?? other.double else { return false }
            return Int64(exactly: real) == whole
        case (.string, .string):
            guard let left = stringBytes, let right = other.stringBytes else { return false }
            return left.count == right.count && left.elementsEqual(right)
        case (.array, .array):
            guard count == other.count else { return false }
            return zip(items, other.items).allSatisfy { $0.equals($1) }
        case (.object, .object), (.object, .emptyTable), (.emptyTable, .object), (.emptyTable, .emptyTable):
            guard count == other.count else { return false }
            return entries.allSatisfy { entry in other.value(forKey: entry.keyBytes).map(entry.value.equals) ?? false }
        case (.emptyTable, .array), (.array, .emptyTable): return count == other.count
        default: return false
        }
    }
}

extension Value: Equatable {
    public static func == (left: Value, right: Value) -> Bool {
        left.withCursor { left in right.withCursor { left.equals($0) } }
    }
}
