internal import HTTPTypes
internal import Synchronization

/// What the store last refused to write. It counts for some seconds, so that a server whose store fails is not ready, and is asked
/// again once it may have come right.
final class StoreTrouble: Sendable {
    private static let lifetime = Duration.seconds(10)
    private let last = Mutex<(message: String, end: ContinuousClock.Instant)?>(nil)

    /// Keeps an answer in mind that tells of the store.
    func note(_ refusal: APIError) {
        guard refusal.status == .serviceUnavailable, refusal.code.hasPrefix("store_") else { return }
        last.withLock { $0 = (refusal.message, .now + Self.lifetime) }
    }

    /// What is wrong, as far as is known; nil if nothing is.
    var current: String? { last.withLock { $0.flatMap { $0.end > .now ? $0.message : nil } } }
}
