extension Value {
    /// The largest encoding of one value, in bytes.
    public static let maximumByteCount = 64 << 20
    /// The most containers that lie within each other.
    public static let maximumDepth = 128

    /// Copies bytes that come from outside, after checking that they are exactly one well-formed value.
    ///
    /// Checked are tags, lengths, counts, depth, size, finite numbers and unique keys. Strings may hold any bytes.
    public init(validating bytes: UnsafeRawBufferPointer) throws(MalformedValue) {
        try ValueCheck.check(bytes)
        self.init(storage: Array(bytes))
    }

    public init(validating bytes: [UInt8]) throws(MalformedValue) {
        try self.init(bytes, limit: Self.maximumByteCount)
    }

    /// The same for a value of any size.
    package init(validatingAnySize bytes: [UInt8]) throws(MalformedValue) { try self.init(bytes, limit: .max) }

    private init(_ bytes: [UInt8], limit: Int) throws(MalformedValue) {
        var fault: MalformedValue?
        bytes.withUnsafeBytes { buffer in
            do throws(MalformedValue) { try ValueCheck.check(buffer, limit: limit) } catch { fault = error }
        }
        if let fault { throw fault }
        self.init(storage: bytes)
    }
}

extension Value {
    /// What is wrong with bytes as one encoded value of any size; nil for nothing.
    package static func fault(in bytes: UnsafeRawBufferPointer) -> MalformedValue? {
        do throws(MalformedValue) {
            try ValueCheck.check(bytes, limit: .max)
            return nil
        } catch {
            return error
        }
    }
}

/// Why bytes are not one encoded value, and at which of them.
public struct MalformedValue: Error, Equatable, Sendable, CustomStringConvertible {
    public let offset: Int
    public let message: String
    public var description: String { "malformed value at byte \(offset): \(message)" }
}

/// Walks untrusted bytes without reading beyond them.
private struct ValueCheck {
    let bytes: UnsafeRawBufferPointer
    var position = 0

    static func check(_ bytes: UnsafeRawBufferPointer, limit: Int = Value.maximumByteCount) throws(MalformedValue) {
        var check = ValueCheck(bytes: bytes)
        if bytes.count > limit { throw check.fault("larger than \(limit >> 20) MiB") }
        try check.value(depth: 0)
        if check.position != bytes.count { throw check.fault("bytes after the value") }
    }

    func fault(_ message: String) -> MalformedValue { MalformedValue(offset: position, message: message) }

    mutating func word() throws(MalformedValue) -> Int {
        try need(4)
        defer { position += 4 }
        return Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self)))
    }

    func need(_ length: Int) throws(MalformedValue) {
        if bytes.count - position < length { throw fault("the value ends early") }
    }

    mutating func skip(_ length: Int) throws(MalformedValue) {
        try need(length)
        position += length
    }

    mutating func value(depth: Int) throws(MalformedValue) {
        try need(1)
        guard let tag = ValueTag(rawValue: bytes[position]) else { throw fault("unknown tag \(bytes[position])") }
        if depth >= Value.maximumDepth, tag == .array || tag == .object {
            throw fault("nested more than \(Value.maximumDepth) levels deep")
        }
        position += 1
        switch tag {
        case .null, .false, .true, .emptyTable: return
        case .int: try skip(8)
        case .double:
            try need(8)
            let bits = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            if !Double(bitPattern: bits).isFinite { throw fault("a number that is not finite") }
            position += 8
        case .string: try skip(try word())
        case .array, .object:
            let count = try word()
            let length = try word()
            try need(length)
            let first = position
            for _ in 0..<count {
                if tag == .object { try skip(try word()) }
                try value(depth: depth + 1)
                if position > first + length { throw fault("a container longer than it says") }
            }
            if position != first + length { throw fault("a container shorter than it says") }
            if tag == .object {
                let start = bytes.baseAddress.unsafelyUnwrapped + first
                if ValueEntries(at: start, remaining: count).hasDuplicateKeys { throw fault("a key comes twice") }
            }
        }
    }
}
