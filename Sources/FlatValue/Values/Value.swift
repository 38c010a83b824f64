/// A value of JSON's data model: null, booleans, 64-bit integers, finite doubles, strings, arrays and objects.
///
/// It is one immutable buffer that every holder shares; reading it walks the buffer in place. Integers and doubles are told
/// apart. Equality is that of JSON: `1` equals `1.0`, and the order of an object's keys does not count.
///
/// ```swift
/// let value: Value = ["city": "Oslo", "days": 3]
/// value["city"]?.string      // "Oslo"
/// ```
public struct Value: Sendable {
    @usableFromInline let storage: [UInt8]

    @inlinable
    init(storage: [UInt8]) { self.storage = storage }

    /// Copies the value under a cursor.
    @inlinable
    public init(_ cursor: ValueCursor) { storage = Array(cursor.bytes) }

    /// Makes a value of what `body` writes, which must be exactly one value.
    @inlinable
    public init(_ body: (inout ByteArena) -> Void) {
        var arena = ByteArena()
        defer { arena.deallocate() }
        body(&arena)
        storage = Array(arena.bytes)
    }

    /// The length of the encoding in bytes.
    @inlinable public var byteCount: Int { storage.count }

    /// The encoding, which is one flat value.
    @inlinable
    public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try storage.withUnsafeBytes(body)
    }

    /// The value for reading in place; the cursor is dead when `body` returns.
    @inlinable
    public func withCursor<Result>(_ body: (ValueCursor) throws -> Result) rethrows -> Result {
        try storage.withUnsafeBytes { try body(ValueCursor($0)) }
    }

    public static let null = Value(storage: [ValueTag.null.rawValue])
    public static let emptyArray = Value(storage: [ValueTag.array.rawValue, 0, 0, 0, 0, 0, 0, 0, 0])
    public static let emptyObject = Value(storage: [ValueTag.object.rawValue, 0, 0, 0, 0, 0, 0, 0, 0])

    public var tag: ValueTag { withCursor(\.tag) }
    public var isNull: Bool { withCursor(\.isNull) }
    public var bool: Bool? { withCursor(\.bool) }
    public var int: Int64? { withCursor(\.int) }
    public var double: Double? { withCursor(\.double) }
    public var number: Double? { withCursor(\.number) }
    public var string: String? { withCursor(\.string) }
    public var count: Int { withCursor(\.count) }

    /// The items of an array, or nil.
    public var array: [Value]? { withCursor { $0.isArray ? $0.items.map(Value.init) : nil } }

    /// The entries of an object in the order of the buffer, or nil.
    public var entries: [(key: String, value: Value)]? {
        withCursor { $0.isObject ? $0.entries.map { ($0.key, Value($0.value)) } : nil }
    }

    public subscript(key: String) -> Value? { withCursor { $0[key: key].map { Value($0) } } }

    public subscript(index: Int) -> Value? {
        withCursor { $0.items.dropFirst(index).first { _ in true }.map { Value($0) } }
    }
}

extension Value: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral,
    ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(nilLiteral: ()) { self = .null }
    public init(booleanLiteral value: Bool) { self.init { $0.write(value) } }
    public init(integerLiteral value: Int64) { self.init { $0.write(value) } }
    public init(floatLiteral value: Double) { self.init { $0.write(value) } }
    public init(stringLiteral value: String) { self.init { $0.write(value) } }
    public init(arrayLiteral elements: Value...) { self.init(array: elements) }
    public init(dictionaryLiteral elements: (String, Value)...) { self.init(entries: elements) }

    public init(_ value: Bool) { self.init { $0.write(value) } }
    public init(_ value: Int64) { self.init { $0.write(value) } }
    public init(_ value: Double) { self.init { $0.write(value) } }
    public init(_ value: String) { self.init { $0.write(value) } }

    public init(array elements: some Collection<Value>) {
        self.init { arena in
            let container = arena.beginArray()
            for element in elements { arena.write(element) }
            arena.end(container, count: elements.count)
        }
    }

    /// Makes an object; of a key given twice, byte by byte, the last value counts.
    public init(entries: some Sequence<(String, Value)>) {
        var kept: [(key: String, value: Value)] = []
        kept.reserveCapacity(entries.underestimatedCount)
        // Where each key stands, once there are too many to look through.
        var places: [ByteText: Int] = [:]
        for (key, value) in entries {
            if kept.count == Self.fewEntries {
                for (place, entry) in kept.enumerated() { places[ByteText(entry.key)] = place }
            }
            let isFew = kept.count < Self.fewEntries
            if let place = isFew ? kept.firstIndex(where: { $0.key.isSpelled(like: key) }) : places[ByteText(key)] {
                kept[place].value = value
            } else {
                if !isFew { places[ByteText(key)] = kept.count }
                kept.append((key, value))
            }
        }
        self.init { arena in
            let container = arena.beginObject()
            for (key, value) in kept {
                arena.writeKey(key)
                arena.write(value)
            }
            arena.end(container, count: kept.count)
        }
    }

    private static let fewEntries = 16
}
