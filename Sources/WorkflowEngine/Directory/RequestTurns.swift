internal import FlatValue
internal import Platform
internal import Synchronization

/// Has requests to a run that have the same key come one after the other, so that the second one finds what the first led to. Any
/// thread.
final class RequestTurns: Sendable {
    private struct Place: Hashable {
        let run: ByteText
        let key: ByteText
    }

    /// What opens when the request is over that is under way.
    private let current = Mutex<[Place: Gate]>([:])

    /// - Parameter key: what the sender calls the request.
    func inTurn<Result>(
        _ run: String, _ key: String, _ body: () async throws -> Result
    ) async rethrows -> Result {
        let place = Place(run: ByteText(run), key: ByteText(key))
        let own = Gate()
        while let other = enter(place, own) { await other.passed() }
        defer {
            current.withLock { $0[place] = nil }
            own.open()
        }
        return try await body()
    }

    private func enter(_ place: Place, _ own: Gate) -> Gate? {
        current.withLock { current in
            if let other = current[place] { return other }
            current[place] = own
            return nil
        }
    }
}
