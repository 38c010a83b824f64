/// What a run had recorded when somebody began to follow it.
package struct RunPast: Sendable, Equatable {
    /// How many entries were made before.
    package var count: Int
    /// Up to which of them somebody has followed the run in order and told of all that had ended: the same follower, or a process
    /// that let the run go when it had. At most ``count``.
    package var told: Int

    package init(count: Int = 0, told: Int = 0) {
        self.count = count
        self.told = told
    }
}
