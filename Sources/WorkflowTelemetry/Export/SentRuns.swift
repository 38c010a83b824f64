internal import Synchronization

/// Up to which entry of runs that are not over this process has sent the spans of those that drove them before.
final class SentRuns: Sendable {
    private let counts = Mutex<[String: Int]>([:])

    func note(_ run: String, entries: Int) { counts.withLock { $0[run] = entries } }

    /// Gives the number once; 0 for none.
    func take(_ run: String) -> Int { counts.withLock { $0.removeValue(forKey: run) ?? 0 } }
}
