import Foundation
import Platform

/// A connection of a client that sends what it likes; its functions block.
struct RawConnection: Sendable {
    private let descriptor: Int32

    /// Nil where nobody listens.
    ///
    /// - Parameter room: how many bytes may wait to be read, about; nil for what the system gives.
    init?(port: Int, room: Int32? = nil) {
        #if canImport(Darwin)
            descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #else
            descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #endif
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port)).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let descriptor = descriptor
        if var room { setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &room, socklen_t(MemoryLayout<Int32>.size)) }
        let isConnected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else {
            close()
            return nil
        }
    }

    func say(_ text: String) { say(bytes: Array(text.utf8)) }
    func say(bytes: [UInt8]) { _ = bytes.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, 0) } }

    /// Sends nothing more, and still reads.
    func endOutput() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// What comes next, to the end of the connection or as long as `goesOn` holds of it.
    func hear(while goesOn: (String) -> Bool = { _ in true }) -> String {
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while goesOn(String(decoding: answer, as: UTF8.self)) {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            answer += buffer[..<count]
        }
        return String(decoding: answer, as: UTF8.self)
    }

    /// How many bytes come to the end of the connection.
    func drain() -> Int {
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        var length = 0
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return length }
            length += count
        }
    }

    func close() { Platform.close(descriptor) }

    /// Closes it as a client does that crashed.
    func reset() {
        var now = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    /// What a server says to texts until it closes the connection; each is sent when the one before is answered.
    static func conversation(_ texts: String..., port: Int) async -> String {
        await conversation(of: texts.map { Array($0.utf8) }, port: port)
    }

    /// ``conversation(_:port:)`` of bytes that need be no text.
    static func conversation(of texts: [[UInt8]], port: Int) async -> String {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                guard let connection = RawConnection(port: port) else {
                    return continuation.resume(returning: "no connection")
                }
                defer { connection.close() }
                var answer = ""
                for text in texts.dropLast() {
                    connection.say(bytes: text)
                    answer += connection.hear { $0.isEmpty }
                }
                connection.say(bytes: texts.last ?? [])
                continuation.resume(returning: answer + connection.hear())
            }
        }
    }
}
