internal import WorkflowCore
internal import WorkflowEngine

/// Tells when nothing happens to a run before a time: it waits for that time, and nothing of it is under way.
final class RestFeed: EventFeed {
    private let told: @Sendable (Int64) -> Void

    /// - Parameter told: gets the time, in microseconds since 1970, 0 for a run that waits in the queue; called on the
    ///   worker's thread.
    init(_ told: @escaping @Sendable (Int64) -> Void) { self.told = told }

    func take(_ run: Run) { take(run.machine) }

    func take(_ machine: borrowing RunMachine) {
        guard !machine.isOver, !machine.waitsOutside else { return }
        if machine.isQueued { return told(0) }
        let status = machine.status
        guard status == .waiting || status == .waitingHuman else { return }
        let wake = machine.earliestDeadline
        if wake > 0 { told(wake) }
    }

    func finish() {}
}
