internal import Hummingbird
internal import NIOCore
internal import Platform
internal import Synchronization

/// The requests that wait for a run, each by its connection, which ends the wait when it is closed. Any thread.
///
/// A connection has one request under way at a time.
final class OpenWaits: Sendable {
    /// What ends the wait of each connection that has had one and is open; nil for one that does not wait.
    private let connections = Mutex<[ObjectIdentifier: (@Sendable () -> Void)?]>([:])

    /// Whether the request of a connection waits.
    func isWaiting(_ channel: any Channel) -> Bool {
        connections.withLock { ($0[ObjectIdentifier(channel)] ?? nil) != nil }
    }

    fileprivate func began(_ channel: any Channel, end: @escaping @Sendable () -> Void) {
        let isKnown = connections.withLock { $0.updateValue(end, forKey: ObjectIdentifier(channel)) != nil }
        // Once a connection, since what a connection calls when it is closed is kept until then. The connection is kept as well, so
        // that no other one has its identity.
        if !isKnown { channel.closeFuture.whenComplete { [self] _ in closed(channel) } }
    }

    fileprivate func ended(_ channel: any Channel) {
        connections.withLock { connections in
            let id = ObjectIdentifier(channel)
            if connections.keys.contains(id) { connections.updateValue(nil, forKey: id) }
        }
    }

    private func closed(_ channel: any Channel) {
        let end = connections.withLock { $0.removeValue(forKey: ObjectIdentifier(channel)) } ?? nil
        end?()
    }
}

extension APIRequest {
    /// Waits for what `body` gives, which is cancelled when the client goes away.
    ///
    /// - Throws: ``APIError/clientGone`` when `body` ends because the client has gone, besides what it throws.
    func whileConnected<Result: Sendable>(
        _ waits: OpenWaits, _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        // On the connection's own thread, as the rest of the request.
        let work = _Concurrency.Task(executorPreference: LoopExecutor(context.channel.eventLoop)) { try await body() }
        waits.began(context.channel) { work.cancel() }
        defer { waits.ended(context.channel) }
        do {
            return try await withTaskCancellationHandler {
                try await work.value
            } onCancel: {
                work.cancel()
            }
        } catch is CancellationError where !_Concurrency.Task.isCancelled {
            throw APIError.clientGone
        }
    }

    /// Waits for what `body` gives, which goes on when the client goes away; then nobody waits for it.
    ///
    /// - Throws: ``APIError/clientGone`` when the client has gone before, besides what `body` throws.
    func awaitLasting<Result: Sendable>(
        _ waits: OpenWaits, _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let over = Gate()
        let work = _Concurrency.Task(executorPreference: LoopExecutor(context.channel.eventLoop)) {
            defer { over.open() }
            return try await body()
        }
        return try await withTaskCancellationHandler {
            try await whileConnected(waits) {
                guard await over.passedUnlessCancelled() else { throw CancellationError() }
                return try await work.value
            }
        } onCancel: {
            // The server ends, and the work with it.
            work.cancel()
        }
    }
}
