internal import CPostgres
internal import FlatValue
internal import WorkflowCore

/// The parameters of one statement, in PostgreSQL's binary format. It may be filled again and again, and keeps its
/// memory.
final class Parameters {
    private var bytes = ByteArena()
    /// Where each parameter lies in `bytes`; nil for NULL.
    private var places: [Range<Int>?] = []
    /// The array that is being filled.
    private var array: (start: Int, count: Int32, hasNull: Bool)?

    deinit { bytes.deallocate() }

    /// How many bytes there are in all.
    var size: Int { bytes.count }

    func empty() {
        bytes.count = 0
        places.removeAll(keepingCapacity: true)
        array = nil
    }

    // MARK: Single values

    @discardableResult
    func add(_ value: Int64) -> Self { adding { $0.append(word: value.byteSwapped) } }

    @discardableResult
    func add(optional value: Int64?) -> Self {
        if let value { return add(value) }
        places.append(nil)
        return self
    }

    @discardableResult
    func add(_ text: String?) -> Self {
        guard var text else {
            places.append(nil)
            return self
        }
        return adding { bytes in text.withUTF8 { bytes.append(UnsafeRawBufferPointer($0)) } }
    }

    @discardableResult
    func add(_ value: UnsafeRawBufferPointer) -> Self { adding { $0.append(value) } }

    @discardableResult
    func add(_ value: [UInt8]) -> Self { adding { bytes in value.withUnsafeBytes { bytes.append($0) } } }

    @discardableResult
    func add(_ texts: [String]) -> Self {
        beginArray(of: .text)
        for text in texts { append(text) }
        return endArray()
    }

    @discardableResult
    func add(_ numbers: [Int64]) -> Self {
        beginArray(of: .int8)
        for number in numbers { append(number) }
        return endArray()
    }

    private func adding(_ write: (inout ByteArena) -> Void) -> Self {
        let start = bytes.count
        write(&bytes)
        places.append(start..<bytes.count)
        return self
    }

    // MARK: Arrays

    /// The types of elements, by PostgreSQL's numbers for them.
    enum Element: UInt32 {
        case bytea = 17
        case int8 = 20
        case int2 = 21
        case int4 = 23
        case text = 25
        case bool = 16
    }

    /// Begins an array of one dimension, to which elements are appended until ``endArray()``.
    func beginArray(of element: Element) {
        array = (bytes.count, 0, false)
        bytes.append(word: UInt32(1).byteSwapped)
        bytes.append(word: UInt32(0))
        bytes.append(word: element.rawValue.byteSwapped)
        bytes.append(word: UInt32(0))
        bytes.append(word: UInt32(1).byteSwapped)
    }

    @inline(__always)
    func append<Number: FixedWidthInteger>(_ number: Number) {
        array?.count &+= 1
        bytes.append(word: UInt32(truncatingIfNeeded: MemoryLayout<Number>.size).byteSwapped)
        bytes.append(word: number.byteSwapped)
    }

    func append(_ flag: Bool) { append(flag ? 1 : 0 as UInt8) }

    /// Appends fewer bytes than 2 GiB.
    @inline(__always)
    func append(_ value: UnsafeRawBufferPointer) {
        array?.count &+= 1
        bytes.append(word: UInt32(truncatingIfNeeded: value.count).byteSwapped)
        bytes.append(value)
    }

    func append(_ text: String?) {
        guard var text else { return appendNull() }
        text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    func append(_ value: [UInt8]?) {
        guard let value else { return appendNull() }
        value.withUnsafeBytes { append($0) }
    }

    func appendNull() {
        array?.count &+= 1
        array?.hasNull = true
        bytes.append(word: UInt32.max)
    }

    @discardableResult
    func endArray() -> Self {
        guard let array else { return self }
        bytes.patch((array.hasNull ? 1 : 0 as UInt32).byteSwapped, at: array.start + 4)
        bytes.patch(UInt32(bitPattern: array.count).byteSwapped, at: array.start + 12)
        places.append(array.start..<bytes.count)
        self.array = nil
        return self
    }

    /// Calls `body` with the parameters as libpq takes them. They must be fewer bytes than 2 GiB each.
    func withValues<Result>(_ body: (UnsafePointer<cpg_value>?, Int32) -> Result) -> Result {
        let empty: UnsafeRawPointer = UnsafeRawPointer(Self.emptyValue)
        let values = places.map { place -> cpg_value in
            guard let place else { return cpg_value(bytes: nil, length: 0, binary: true) }
            let start = place.isEmpty ? empty : bytes.bytes.baseAddress.map { $0 + place.lowerBound }
            return cpg_value(bytes: start, length: Int32(clamping: place.count), binary: true)
        }
        return values.withUnsafeBufferPointer { body($0.baseAddress, Int32(clamping: $0.count)) }
    }

    /// A place in memory for values without bytes, which are not NULL.
    private nonisolated(unsafe) static let emptyValue = UnsafeMutablePointer<UInt8>.allocate(capacity: 1)
}
