import Foundation
import Platform

/// Stands in for the two services of examples/weather.lua, on 127.0.0.1.
final class WeatherService: Sendable {
    let base: String
    private let listener: Int32

    /// - Parameter answer: the status and the JSON for a path with its query; one call at a time.
    convenience init(_ answer: @escaping @Sendable (String) -> (Int, String)) throws {
        try self.init(heads: { head in
            let words = head.split(separator: " ", maxSplits: 2)
            return words.count == 3 ? answer(String(words[1])) : (400, "{}")
        })
    }

    /// - Parameter answer: the status and the JSON for the head of a request: its line and its headers.
    @_disfavoredOverload
    init(heads answer: @escaping @Sendable (String) -> (Int, String)) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let port = try withUnsafeMutablePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                guard bind(listener, address, length) == 0, listen(listener, 8) == 0,
                    getsockname(listener, address, &length) == 0
                else { throw POSIXError(.EADDRNOTAVAIL) }
                return UnsafeRawPointer(address).assumingMemoryBound(to: sockaddr_in.self).pointee.sin_port
            }
        }
        self.listener = listener
        base = "http://127.0.0.1:\(UInt16(bigEndian: port))"
        Thread.detachNewThread {
            while case let connection = accept(listener, nil, nil), connection >= 0 {
                Self.serve(connection, answer)
                close(connection)
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    private static func serve(_ connection: Int32, _ answer: (String) -> (Int, String)) {
        var head = Data()
        var chunk = [UInt8](repeating: 0, count: 4096)
        while !head.contains("\r\n\r\n") {
            let count = recv(connection, &chunk, chunk.count, 0)
            guard count > 0 else { return }
            head.append(contentsOf: chunk[..<count])
        }
        let (status, json) = answer(String(decoding: head, as: UTF8.self))
        let reply = "HTTP/1.1 \(status) Test\r\nContent-Length: \(json.utf8.count)\r\nConnection: close\r\n\r\n\(json)"
        _ = Array(reply.utf8).withUnsafeBytes { send(connection, $0.baseAddress, $0.count, 0) }
    }
}

extension Data {
    fileprivate func contains(_ text: String) -> Bool { range(of: Data(text.utf8)) != nil }
}
