import Platform
import Synchronization
import WorkflowEngine

/// A real HTTP server on 127.0.0.1 whose answers are written by the test, one connection a request unless it is kept.
final class LoopbackServer: Sendable {
    struct Request: Sendable {
        /// `GET /path?query`.
        var line: String
        /// By name in lower case.
        var headers: [String: String]
        var body: [UInt8]
    }

    enum Reply: Sendable {
        /// A status, headers and a body with its length.
        case full(Int, [String: String], [UInt8])
        /// These bytes as they are, and the end of the connection.
        case raw(String)
        /// The same, though not text.
        case bytes([UInt8])
        /// A whole answer with a body, after which the connection waits for the next request.
        case kept(String)
        /// A whole answer with a body that promises another one; the connection ends with the next request unanswered.
        case keptOnce(String)
        /// A beginning, then nothing, until the other side goes away.
        case stuck(String)
        /// A beginning, then the same bytes over and over, until the other side goes away.
        case endless(String, String)
        /// Nothing, until the other side goes away.
        case silence

        static func text(_ text: String, status: Int = 200) -> Reply { .full(status, [:], Array(text.utf8)) }
        static func redirect(_ status: Int, to location: String) -> Reply { .full(status, ["Location": location], []) }
    }

    let port: Int
    private let listener: Int32
    private let seen = Mutex<[Request]>([])
    private let departures = Mutex<Int>(0)
    private let open = Mutex<Set<Int32>>([])
    private let arrivals = Mutex<Int>(0)

    var requests: [Request] { seen.withLock { $0 } }
    /// How many clients went away while they were left without an answer.
    var abandoned: Int { departures.withLock { $0 } }

    /// How many connections were made.
    var connections: Int { arrivals.withLock { $0 } }

    var base: String { "http://127.0.0.1:\(port)" }

    init(_ handler: @escaping @Sendable (Request) -> Reply) {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let port = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                precondition(bind(listener, address, length) == 0 && listen(listener, 64) == 0)
                getsockname(listener, address, &length)
                return UnsafeRawPointer(address).assumingMemoryBound(to: sockaddr_in.self).pointee.sin_port
            }
        }
        self.listener = listener
        self.port = Int(UInt16(bigEndian: port))
        Self.detach { [weak self] in
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else {
                    close(listener)
                    return
                }
                Self.detach { [weak self] in
                    self?.arrivals.withLock { $0 += 1 }
                    while self?.serve(connection, handler) == true {}
                    close(connection)
                }
            }
        }
    }

    /// Wakes the thread that accepts, which closes the socket: its number must not be used again before.
    deinit { shutdown(listener, Int32(SHUT_RDWR)) }

    /// Ends the connections that are left without an answer.
    func hangUp() { open.withLock { for connection in $0 { shutdown(connection, Int32(SHUT_RDWR)) } } }

    /// Whether the connection waits for another request.
    private func serve(_ connection: Int32, _ handler: (Request) -> Reply) -> Bool {
        guard let request = Self.read(connection) else { return false }
        seen.withLock { $0.append(request) }
        let reply = handler(request)
        switch reply {
        case .full(let status, let headers, let body):
            var head = "HTTP/1.1 \(status) Test\r\nContent-Length: \(body.count)\r\nConnection: close\r\n"
            for (name, value) in headers { head += "\(name): \(value)\r\n" }
            Self.send(connection, Array((head + "\r\n").utf8) + (request.line.hasPrefix("HEAD") ? [] : body))
        case .raw(let text): Self.send(connection, Array(text.utf8))
        case .silence, .stuck:
            if case .stuck(let start) = reply { Self.send(connection, Array(start.utf8)) }
            open.withLock { _ = $0.insert(connection) }
            defer { open.withLock { _ = $0.remove(connection) } }
            var byte: UInt8 = 0
            if recv(connection, &byte, 1, 0) <= 0 { departures.withLock { $0 += 1 } }
        case .bytes(let bytes): Self.send(connection, bytes)
        case .kept(let body):
            Self.send(connection, Array("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8))
            return true
        case .keptOnce(let body):
            Self.send(connection, Array("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8))
            _ = Self.read(connection)
        case .endless(let head, let part):
            guard Self.send(connection, Array(head.utf8)) else { return false }
            while Self.send(connection, Array(part.utf8)) {}
            departures.withLock { $0 += 1 }
        }
        return false
    }

    private static func read(_ connection: Int32) -> Request? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        func more() -> Bool {
            let count = recv(connection, &chunk, chunk.count, 0)
            guard count > 0 else { return false }
            bytes += chunk[..<count]
            return true
        }
        func headEnd() -> Int? {
            bytes.indices.dropLast(3).first { Array(bytes[$0..<$0 + 4]) == [13, 10, 13, 10] }.map { $0 + 4 }
        }
        while headEnd() == nil {
            // A client that speaks TLS waits for an answer in TLS.
            guard more(), bytes[0] != 0x16 else { return nil }
        }
        let end = headEnd() ?? 0
        let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 { headers[parts[0].lowercased()] = String(parts[1].drop { $0 == " " }) }
        }
        let length = headers["content-length"].flatMap { Int($0) } ?? 0
        while bytes.count < end + length { guard more() else { return nil } }
        let line = lines.first.map { $0.split(separator: " ").prefix(2).joined(separator: " ") } ?? ""
        return Request(line: line, headers: headers, body: Array(bytes[end..<end + length]))
    }

    /// Whether all was taken.
    @discardableResult
    private static func send(_ connection: Int32, _ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { platformSend(connection, $0) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private static func platformSend(_ connection: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        #if canImport(Darwin)
            Darwin.send(connection, bytes.baseAddress, bytes.count, 0)
        #elseif canImport(Musl)
            Musl.send(connection, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        #else
            Glibc.send(connection, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        #endif
    }

    private static func detach(_ body: @escaping @Sendable () -> Void) {
        WorkerThread.start(body)
    }
}
