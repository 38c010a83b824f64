/// A 64-bit checksum of an entry, by which bytes that have changed on the disk are found.
///
/// The sums of events and values are combined so that either can be replaced alone. It is no protection against somebody who
/// changes a store on purpose; for that the decoder checks everything.
package struct Checksum {
    package static func of(events: UnsafeRawBufferPointer, arena: UnsafeRawBufferPointer) -> Int64 {
        Int64(bitPattern: sum(events, seed: 1) ^ sum(arena, seed: 2))
    }

    /// The checksum of an entry whose events have been replaced.
    package static func replacing(_ old: UnsafeRawBufferPointer, by new: UnsafeRawBufferPointer, in checksum: Int64)
        -> Int64
    {
        checksum ^ Int64(bitPattern: sum(old, seed: 1) ^ sum(new, seed: 1))
    }

    private static func sum(_ bytes: UnsafeRawBufferPointer, seed: UInt64) -> UInt64 {
        var hash = seed &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(bytes.count)
        var offset = 0
        while offset + 8 <= bytes.count {
            mix(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)), into: &hash)
            offset += 8
        }
        var rest: UInt64 = 0
        while offset < bytes.count {
            rest = rest << 8 | UInt64(bytes[offset])
            offset += 1
        }
        mix(rest, into: &hash)
        return hash
    }

    @inline(__always)
    private static func mix(_ word: UInt64, into hash: inout UInt64) {
        let product = (hash ^ word).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
        hash = product.high ^ product.low
    }
}
