internal import Platform

/// A growable run of raw bytes that C can append to as well.
///
/// The three fields have the layout of the bridge's `lb_bytes`: memory of the `malloc` family that either side may
/// move with `realloc`. It never shrinks by itself. The owner calls ``deallocate()`` exactly once; copies of the struct
/// are views of the same memory and are dead after the owner appended.
@frozen
public struct ByteArena {
    public var base: UnsafeMutablePointer<UInt8>?
    public var count: Int
    public var capacity: Int

    @inlinable
    public init() {
        base = nil
        count = 0
        capacity = 0
    }

    @inlinable
    public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    /// Makes room for `extra` more bytes.
    @inlinable
    public mutating func reserve(_ extra: Int) {
        if count &+ extra > capacity { grow(by: extra) }
    }

    @usableFromInline
    mutating func grow(by extra: Int) {
        let wanted = max(count + extra, capacity * 2, 256)
        guard let moved = realloc(base, wanted) else { fatalError("out of memory: \(wanted) bytes") }
        base = moved.assumingMemoryBound(to: UInt8.self)
        capacity = wanted
    }

    /// Gives back the memory beyond `count`.
    public mutating func trim() {
        guard count < capacity else { return }
        if count == 0 { return deallocate() }
        if let moved = realloc(base, count) {
            base = moved.assumingMemoryBound(to: UInt8.self)
            capacity = count
        }
    }

    /// Drops all bytes, and gives the memory back where it is more than one use in many needs.
    public mutating func removeAll() {
        if capacity > 1 << 20 { deallocate() } else { count = 0 }
    }

    public mutating func deallocate() {
        free(base)
        self = ByteArena()
    }

    @inlinable
    public mutating func append(_ byte: UInt8) {
        reserve(1)
        base.unsafelyUnwrapped[count] = byte
        count &+= 1
    }

    @inlinable
    public mutating func append(_ source: UnsafeRawBufferPointer) {
        guard let start = source.baseAddress, source.count > 0 else { return }
        reserve(source.count)
        UnsafeMutableRawPointer(base.unsafelyUnwrapped + count).copyMemory(from: start, byteCount: source.count)
        count &+= source.count
    }

    /// Appends the little-endian bytes of an integer.
    @inlinable
    public mutating func append<Word: FixedWidthInteger>(word: Word) {
        reserve(MemoryLayout<Word>.size)
        UnsafeMutableRawPointer(base.unsafelyUnwrapped + count).storeBytes(of: word.littleEndian, as: Word.self)
        count &+= MemoryLayout<Word>.size
    }

    /// Overwrites four bytes at `offset`, which must lie below `count`.
    @inlinable
    public mutating func patch(_ word: UInt32, at offset: Int) {
        UnsafeMutableRawPointer(base.unsafelyUnwrapped + offset).storeBytes(of: word.littleEndian, as: UInt32.self)
    }

    /// Appends a copy of a part of the arena itself, which may move while it grows.
    @inlinable
    public mutating func append(_ slice: Slice) {
        reserve(Int(slice.length))
        let base = UnsafeMutableRawPointer(self.base.unsafelyUnwrapped)
        (base + count).copyMemory(from: base + Int(slice.offset), byteCount: Int(slice.length))
        count &+= Int(slice.length)
    }

    @inlinable
    public subscript(_ slice: Slice) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[Int(slice.offset)..<Int(slice.offset) + Int(slice.length)])
    }
}

/// A part of an arena, in bytes; a length of 0 means that there is no value.
@frozen
public struct Slice: Hashable, Sendable, BitwiseCopyable {
    public var offset: UInt32
    public var length: UInt32

    @inlinable
    public init(offset: UInt32, length: UInt32) {
        self.offset = offset
        self.length = length
    }

    @inlinable
    public init(from start: Int, to end: Int) {
        // The one place where an offset becomes one of 32 bits. Whoever fills an arena keeps it far below that.
        precondition(start >= 0 && end >= start && end <= Int(UInt32.max), "an arena of more than 4 GiB")
        self.init(offset: UInt32(truncatingIfNeeded: start), length: UInt32(truncatingIfNeeded: end - start))
    }

    @inlinable public static var none: Slice { Slice(offset: 0, length: 0) }
    @inlinable public var isNone: Bool { length == 0 }
}
