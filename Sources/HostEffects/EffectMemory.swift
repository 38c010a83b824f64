internal import FlatValue
internal import WorkflowCore

/// The memory that effects take: what they were asked until they are over, and their answers until the run has them. No VM's limit
/// counts it. One for the process. Any thread.
final class EffectMemory: Sendable {
    static let shared = EffectMemory(limit: MemoryAllowance.vmSize)

    private let budget: MemoryBudget

    /// - Parameter limit: the most bytes that all effects under way take together.
    init(limit: Int) { budget = MemoryBudget(limit: limit) }

    /// How many bytes are taken now.
    var count: Int { budget.count }

    /// Counts bytes until what is returned ends.
    ///
    /// - Parameter copies: how often they are held.
    func hold(_ bytes: Int, copies: Int = 1) throws(HostFailure) -> any Sendable {
        guard let holding = budget.hold(bytes, copies: copies) else { throw Self.full }
        return holding
    }

    /// What one effect takes of it, which is given back when the share ends.
    struct Share: ~Copyable, Sendable {
        private var share: MemoryBudget.Share

        init(of memory: EffectMemory = .shared) { share = MemoryBudget.Share(of: memory.budget) }

        /// Takes so many bytes more.
        ///
        /// - Parameter copies: how often they are held, read and unread.
        mutating func take(_ bytes: Int, copies: Int = 1) throws(HostFailure) {
            guard share.take(bytes, copies: copies) else { throw EffectMemory.full }
        }
    }

    private static var full: HostFailure {
        HostFailure(
            "too_large",
            "the effects under way hold more together than the memory that there is for them: ask for fewer at once",
            retryable: true)
    }
}
