internal import CHostSystem
internal import Platform

/// An error number of the system.
struct SystemError: Error, Equatable {
    var number: Int32

    init(_ number: Int32) { self.number = number }

    /// The system's words for it.
    var message: String { String(cString: strerror(number)) }
}

/// Reading descriptors that this process owns, and making them.
enum Descriptor {
    /// All that can be read; nil where it is more than `limit` bytes or reading fails. A pipe is read until it ends.
    static func readAll(_ descriptor: Int32, limit: Int) -> [UInt8]? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = chunk.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count == 0 { return bytes }
            if count < 0 {
                if errno == EINTR { continue }
                return nil
            }
            if bytes.count + count > limit { return nil }
            bytes += chunk[..<count]
        }
    }

    /// Writes all bytes to a file.
    static func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) throws(SystemError) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { bytes in
                bytes.baseAddress.map { write(descriptor, $0 + done, bytes.count - done) } ?? 0
            }
            if count < 0, errno != EINTR { throw SystemError(errno) }
            done += max(count, 0)
        }
    }

    /// The two ends of a pipe, closed in programs that this process starts.
    static func pipe() throws(SystemError) -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [-1, -1]
        let status = hs_pipe(&ends)
        if status != 0 { throw SystemError(status) }
        return (ends[0], ends[1])
    }
}
