package import Platform

/// Whoever wants to know when a run is over, or waits for somebody.
package protocol RunObserver: AnyObject {
    /// The run is over, or waits for a person or a signal; called on the worker's thread, when what the log says is durable.
    func runSettled(_ run: Run)
    /// There are new durable events in the log; called on the worker's thread.
    func runAdvanced(_ run: Run, from first: Int)
    /// Something happens that nobody records; called on the worker's thread.
    func runStreamed(_ event: TransientEvent)
    /// The journal has refused the run; nothing more happens to it here.
    func runLost(_ run: Run, _ error: JournalError)
    /// The run waits in the queue of the store; called on the worker's thread, when that is durable.
    func runQueued(_ run: Run)
    /// Another run follows on this one, which is about to end; called on the worker's thread.
    func runSucceeded(_ run: Run, by successor: WorkflowRun)
    /// Whether ``runSucceeded(_:by:)`` is to be called for the runs that follow as well.
    var followsSuccessors: Bool { get }
    /// Whether the runs of the chain wait until whoever follows them has taken each, and what opens once this one is taken.
    var pace: (isPaced: Bool, taken: Gate?) { get }
}

extension RunObserver {
    package func runStreamed(_ event: TransientEvent) {}
    package func runQueued(_ run: Run) {}
    package func runSucceeded(_ run: Run, by successor: WorkflowRun) {}
    package var followsSuccessors: Bool { false }
    package var pace: (isPaced: Bool, taken: Gate?) { (false, nil) }
}
