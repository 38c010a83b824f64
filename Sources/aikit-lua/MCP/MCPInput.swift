internal import Platform
internal import WorkflowCore

/// The lines of standard input, each with a bounded length.
struct MCPInput {
    enum Line {
        case text([UInt8])
        /// It had more bytes than are taken.
        case tooLong
    }

    private let limit: Int
    private var bytes: [UInt8] = []
    /// How many of the bytes have been looked at without a line end.
    private var searched = 0
    private var isSkipping = false
    private var isAtEnd = false

    /// - Parameter limit: the longest line, in bytes.
    init(limit: Int) { self.limit = limit }

    /// Waits for the next line; nil at the end, where a line without its end is none.
    mutating func next() -> Line? {
        while true {
            if let end = bytes[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                let line = Array(bytes[..<end])
                bytes.removeSubrange(...end)
                searched = 0
                if isSkipping {
                    isSkipping = false
                    return .tooLong
                }
                if line.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }) { continue }
                return .text(line)
            }
            searched = bytes.count
            if bytes.count > limit {
                isSkipping = true
                bytes = []
                searched = 0
            }
            if isAtEnd || !fill() { return nil }
        }
    }

    private mutating func fill() -> Bool {
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = chunk.withUnsafeMutableBytes { read(0, $0.baseAddress, $0.count) }
            if count > 0 {
                bytes += chunk[..<count]
                return true
            }
            if count < 0, errno == EINTR { continue }
            isAtEnd = true
            return false
        }
    }
}
