package import WorkflowCore

/// A process that drives runs of a store, or did until its lease ran out.
package struct StoreNode: Sendable, Equatable {
    package var owner: RunOwner
    /// It renews its lease.
    package var isAlive: Bool
    /// The runs that it carries and that are not over, by their status.
    package var runs: [RunMachine.Status: Int]

    package init(owner: RunOwner, isAlive: Bool, runs: [RunMachine.Status: Int]) {
        self.owner = owner
        self.isAlive = isAlive
        self.runs = runs
    }
}
