internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// Lets a limited number of requests to one host be under way at once; the others wait their turn, first come first served.
///
/// The wait is none of the server's: a request's own timeout begins when it has its place.
final class RequestQueue: Sendable {
    private let limit: Int
    private let state = Mutex(State())

    private struct State {
        var hosts: [String: Host] = [:]
        var lastTicket: UInt64 = 0
    }

    private struct Host {
        /// Requests under way.
        var active = 0
        /// In the order of their tickets.
        var waiting: [Waiter] = []
    }

    private struct Waiter {
        var ticket: UInt64
        var continuation: CheckedContinuation<Void, any Error>
        var expiry: Scheduled<Void>
    }

    /// - Parameter limit: requests to one host at once, 1 or more.
    init(limit: Int) { self.limit = max(1, limit) }

    /// Returns when the request may begin; the caller then owes one ``leave(_:)``.
    ///
    /// - Parameters:
    ///   - host: whose places are counted.
    ///   - patience: microseconds to wait at most.
    /// - Throws: `http_queue` when the patience is over, `CancellationError` when the task is cancelled.
    func enter(_ host: String, patience: Int64) async throws {
        let ticket: UInt64? = state.withLock { state in
            if state.hosts[host, default: Host()].active < limit {
                state.hosts[host, default: Host()].active += 1
                return nil
            }
            state.lastTicket += 1
            return state.lastTicket
        }
        guard let ticket else { return }
        let expired = HostFailure(
            "http_queue",
            "\(host) has \(limit) requests under way, and this one did not get its turn within "
                + HostFailure.seconds(patience), retryable: true)
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isAdmitted = state.withLock { state in
                    // A place may have become free since the first look.
                    if state.hosts[host, default: Host()].active < limit {
                        state.hosts[host, default: Host()].active += 1
                        return true
                    }
                    // It gives up no earlier than this lets go of the lock.
                    let expiry = MultiThreadedEventLoopGroup.singleton.any().scheduleTask(in: .microseconds(patience)) {
                        self.give(up: ticket, of: host, expired)
                    }
                    let waiter = Waiter(ticket: ticket, continuation: continuation, expiry: expiry)
                    state.hosts[host, default: Host()].waiting.append(waiter)
                    return false
                }
                if isAdmitted {
                    continuation.resume()
                } else if Task.isCancelled {
                    give(up: ticket, of: host, CancellationError())
                }
            }
        } onCancel: {
            give(up: ticket, of: host, CancellationError())
        }
    }

    /// Frees a place and gives it to the request that has waited longest.
    func leave(_ host: String) {
        let next: Waiter? = state.withLock { state in
            guard var entry = state.hosts[host] else { return nil }
            defer { state.hosts[host] = entry.active == 0 && entry.waiting.isEmpty ? nil : entry }
            guard entry.waiting.isEmpty else { return entry.waiting.removeFirst() }
            entry.active -= 1
            return nil
        }
        next?.expiry.cancel()
        next?.continuation.resume()
    }

    /// Ends a wait with an error. No-op when the ticket waits no more.
    private func give(up ticket: UInt64, of host: String, _ error: any Error) {
        let waiter: Waiter? = state.withLock { state in
            guard let index = state.hosts[host]?.waiting.firstIndex(where: { $0.ticket == ticket }) else { return nil }
            return state.hosts[host]?.waiting.remove(at: index)
        }
        waiter?.expiry.cancel()
        waiter?.continuation.resume(throwing: error)
    }
}
