internal import AsyncHTTPClient
internal import NIOCore
internal import Synchronization

/// The body of an answer while it comes in: a bounded buffer between the connection and the script that reads it.
///
/// The connection is held back while the buffer is full, and closed when the stream is. One read at a time. Any thread.
final class HTTPStream: Sendable {
    /// Bytes that are held at most before the connection is held back; one chunk may go over it.
    static let bufferLimit = 256 << 10

    private struct State {
        var bytes: [UInt8] = []
        /// How the body ended; nil while it comes.
        var end: Result<Void, any Error>?
        var reader: CheckedContinuation<[UInt8]?, any Error>?
        var writer: CheckedContinuation<Bool, Never>?
        var isClosed = false
        /// Called once, when the body has ended or the stream was closed.
        var whenOver: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())
    private let redactor: Redactor
    private let task = Mutex<Task<Void, Never>?>(nil)

    init(_ redactor: Redactor) { self.redactor = redactor }

    /// Begins to read a body.
    ///
    /// - Parameters:
    ///   - limit: the most bytes of the whole body.
    ///   - tooLarge: the error of a body that is larger.
    func begin(_ body: HTTPClientResponse.Body, limit: Int, tooLarge: HostFailure) {
        let made = Task.detached { [self] in
            do {
                var taken = 0
                for try await chunk in body {
                    taken += chunk.readableBytes
                    if taken > limit { throw tooLarge }
                    guard await write(Array(chunk.readableBytesView)) else { throw CancellationError() }
                }
                finish(.success(()))
            } catch {
                finish(.failure(error))
            }
        }
        let isClosed = task.withLock { task in
            task = made
            return state.withLock { $0.isClosed }
        }
        if isClosed { made.cancel() }
    }

    /// Has `body` called once when the body has ended or the stream is closed; at once where it is.
    func onEnd(_ body: @escaping @Sendable () -> Void) {
        let isOver = state.withLock { state in
            if state.isClosed { return true }
            state.whenOver = body
            return false
        }
        if isOver { body() }
    }

    private func tellOver() {
        let body = state.withLock { state in
            defer { state.whenOver = nil }
            return state.whenOver
        }
        body?()
    }

    /// Adds a chunk and waits while the buffer is full; false once nobody reads any more.
    func write(_ chunk: [UInt8]) async -> Bool {
        enum Next {
            case goOn, wait, stop
            case deliver(CheckedContinuation<[UInt8]?, any Error>, [UInt8])
        }
        let next: Next = state.withLock { state in
            if state.isClosed { return .stop }
            state.bytes.append(contentsOf: chunk)
            if let reader = state.reader {
                let ready = takeReady(&state)
                if ready.isEmpty { return .goOn }
                state.reader = nil
                return .deliver(reader, ready)
            }
            return state.bytes.count < Self.bufferLimit ? .goOn : .wait
        }
        switch next {
        case .goOn: return true
        case .stop: return false
        case .deliver(let reader, let bytes):
            reader.resume(returning: bytes)
            return true
        case .wait:
            return await withCheckedContinuation { continuation in
                let answer: Bool? = state.withLock { state in
                    if state.isClosed { return false }
                    if state.bytes.count < Self.bufferLimit || state.reader != nil { return true }
                    state.writer = continuation
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        }
    }

    /// Takes what may be given out: not the beginning of a secret whose rest is still to come.
    private func takeReady(_ state: inout State) -> [UInt8] {
        let held = state.end == nil ? redactor.openEnd(of: state.bytes) : 0
        let ready = Array(state.bytes.dropLast(held))
        state.bytes.removeFirst(ready.count)
        return ready
    }

    func finish(_ end: Result<Void, any Error>) {
        let (reader, bytes) = state.withLock { state in
            if state.end == nil { state.end = end }
            let reader = state.reader
            state.reader = nil
            return (reader, reader == nil ? [] : takeReady(&state))
        }
        tellOver()
        guard let reader else { return }
        if !bytes.isEmpty { return reader.resume(returning: bytes) }
        switch end {
        case .success: reader.resume(returning: nil)
        case .failure(let error): reader.resume(throwing: error)
        }
    }

    /// The bytes that have come since the last read, waiting for some; nil at the end of the body.
    ///
    /// - Throws: what ended the body, once all that came before has been read; `CancellationError` when the stream is closed
    ///   or the task cancelled.
    func read() async throws -> [UInt8]? {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let (result, writer): (Result<[UInt8]?, any Error>?, CheckedContinuation<Bool, Never>?) =
                    state.withLock { state in
                        if state.isClosed || state.reader != nil { return (.failure(CancellationError()), nil) }
                        let ready = takeReady(&state)
                        if !ready.isEmpty {
                            let writer = state.writer
                            state.writer = nil
                            return (.success(ready), writer)
                        }
                        switch state.end {
                        case .success: return (.success(nil), nil)
                        case .failure(let error): return (.failure(error), nil)
                        case nil:
                            // All that there is may be held back for a secret, whose rest has to come in then.
                            let writer = state.writer
                            (state.reader, state.writer) = (continuation, nil)
                            return (nil, writer)
                        }
                    }
                writer?.resume(returning: true)
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            close()
        }
    }

    /// Closes the connection and ends a read that waits. No-op for one that is closed.
    func close() {
        let (reader, writer) = state.withLock { state in
            state.isClosed = true
            let waiting = (state.reader, state.writer)
            state.reader = nil
            state.writer = nil
            state.bytes = []
            return waiting
        }
        reader?.resume(throwing: CancellationError())
        writer?.resume(returning: false)
        task.withLock { $0 }?.cancel()
        tellOver()
    }
}
