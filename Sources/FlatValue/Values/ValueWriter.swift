/// Appends encoded values to an arena.
///
/// Containers are opened and closed; a count and a byte length are patched in when they close. Keys go before their
/// values. The writer does not check that a key is given once.
extension ByteArena {
    /// Where an open container began, to be given back to `end`.
    @frozen
    public struct Container: BitwiseCopyable {
        @usableFromInline let start: Int
        @inlinable init(start: Int) { self.start = start }
    }

    @inlinable public mutating func writeNull() { append(ValueTag.null.rawValue) }

    @inlinable
    public mutating func write(_ value: Bool) { append(value ? ValueTag.true.rawValue : ValueTag.false.rawValue) }

    @inlinable
    public mutating func write(_ value: Int64) {
        append(ValueTag.int.rawValue)
        append(word: value)
    }

    /// Writes a finite number; one that is not finite becomes null, as JSON has no word for it.
    @inlinable
    public mutating func write(_ value: Double) {
        guard value.isFinite else { return writeNull() }
        append(ValueTag.double.rawValue)
        append(word: value.bitPattern)
    }

    @inlinable
    public mutating func write(_ value: String) {
        var value = value
        value.withUTF8 { writeString(UnsafeRawBufferPointer($0)) }
    }

    @inlinable
    public mutating func writeString(_ bytes: UnsafeRawBufferPointer) {
        append(ValueTag.string.rawValue)
        append(word: UInt32(truncatingIfNeeded: bytes.count))
        append(bytes)
    }

    /// Copies a value that lies outside this arena.
    @inlinable
    public mutating func write(_ value: ValueCursor) { append(value.bytes) }

    @inlinable
    public mutating func write(_ value: Value) { value.withBytes { append($0) } }

    @inlinable
    public mutating func writeKey(_ key: String) {
        var key = key
        key.withUTF8 { writeKey(UnsafeRawBufferPointer($0)) }
    }

    @inlinable
    public mutating func writeKey(_ key: UnsafeRawBufferPointer) {
        append(word: UInt32(truncatingIfNeeded: key.count))
        append(key)
    }

    @inlinable
    public mutating func beginArray() -> Container { begin(.array) }

    @inlinable
    public mutating func beginObject() -> Container { begin(.object) }

    @inlinable
    mutating func begin(_ tag: ValueTag) -> Container {
        let container = Container(start: count)
        append(tag.rawValue)
        append(word: UInt64(0))
        return container
    }

    /// Closes a container of `count` items or entries.
    @inlinable
    public mutating func end(_ container: Container, count: Int) {
        patch(UInt32(truncatingIfNeeded: count), at: container.start + 1)
        patch(UInt32(truncatingIfNeeded: self.count - container.start - 9), at: container.start + 5)
    }
}
