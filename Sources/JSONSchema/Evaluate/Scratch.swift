internal import FlatValue

/// Memory for values that come into being during one validation; what lies in it never moves until all of it is freed.
struct Scratch {
    private var chunks: [UnsafeMutableRawBufferPointer] = []
    private var used = 0
    /// Where values are put together before they are copied.
    private var workshop = ByteArena()

    mutating func allocate(_ count: Int) -> UnsafeMutableRawPointer {
        if let last = chunks.last, last.count - used >= count {
            defer { used += count }
            return last.baseAddress.unsafelyUnwrapped + used
        }
        let chunk = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(count, chunks.isEmpty ? 512 : 8192), alignment: 1)
        chunks.append(chunk)
        used = count
        return chunk.baseAddress.unsafelyUnwrapped
    }

    mutating func deallocate() {
        for chunk in chunks { chunk.deallocate() }
        chunks = []
        workshop.deallocate()
    }

    /// Copies an encoded value.
    mutating func copy(_ bytes: UnsafeRawBufferPointer) -> ValueCursor {
        let memory = allocate(bytes.count)
        UnsafeMutableRawBufferPointer(start: memory, count: bytes.count).copyMemory(from: bytes)
        return ValueCursor(UnsafeRawPointer(memory))
    }

    mutating func copy(_ value: Value) -> ValueCursor { value.withBytes { copy($0) } }

    /// Keeps the value that `body` writes.
    mutating func copy(_ body: (inout ByteArena) -> Void) -> ValueCursor {
        workshop.count = 0
        body(&workshop)
        return copy(workshop.bytes)
    }
}
