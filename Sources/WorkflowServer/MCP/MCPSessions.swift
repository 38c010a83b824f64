internal import Synchronization

/// The sessions of clients that come by HTTP, each of the principal that began it.
final class MCPSessions: Sendable {
    /// How many there may be; the one that has been idle longest makes room for a new one.
    private static let limit = 1000
    /// How long a session may be idle.
    private static let idleTime = Duration.seconds(3600)

    private let sessions = Mutex<[String: Entry]>([:])

    private struct Entry {
        let session: MCPSession
        var used: ContinuousClock.Instant
    }

    /// Keeps a session and gives it an id, which nobody can guess; nil when all others are busy.
    func add(_ session: MCPSession, at now: ContinuousClock.Instant = .now) -> String? {
        let id =
            String(UInt64.random(in: .min ... .max), radix: 36) + String(UInt64.random(in: .min ... .max), radix: 36)
        return sessions.withLock { sessions in
            sessions = sessions.filter { now - $0.value.used < Self.idleTime || $0.value.session.isBusy }
            if sessions.count >= Self.limit {
                let idle = sessions.filter { !$0.value.session.isBusy }.min { $0.value.used < $1.value.used }
                guard let idle else { return nil }
                sessions[idle.key] = nil
            }
            sessions[id] = Entry(session: session, used: now)
            return id
        }
    }

    /// The session of an id, if it is the principal's.
    func find(_ id: String, for principal: Principal, at now: ContinuousClock.Instant = .now) -> MCPSession? {
        sessions.withLock { sessions in
            guard let entry = sessions[id], entry.session.principal == principal else { return nil }
            sessions[id]?.used = now
            return entry.session
        }
    }

    func remove(_ id: String) { _ = sessions.withLock { $0.removeValue(forKey: id) } }
}
