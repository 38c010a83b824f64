extension JSONPrinter {
    mutating func write(integer: Int64) {
        if integer < 0 { arena.append(UInt8(ascii: "-")) }
        var rest = integer.magnitude
        var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
        withUnsafeMutableBytes(of: &digits) { buffer in
            var place = buffer.count
            repeat {
                place &-= 1
                buffer[place] = UInt8(truncatingIfNeeded: rest % 10) &+ UInt8(ascii: "0")
                rest /= 10
            } while rest > 0
            arena.append(UnsafeRawBufferPointer(rebasing: buffer[place...]))
        }
    }

    /// Swift's description is the shortest text that reads back the same, and JSON's grammar includes it.
    mutating func write(double: Double) {
        var text = double.description
        text.withUTF8 { arena.append(UnsafeRawBufferPointer($0)) }
    }

    /// Writes a quoted string; bytes that are not UTF-8 become U+FFFD, as JSON has no other way to carry them.
    mutating func write(string: UnsafeRawBufferPointer) {
        arena.append(UInt8(ascii: "\""))
        defer { arena.append(UInt8(ascii: "\"")) }
        guard var position = string.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
        let end = position + string.count
        var run = position
        while position < end {
            if end - position >= 8, JSONParser.isPlainASCII(UnsafeRawPointer(position).loadUnaligned(as: UInt64.self)) {
                position += 8
                continue
            }
            let byte = position[0]
            if byte >= 0x20 && byte < 0x80 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\") {
                position += 1
                continue
            }
            let length = UTF8Sequence.length(at: position, before: end)
            if length > 1 {
                position += length
                continue
            }
            arena.append(UnsafeRawBufferPointer(start: run, count: position - run))
            if length == 0 { writeReplacement() } else { write(escape: byte) }
            position += 1
            run = position
        }
        arena.append(UnsafeRawBufferPointer(start: run, count: position - run))
    }

    private mutating func writeReplacement() {
        for unit in "\u{FFFD}".utf8 { arena.append(unit) }
    }

    private mutating func write(escape byte: UInt8) {
        arena.append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): arena.append(byte)
        case 0x08: arena.append(UInt8(ascii: "b"))
        case 0x09: arena.append(UInt8(ascii: "t"))
        case 0x0A: arena.append(UInt8(ascii: "n"))
        case 0x0C: arena.append(UInt8(ascii: "f"))
        case 0x0D: arena.append(UInt8(ascii: "r"))
        default:
            for unit in "u00".utf8 { arena.append(unit) }
            arena.append(byte >> 4 &+ UInt8(ascii: "0"))
            let low = byte & 0x0F
            arena.append(low < 10 ? low &+ UInt8(ascii: "0") : low &- 10 &+ UInt8(ascii: "a"))
        }
    }
}
