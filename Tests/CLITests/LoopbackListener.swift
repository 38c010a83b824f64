import Platform
import Testing

/// A socket that listens on loopback, for tests that play a server badly. It accepts nobody by itself.
final class LoopbackListener: Sendable {
    let socket: Int32
    let port: Int

    /// - Parameter backlog: how many clients are connected before they are accepted.
    init(backlog: Int32 = 8) throws {
        let listener = Platform.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(listener, generic, length) == 0 && listen(listener, backlog) == 0
                    && getsockname(listener, generic, &length) == 0
            }
        }
        socket = listener
        port = Int(UInt16(bigEndian: address.sin_port))
        try #require(isListening)
    }

    deinit { close(socket) }
}
