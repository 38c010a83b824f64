internal import Platform
internal import Synchronization
internal import WorkflowEngine

/// A way to a database on 127.0.0.1 on which a chosen answer gets lost: the server has done what it was asked, and the connection
/// breaks before the client hears of it. Connections must not be encrypted.
final class LossyWay: Sendable {
    private struct State {
        /// How many answers still arrive before one is lost; nil to lose none.
        var left: Int?
        /// What the answers have in them that count.
        var mark: [UInt8] = []
        var isShut = false
        var onLoss: (@Sendable () -> Void)?
    }

    let port: Int
    private let listener: Int32
    private let target: Int
    private let state = Mutex(State())

    /// - Parameter target: the port of the database.
    init(to target: Int) {
        self.target = target
        let listener = Self.makeSocket()
        var address = Self.address(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let port = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                precondition(bind(listener, address, length) == 0 && listen(listener, 64) == 0)
                getsockname(listener, address, &length)
                return UnsafeRawPointer(address).assumingMemoryBound(to: sockaddr_in.self).pointee.sin_port
            }
        }
        self.port = Int(UInt16(bigEndian: port))
        self.listener = listener
        WorkerThread.start { [weak self] in
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { break }
                guard let self, let server = self.connect() else {
                    close(client)
                    continue
                }
                WorkerThread.start { Self.copy(from: client, to: server) }
                WorkerThread.start { self.answer(from: server, to: client) }
            }
            close(listener)
        }
    }

    deinit { shutdown(listener, Int32(SHUT_RDWR)) }

    /// Loses one answer, after so many have arrived; `onLoss` is called when the server has done what the answer is to.
    ///
    /// - Parameter mark: only answers with this in them count.
    func lose(after count: Int, with mark: String = "", _ onLoss: (@Sendable () -> Void)? = nil) {
        state.withLock {
            $0.left = count
            $0.mark = Array(mark.utf8)
            $0.onLoss = onLoss
        }
    }

    /// Loses nothing any more; whether an answer was lost.
    func stopLosing() -> Bool {
        state.withLock { state in
            defer { state.left = nil }
            return state.left == nil
        }
    }

    /// Whether no connection comes about.
    var isShut: Bool {
        get { state.withLock { $0.isShut } }
        set { state.withLock { $0.isShut = newValue } }
    }

    // MARK: Connections

    private func connect() -> Int32? {
        if isShut { return nil }
        let server = Self.makeSocket()
        var address = Self.address(target)
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                #if canImport(Darwin)
                    Darwin.connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                #elseif canImport(Musl)
                    Musl.connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                #else
                    Glibc.connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                #endif
            }
        }
        if status == 0 { return server }
        close(server)
        return nil
    }

    /// Passes what the server says on, an answer as a whole; until one is lost, or the server has nothing more to say.
    private func answer(from server: Int32, to client: Int32) {
        defer {
            for socket in [client, server] { shutdown(socket, Int32(SHUT_RDWR)) }
            close(client)
        }
        var (pending, buffer): ([UInt8], [UInt8]) = ([], Array(repeating: 0, count: 65536))
        var next = 0
        while true {
            let count = read(server, &buffer, buffer.count)
            guard count > 0 else { return Self.send(pending[...], to: client) }
            pending += buffer[..<count]
            // A message: its kind, and in four bytes the length of the rest with these four.
            while pending.count >= next + 5 {
                let length = pending[next + 1..<next + 5].reduce(0) { $0 << 8 | Int($1) }
                guard pending.count > next + length else { break }
                let isEnd = pending[next] == UInt8(ascii: "Z")
                next += 1 + length
                guard isEnd else { continue }
                if isLost(pending[..<next]) { return }
                Self.send(pending[..<next], to: client)
                pending = Array(pending[next...])
                next = 0
            }
        }
    }

    private func isLost(_ answer: ArraySlice<UInt8>) -> Bool {
        let onLoss = state.withLock { state -> (@Sendable () -> Void)? in
            guard let left = state.left, state.mark.isEmpty || answer.contains(state.mark) else { return nil }
            if left > 0 {
                state.left = left - 1
                return nil
            }
            state.left = nil
            return state.onLoss ?? {}
        }
        onLoss?()
        return onLoss != nil
    }

    private static func copy(from client: Int32, to server: Int32) {
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = read(client, &buffer, buffer.count)
            guard count > 0 else { break }
            send(buffer[..<count], to: server)
        }
        shutdown(server, Int32(SHUT_RDWR))
        close(server)
    }

    private static func send(_ bytes: ArraySlice<UInt8>, to socket: Int32) {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { sendBytes(socket, $0) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    private static func sendBytes(_ socket: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        #if canImport(Darwin)
            Darwin.send(socket, bytes.baseAddress, bytes.count, 0)
        #elseif canImport(Musl)
            Musl.send(socket, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        #else
            Glibc.send(socket, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        #endif
    }

    private static func makeSocket() -> Int32 {
        #if canImport(Glibc)
            socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #else
            socket(AF_INET, SOCK_STREAM, 0)
        #endif
    }

    private static func address(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = UInt16(port).bigEndian
        return address
    }
}
