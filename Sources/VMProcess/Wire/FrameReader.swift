internal import CVMProcess

/// Takes frames from a socket; one thread calls it.
package struct FrameReader {
    private let socket: Int32
    private var buffer: [UInt8] = []
    private var position = 0

    /// How much is asked for at once, in bytes.
    private static let piece = 64 << 10

    package init(socket: Int32) { self.socket = socket }

    /// Waits for the next frame; nil when the other end is closed.
    package mutating func next() throws(FrameFault) -> Frame? {
        guard let head = try take(4) else { return nil }
        let length = Int(Frame.word(head, at: 0))
        guard length <= Frame.sizeLimit else { throw FrameFault("a frame of \(length) bytes") }
        guard let bytes = try take(length) else { throw FrameFault("a frame that is cut off") }
        return try Frame(decoding: bytes)
    }

    /// So many bytes; nil when the other end is closed before the first of them. Memory is taken as they come, not as they are
    /// announced.
    private mutating func take(_ count: Int) throws(FrameFault) -> [UInt8]? {
        while buffer.count - position < count {
            if position > 0 {
                buffer.removeFirst(position)
                position = 0
            }
            let before = buffer.count
            let wanted = max(Self.piece, min(count - before, 16 * Self.piece))
            buffer.append(contentsOf: repeatElement(0, count: wanted))
            let received = buffer.withUnsafeMutableBytes {
                vp_receive(socket, $0.baseAddress.map { $0 + before }, wanted)
            }
            buffer.removeLast(wanted - max(received, 0))
            if received <= 0 {
                if before == 0 { return nil }
                throw FrameFault("a frame that is cut off")
            }
        }
        defer { position += count }
        return Array(buffer[position..<position + count])
    }
}
