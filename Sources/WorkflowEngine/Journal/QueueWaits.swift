internal import WorkflowCore

/// That a run waits for the end of another one, by the first ids of their chains.
package struct ChainWait: Hashable, Sendable {
    package let waiter: String
    package let awaited: String

    /// - Parameters: the ids of any runs of the two chains.
    package init(_ waiter: String, for awaited: String) {
        self.waiter = RunChain.split(waiter).base
        self.awaited = RunChain.split(awaited).base
    }
}

/// What a journal tells of the waits of its runs.
package struct WaitChanges: Sendable {
    /// The run of the waiter's chain that waits, which the journal owns.
    package var begun: [ChainWait: String] = [:]
    package var ended: Set<ChainWait> = []

    package init(begun: [ChainWait: String] = [:], ended: Set<ChainWait> = []) {
        (self.begun, self.ended) = (begun, ended)
    }

    package var isEmpty: Bool { begun.isEmpty && ended.isEmpty }
}

/// A queued run that may never begin: runs that wait for others have all places of a limit.
package struct QueueHoldup: Sendable, Equatable {
    package struct Limit: Sendable, Equatable {
        package var kind: QueueTicket.Share.Kind
        package var key: String
        package var limit: Int
        /// Those runs, at least as many as the limit, by the first ids of their chains.
        package var holders: Set<String>

        package init(_ kind: QueueTicket.Share.Kind, key: String, limit: Int, holders: Set<String>) {
            self.kind = kind
            self.key = key
            self.limit = limit
            self.holders = holders
        }
    }

    package var workflow: String
    /// When the run was made, in microseconds since 1970.
    package var createdAt: Int64
    package var limits: [Limit]

    package init(workflow: String, createdAt: Int64, limits: [Limit]) {
        (self.workflow, self.createdAt, self.limits) = (workflow, createdAt, limits)
    }
}
