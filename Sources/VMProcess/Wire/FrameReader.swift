internal import CVMProcess
internal import FlatValue
internal import Platform

/// Takes frames from a socket; one thread calls it.
package struct FrameReader {
    private let socket: Int32
    private var buffer: [UInt8] = []
    private var position = 0
    /// Frames from here on are taken only where there is memory for them.
    private static let probedSize = 1 << 20
    /// What is received at once.
    private var piece = [UInt8](repeating: 0, count: 64 << 10)

    /// How often, every 10 ms, it looks for the memory for a frame before it gives up: what is under way may give some back.
    private let looks: Int
    private let isAdmitted: (Int) -> Admission

    /// Whether there is memory for a frame.
    package enum Admission {
        case admitted
        case later
        /// It is not needed any more.
        case never
    }

    /// - Parameter isAdmitted: whether there is memory for so many bytes.
    package init(socket: Int32, looks: Int, isAdmitted: @escaping (Int) -> Admission) {
        self.socket = socket
        self.looks = looks
        self.isAdmitted = isAdmitted
    }

    /// Waits for the next frame; nil when the other end is closed.
    package mutating func next() throws(FrameFault) -> WireFrame? {
        guard let head = try take(4) else { return nil }
        let length = Int(WireFrame.word(head, at: 0))
        guard length <= WireFrame.sizeLimit else { throw FrameFault("a frame of \(length) bytes") }
        // It is held in several copies on its way.
        guard length < Self.probedSize || isThereMemory(for: 4 * length) else {
            throw FrameFault("\(length) bytes, for which its host has no memory left (ulimit -v)", isOfReader: true)
        }
        guard let bytes = try take(length) else { throw FrameFault("a frame that is cut off") }
        // Most frames are small.
        if position == buffer.count, buffer.capacity > Self.probedSize { (buffer, position) = ([], 0) }
        return try WireFrame(decoding: bytes)
    }

    private func isThereMemory(for bytes: Int) -> Bool {
        for look in 1...max(looks, 1) {
            switch isAdmitted(bytes) {
            case .admitted: return true
            case .later: if look < looks { usleep(10_000) }
            case .never: return false
            }
        }
        return false
    }

    /// So many bytes; nil when the other end is closed before the first of them. Memory is taken as they come, not as they are
    /// announced.
    private mutating func take(_ count: Int) throws(FrameFault) -> [UInt8]? {
        while buffer.count - position < count {
            if position > 0 {
                buffer.removeFirst(position)
                position = 0
            }
            let received = piece.withUnsafeMutableBytes { vp_receive(socket, $0.baseAddress, $0.count) }
            if received <= 0 {
                if buffer.isEmpty { return nil }
                throw FrameFault("a frame that is cut off")
            }
            buffer.append(contentsOf: piece[..<received])
        }
        defer { position += count }
        return Array(buffer[position..<position + count])
    }
}
