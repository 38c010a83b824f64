internal import VMProcess
internal import WorkflowCore
internal import WorkflowEngine

/// Shows a run that a VM process drives, as the feeds of a run do that is driven here.
final class IsolatedFeed: HostedFeed {
    private let progress: ProgressFeed
    private let events: JSONFeed?
    private let rests: RestFeed?

    init(_ progress: ProgressFeed, _ events: JSONFeed?, _ rests: RestFeed?) {
        self.progress = progress
        self.events = events
        self.rests = rests
    }

    func take(_ log: RunLog, _ machine: borrowing RunMachine) {
        progress.take(log)
        events?.take(log)
        rests?.take(log, machine)
    }

    func take(_ event: TransientEvent) { events?.take(event) }

    func finish() {}
}
