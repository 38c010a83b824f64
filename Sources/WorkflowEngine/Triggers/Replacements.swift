internal import Synchronization

/// Cancels the runs that others replace, each once at a time.
final class Replacements: Sendable {
    private let underWay = Mutex<Set<String>>([])

    /// Cancels a run wherever it is, and returns once it has stopped; no-op while that is under way, and for one that is over.
    /// The store tells again of one that could not be cancelled.
    func cancel(_ run: String, for other: String, in directory: RunDirectory) async throws {
        guard underWay.withLock({ $0.insert(run).inserted }) else { return }
        defer { underWay.withLock { _ = $0.remove(run) } }
        do {
            _ = try await directory.cancel(run, reason: Self.reason(other))
        } catch let failure as RunFailure
            where failure.code == RunFailure.Code.over || failure.code == RunFailure.Code.missing
        {}
    }

    /// Why a run is cancelled that another one replaces.
    static func reason(_ other: String) -> String { "run \(other) takes its place" }
}
