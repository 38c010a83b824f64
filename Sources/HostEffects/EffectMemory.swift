internal import FlatValue
internal import Synchronization
internal import WorkflowCore

/// The memory that effects take: what they were asked until they are over, and their answers until the run has them. No VM's limit
/// counts it, and the system ends a process that it refuses memory to. One for the process. Any thread.
final class EffectMemory: Sendable {
    static let shared = EffectMemory(limit: MemoryAllowance.vmSize)

    private let limit: Int
    private let held = Atomic<Int>(0)

    /// - Parameter limit: the most bytes that all effects under way take together.
    init(limit: Int) { self.limit = limit }

    /// How many bytes are taken now.
    var count: Int { held.load(ordering: .relaxed) }

    /// Counts bytes until what is returned ends.
    ///
    /// - Parameter copies: how often they are held.
    func hold(_ bytes: Int, copies: Int = 1) throws(HostFailure) -> any Sendable {
        var share = Share(of: self)
        try share.take(bytes, copies: copies)
        return Held(share)
    }

    private final class Held: Sendable {
        private let share: Share

        init(_ share: consuming sending Share) { self.share = share }
    }

    /// What one effect takes of it, which is given back when the share ends.
    struct Share: ~Copyable, Sendable {
        private let memory: EffectMemory
        private var taken = 0
        /// Up to how many bytes the process has been asked for room.
        private var probed = 0

        /// How many bytes are taken between two looks at what the process may still have.
        private static let step = 1 << 20

        init(of memory: EffectMemory = .shared) { self.memory = memory }

        deinit { memory.held.subtract(taken, ordering: .relaxed) }

        /// Takes so many bytes more.
        ///
        /// - Parameter copies: how often they are held, read and unread.
        mutating func take(_ bytes: Int, copies: Int = 1) throws(HostFailure) {
            let (wanted, overflow) = max(bytes, 0).multipliedReportingOverflow(by: copies)
            guard !overflow, wanted <= memory.limit else { throw Self.full }
            taken += wanted
            let sum = memory.held.add(wanted, ordering: .relaxed).newValue
            guard sum <= memory.limit else { throw Self.full }
            if taken - probed >= Self.step {
                guard MemoryAllowance.admits(taken - probed) else { throw Self.full }
                probed = taken
            }
        }

        private static var full: HostFailure {
            HostFailure(
                "too_large",
                "the effects under way hold more together than the memory that there is for them: ask for fewer at once",
                retryable: true)
        }
    }
}
