internal import WorkflowCore

/// What one watcher gets: every event of a run, once and in order.
package protocol EventFeed: AnyObject, Sendable {
    /// Takes what is new in the run's log; called on the worker's thread, so it must be quick.
    func take(_ run: Run)
    /// Takes something that nobody records; called on the worker's thread, so it must be quick.
    func take(_ event: TransientEvent)
    /// There will be no more events.
    func finish()
}

extension EventFeed {
    package func take(_ event: TransientEvent) {}
}
