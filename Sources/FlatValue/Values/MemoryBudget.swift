internal import Synchronization

/// A number of bytes that things which are under way at the same time share, and that the process still has to have. The system ends a
/// process that it refuses memory to. Any thread.
package final class MemoryBudget: Sendable {
    private let limit: Int
    private let held = Atomic<Int>(0)

    /// - Parameter limit: the most bytes that are taken at once.
    package init(limit: Int) { self.limit = limit }

    /// How many bytes are taken now.
    package var count: Int { held.load(ordering: .relaxed) }

    /// Takes bytes until what is returned ends; nil where they are not to be had.
    ///
    /// - Parameter copies: how often they are held.
    package func hold(_ bytes: Int, copies: Int = 1) -> Holding? {
        var share = Share(of: self)
        return share.take(bytes, copies: copies) ? Holding(share) : nil
    }

    /// Bytes that are taken as long as it lives.
    package final class Holding: Sendable {
        private let share: Share

        fileprivate init(_ share: consuming sending Share) { self.share = share }
    }

    /// What one of those that share it has taken, which is given back when the share ends.
    package struct Share: ~Copyable, Sendable {
        private let budget: MemoryBudget
        private var taken = 0
        /// Up to how many bytes the process has been asked for room.
        private var probed = 0

        /// How many bytes are taken between two looks at what the process may still have.
        private static let step = 1 << 20

        package init(of budget: MemoryBudget) { self.budget = budget }

        deinit { budget.held.subtract(taken, ordering: .relaxed) }

        /// Takes so many bytes more.
        ///
        /// - Parameter copies: how often they are held, read and unread.
        /// - Returns: false where they are not to be had; what was asked for may count until the share ends all the same.
        package mutating func take(_ bytes: Int, copies: Int = 1) -> Bool {
            let (wanted, overflow) = max(bytes, 0).multipliedReportingOverflow(by: copies)
            guard !overflow, wanted <= budget.limit else { return false }
            taken += wanted
            guard budget.held.add(wanted, ordering: .relaxed).newValue <= budget.limit else { return false }
            if taken - probed >= Self.step {
                guard MemoryAllowance.admits(taken - probed) else { return false }
                probed = taken
            }
            return true
        }
    }
}
