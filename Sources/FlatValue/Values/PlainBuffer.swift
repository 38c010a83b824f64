/// A row of plain values that belongs to one owner: an array without reference counts and uniqueness checks.
///
/// What a step touches lies in such rows. An array costs two atomic operations each time that it is reached through an
/// object, and a header of 32 bytes; this is one block of memory that is freed with its owner. It cannot be copied by
/// accident: ``copy()`` says so. An index outside the row ends the process, as an array's does.
///
/// Public because the compiler inlines nothing less into other modules.
@frozen
public struct PlainBuffer<Element: BitwiseCopyable>: ~Copyable {
    @usableFromInline var base: UnsafeMutablePointer<Element>?
    @usableFromInline var length: Int32 = 0
    @usableFromInline var capacity: Int32 = 0

    @inlinable
    public init() {}

    @inlinable
    public init(_ elements: some Collection<Element>) {
        reserve(elements.count)
        for element in elements { append(element) }
    }

    @inlinable
    public init(repeating element: Element, count: Int) {
        reserve(count)
        base?.initialize(repeating: element, count: count)
        length = Int32(count)
    }

    @inlinable
    deinit { base?.deallocate() }

    @inlinable @inline(__always) public var count: Int { Int(length) }
    @inlinable @inline(__always) public var isEmpty: Bool { length == 0 }
    @inlinable @inline(__always) public var indices: Range<Int> { 0..<Int(length) }
    /// The bytes that are held, in use or not.
    package var allocatedBytes: Int { Int(capacity) * MemoryLayout<Element>.stride }

    /// The elements in place; valid until the row changes.
    @inlinable @inline(__always)
    package var elements: UnsafeBufferPointer<Element> { UnsafeBufferPointer(start: base, count: Int(length)) }

    @inlinable
    public subscript(index: Int) -> Element {
        @inline(__always) get { address(of: index).pointee }
        @inline(__always) unsafeMutableAddress { address(of: index) }
    }

    @inlinable @inline(__always)
    func address(of index: Int) -> UnsafeMutablePointer<Element> {
        precondition(UInt(bitPattern: index) < UInt(bitPattern: Int(length)), "index outside the row")
        return base.unsafelyUnwrapped + index
    }

    @inlinable @inline(__always)
    public mutating func append(_ element: Element) {
        if length == capacity { grow(to: max(Int(capacity) * 2, 4)) }
        (base.unsafelyUnwrapped + Int(length)).initialize(to: element)
        length &+= 1
    }

    /// Makes room for as many elements in all.
    @inlinable @inline(__always)
    public mutating func reserve(_ count: Int) {
        if count > Int(capacity) { grow(to: count) }
    }

    package mutating func remove(at index: Int) {
        let place = address(of: index)
        place.update(from: place + 1, count: Int(length) - index - 1)
        length -= 1
    }

    /// Empties the row and keeps its memory.
    @inlinable @inline(__always)
    public mutating func removeAll() { length = 0 }

    /// Gives back the memory that is not in use.
    package mutating func trim() {
        if length < capacity { grow(to: Int(length)) }
    }

    @usableFromInline
    mutating func grow(to wanted: Int) {
        let old = base
        base = wanted == 0 ? nil : .allocate(capacity: wanted)
        if let old {
            base?.moveInitialize(from: old, count: Int(length))
            old.deallocate()
        }
        capacity = Int32(wanted)
    }

    package func copy() -> PlainBuffer { PlainBuffer(elements) }
}

extension PlainBuffer where Element: Equatable {
    package static func == (left: borrowing PlainBuffer, right: borrowing PlainBuffer) -> Bool {
        left.elements.elementsEqual(right.elements)
    }
}

// Whoever may change a row owns it alone.
extension PlainBuffer: @unchecked Sendable where Element: Sendable {}
