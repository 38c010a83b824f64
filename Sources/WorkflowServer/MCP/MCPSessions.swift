internal import Synchronization

/// The sessions of clients that come by HTTP, each of the principal that began it.
///
/// A principal who begins more than their share loses those of their own that have been idle longest, and nobody else's.
final class MCPSessions: Sendable {
    /// How many there may be, and of these of one principal where there are several.
    private static let (limit, share) = (1000, 100)
    /// How long a session may be idle.
    private static let idleTime = Duration.seconds(3600)

    private let state = Mutex(State())

    private struct State {
        var sessions: [String: Entry] = [:]
        var counts: [Principal: Int] = [:]

        mutating func add(_ id: String, _ entry: Entry) {
            sessions[id] = entry
            counts[entry.session.principal, default: 0] += 1
        }

        mutating func remove(_ id: String) {
            guard let principal = sessions.removeValue(forKey: id)?.session.principal else { return }
            let left = (counts[principal] ?? 1) - 1
            counts[principal] = left > 0 ? left : nil
        }

        /// Ends the session of a principal that has been idle longest; false where all are busy.
        mutating func removeIdlest(of principal: Principal) -> Bool {
            let idle = sessions.filter { $0.value.session.principal == principal && !$0.value.session.isBusy }
            guard let idlest = idle.min(by: { $0.value.used < $1.value.used }) else { return false }
            remove(idlest.key)
            return true
        }
    }

    private struct Entry {
        let session: MCPSession
        var used: ContinuousClock.Instant
    }

    /// Keeps a session and gives it an id, which nobody can guess; nil where there is no room that is its principal's to take.
    func add(_ session: MCPSession, at now: ContinuousClock.Instant = .now) -> String? {
        let principal = session.principal
        let id =
            String(UInt64.random(in: .min ... .max), radix: 36) + String(UInt64.random(in: .min ... .max), radix: 36)
        return state.withLock { state in
            let old = state.sessions.filter { now - $0.value.used >= Self.idleTime && !$0.value.session.isBusy }
            for id in old.keys { state.remove(id) }
            let own = state.counts[principal] ?? 0
            if own >= (principal == .everybody ? Self.limit : Self.share) {
                guard state.removeIdlest(of: principal) else { return nil }
            } else if state.sessions.count >= Self.limit {
                // Whoever has most gives way, if that is more than the principal would have.
                let others = state.counts.filter { $0.value > own + 1 }.sorted { $0.value > $1.value }
                let hasRoom = others.contains { state.removeIdlest(of: $0.key) } || state.removeIdlest(of: principal)
                guard hasRoom else { return nil }
            }
            state.add(id, Entry(session: session, used: now))
            return id
        }
    }

    /// The session of an id, if it is the principal's.
    func find(_ id: String, for principal: Principal, at now: ContinuousClock.Instant = .now) -> MCPSession? {
        state.withLock { state in
            guard let entry = state.sessions[id], entry.session.principal == principal else { return nil }
            state.sessions[id]?.used = now
            return entry.session
        }
    }

    func remove(_ id: String) { state.withLock { $0.remove(id) } }
}
