/// The one place that knows which bytes are UTF-8 (RFC 3629).
package enum UTF8Sequence {
    /// The length of the well-formed sequence at `position`, or 0.
    @inline(__always)
    static func length(at position: UnsafePointer<UInt8>, before end: UnsafePointer<UInt8>) -> Int {
        let first = position[0]
        if first < 0x80 { return 1 }
        let available = end - position
        @inline(__always) func continues(_ index: Int) -> Bool { position[index] & 0xC0 == 0x80 }
        switch first {
        case 0xC2...0xDF:
            return available >= 2 && continues(1) ? 2 : 0
        case 0xE0...0xEF:
            guard available >= 3, continues(1), continues(2) else { return 0 }
            // Overlong forms and surrogates are not UTF-8.
            if first == 0xE0 && position[1] < 0xA0 || first == 0xED && position[1] > 0x9F { return 0 }
            return 3
        case 0xF0...0xF4:
            guard available >= 4, continues(1), continues(2), continues(3) else { return 0 }
            if first == 0xF0 && position[1] < 0x90 || first == 0xF4 && position[1] > 0x8F { return 0 }
            return 4
        default:
            return 0
        }
    }

    package static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard var position = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return true }
        let end = position + bytes.count
        while position < end {
            let length = length(at: position, before: end)
            if length == 0 { return false }
            position += length
        }
        return true
    }

    /// The number of Unicode scalars in well-formed text.
    @inline(__always)
    package static func scalarCount(_ bytes: UnsafeRawBufferPointer) -> Int {
        var count = 0
        for byte in bytes where byte & 0xC0 != 0x80 { count &+= 1 }
        return count
    }
}
