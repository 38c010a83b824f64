public import WorkflowCore

/// A run as it stood at one moment: all that it recorded, to be read at leisure.
///
/// It is a copy; nothing that happens later changes it.
public final class RunRecord: @unchecked Sendable {
    public let id: String
    package let plan: Plan
    package let log: RunLog
    package let status: RunMachine.Status

    package init(id: String, plan: Plan, log: RunLog, status: RunMachine.Status) {
        self.id = id
        self.plan = plan
        self.log = log
        self.status = status
    }

    convenience init(copying run: Run) {
        var log = RunLog()
        log.append(events: run.log.eventBytes(from: 0), arena: run.log.arena.bytes)
        self.init(id: run.id, plan: run.definition.plan, log: log, status: run.machine.status)
    }

    deinit {
        var log = log
        log.deallocate()
    }

    /// The result with a snapshot of every step; made anew at each call.
    public func result() -> RunResult { RunReport.result(plan: plan, log: log) }

    /// Where the run stands: `success`, `failed`, `cancelled`, `waiting_human`, `waiting`.
    public var statusName: String { status.rawValue }
}
