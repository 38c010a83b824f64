internal import Crypto
internal import FlatValue
internal import WorkflowCore

/// A piece of an entry's arena bytes that is stored once for all entries, by its SHA-256.
package struct LargePayload {
    /// Where it lies in the entry's arena bytes.
    package var range: Range<Int>
    package var hash: [UInt8]

    static let hashSize = 32
    /// Offset and length as 32-bit numbers, then the hash.
    static let encodedSize = 8 + hashSize

    package static func hash(of bytes: UnsafeRawBufferPointer) -> [UInt8] {
        var hash = SHA256()
        hash.update(bufferPointer: bytes)
        return Array(hash.finalize())
    }

    /// The payloads of an entry's events that are large and came with the entry itself, in order.
    ///
    /// - Parameter start: how many arena bytes the run has before the entry.
    package static func find(
        events: UnsafeRawBufferPointer, arena: UnsafeRawBufferPointer, start: Int, from size: Int
    ) -> [LargePayload] {
        var ranges: [Range<Int>] = []
        for offset in stride(from: 0, to: events.count, by: MemoryLayout<Event>.stride) {
            let slice = events.loadUnaligned(fromByteOffset: offset, as: Event.self).payload
            let lower = Int(slice.offset) - start
            if slice.length >= size, lower >= 0, lower + Int(slice.length) <= arena.count {
                ranges.append(lower..<lower + Int(slice.length))
            }
        }
        ranges.sort { ($0.lowerBound, $1.count) < ($1.lowerBound, $0.count) }
        var payloads: [LargePayload] = []
        for range in ranges where range.lowerBound >= payloads.last?.range.upperBound ?? 0 {
            payloads.append(
                LargePayload(range: range, hash: hash(of: UnsafeRawBufferPointer(rebasing: arena[range]))))
        }
        return payloads
    }

    /// The arena bytes of an entry without its large payloads.
    package static func remainder(of arena: UnsafeRawBufferPointer, without payloads: [LargePayload]) -> [UInt8] {
        var remainder: [UInt8] = []
        var position = 0
        for payload in payloads {
            remainder.append(contentsOf: arena[position..<payload.range.lowerBound])
            position = payload.range.upperBound
        }
        remainder.append(contentsOf: arena[position...])
        return remainder
    }

    package static func encode(_ payloads: [LargePayload]) -> [UInt8] {
        payloads.flatMap { payload in
            word(payload.range.lowerBound) + word(payload.range.count) + payload.hash
        }
    }

    package static func decode(_ bytes: UnsafeRawBufferPointer) -> [LargePayload] {
        stride(from: 0, to: bytes.count - encodedSize + 1, by: encodedSize).map { offset in
            let lower = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
            let count = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)))
            return LargePayload(range: lower..<lower + count, hash: Array(bytes[(offset + 8)..<(offset + encodedSize)]))
        }
    }

    private static func word(_ value: Int) -> [UInt8] {
        withUnsafeBytes(of: UInt32(truncatingIfNeeded: value).littleEndian, Array.init)
    }
}
