public import Platform

/// The kind of a value, by the first byte of its encoding.
public enum ValueTag: UInt8, Sendable, CaseIterable {
    case null = 0x00
    case `false` = 0x01
    case `true` = 0x02
    /// A 64-bit signed integer.
    case int = 0x03
    /// A finite 64-bit float.
    case double = 0x04
    /// `u32` byte length, then the bytes.
    case string = 0x05
    /// `u32` count, `u32` byte length of the items, then the items.
    case array = 0x06
    /// `u32` count, `u32` byte length of the entries, then (`u32` key length, key, value) for each.
    case object = 0x07
    /// An empty Lua table without a mark: a schema makes it an array or an object, everything else reads an object.
    case emptyTable = 0x08
}

/// A view of one encoded value, for reading in place.
///
/// It does not own the memory, and trusts it: bytes from outside the process go through ``Value/init(validating:)`` first.
/// Every access is O(1), except for looking a key up, which is linear in the number of entries.
@frozen
public struct ValueCursor: BitwiseCopyable {
    public let start: UnsafeRawPointer

    @inlinable
    public init(_ start: UnsafeRawPointer) { self.start = start }

    @inlinable
    public init(_ bytes: UnsafeRawBufferPointer) { start = bytes.baseAddress.unsafelyUnwrapped }

    @inlinable
    public var tag: ValueTag { ValueTag(rawValue: start.load(as: UInt8.self)).unsafelyUnwrapped }

    @inlinable
    public func word(_ offset: Int) -> Int {
        Int(UInt32(littleEndian: start.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    }

    /// The number of bytes that the value takes, its tag included.
    @inlinable
    public var byteCount: Int {
        switch tag {
        case .null, .false, .true, .emptyTable: 1
        case .int, .double: 9
        case .string: 5 &+ word(1)
        case .array, .object: 9 &+ word(5)
        }
    }

    @inlinable public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: byteCount) }

    @inlinable public var isNull: Bool { tag == .null }

    @inlinable public var bool: Bool? { tag == .true ? true : tag == .false ? false : nil }

    @inlinable
    public var int: Int64? {
        tag == .int ? Int64(littleEndian: start.loadUnaligned(fromByteOffset: 1, as: Int64.self)) : nil
    }

    @inlinable
    public var double: Double? {
        tag == .double
            ? Double(bitPattern: UInt64(littleEndian: start.loadUnaligned(fromByteOffset: 1, as: UInt64.self))) : nil
    }

    /// The number as a double, whichever way it is stored.
    @inlinable public var number: Double? { int.map(Double.init) ?? double }

    /// The bytes of a string.
    @inlinable
    public var stringBytes: UnsafeRawBufferPointer? {
        tag == .string ? UnsafeRawBufferPointer(start: start + 5, count: word(1)) : nil
    }

    @inlinable public var string: String? { stringBytes.map { String(decoding: $0, as: UTF8.self) } }

    /// The number of items or entries; 0 for anything but a container.
    @inlinable
    public var count: Int { tag == .array || tag == .object ? word(1) : 0 }

    @inlinable public var isObject: Bool { tag == .object || tag == .emptyTable }
    @inlinable public var isArray: Bool { tag == .array }

    /// The items of an array; empty for everything else.
    @inlinable
    public var items: ValueItems { ValueItems(at: start + 9, remaining: tag == .array ? word(1) : 0) }

    /// The entries of an object; empty for everything else.
    @inlinable
    public var entries: ValueEntries { ValueEntries(at: start + 9, remaining: tag == .object ? word(1) : 0) }

    /// The value of a key, or nil.
    @inlinable
    public subscript(_ key: StaticString) -> ValueCursor? {
        value(forKey: UnsafeRawBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount))
    }

    @inlinable
    public subscript(key key: String) -> ValueCursor? {
        var key = key
        return key.withUTF8 { value(forKey: UnsafeRawBufferPointer($0)) }
    }

    @inlinable
    public func value(forKey key: UnsafeRawBufferPointer) -> ValueCursor? {
        for entry in entries where entry.keyBytes.count == key.count {
            if key.isEmpty
                || memcmp(entry.keyBytes.baseAddress.unsafelyUnwrapped, key.baseAddress.unsafelyUnwrapped, key.count)
                    == 0
            {
                return entry.value
            }
        }
        return nil
    }
}

/// The items of an array, in order.
@frozen
public struct ValueItems: Sequence, IteratorProtocol, BitwiseCopyable {
    @usableFromInline var position: UnsafeRawPointer
    @usableFromInline var remaining: Int

    @inlinable
    init(at position: UnsafeRawPointer, remaining: Int) {
        self.position = position
        self.remaining = remaining
    }

    @inlinable
    public mutating func next() -> ValueCursor? {
        guard remaining > 0 else { return nil }
        remaining &-= 1
        let item = ValueCursor(position)
        position += item.byteCount
        return item
    }
}

/// The entries of an object, in the order of the buffer.
@frozen
public struct ValueEntries: Sequence, IteratorProtocol, BitwiseCopyable {
    /// A key and its value.
    @frozen
    public struct Entry: BitwiseCopyable {
        public let keyBytes: UnsafeRawBufferPointer
        public let value: ValueCursor
        @inlinable public var key: String { String(decoding: keyBytes, as: UTF8.self) }

        @inlinable
        init(keyBytes: UnsafeRawBufferPointer, value: ValueCursor) {
            self.keyBytes = keyBytes
            self.value = value
        }
    }

    @usableFromInline var position: UnsafeRawPointer
    @usableFromInline var remaining: Int

    @inlinable
    init(at position: UnsafeRawPointer, remaining: Int) {
        self.position = position
        self.remaining = remaining
    }

    @inlinable
    public mutating func next() -> Entry? {
        guard remaining > 0 else { return nil }
        remaining &-= 1
        let length = Int(UInt32(littleEndian: position.loadUnaligned(as: UInt32.self)))
        let value = ValueCursor(position + 4 + length)
        let entry = Entry(keyBytes: UnsafeRawBufferPointer(start: position + 4, count: length), value: value)
        position = value.start + value.byteCount
        return entry
    }
}
