internal import FlatValue
public import WorkflowCore

/// A run as it stood at one moment: all that it recorded, to be read at leisure.
///
/// It is a copy; nothing that happens later changes it.
public final class RunRecord: @unchecked Sendable {
    public let id: String
    package let plan: Plan
    package let log: RunLog
    /// In which trace the run lies, as its log says.
    let trace: TraceOrigin
    /// Where the run stands.
    public let status: RunStatus

    /// - Parameter trace: as the log says.
    package init(id: String, plan: Plan, log: RunLog, trace: TraceOrigin, status: RunMachine.Status) {
        self.id = id
        self.trace = trace
        self.plan = plan
        self.log = log
        self.status = status
    }

    package convenience init(copying run: Run) {
        self.init(id: run.id, copying: run.log, of: run.machine)
    }

    /// A copy of a log as the machine has it that took all of it.
    convenience init(id: String, copying original: RunLog, of machine: borrowing RunMachine) {
        var log = RunLog()
        log.append(events: original.eventBytes(from: 0), arena: original.arena.bytes)
        self.init(id: id, plan: machine.plan, log: log, trace: machine.trace, status: machine.status)
    }

    /// A run as a store has it; see ``StoredRun/decoded(on:)`` for what it throws.
    package convenience init(_ stored: StoredRun, plan: Plan) throws(JournalError) {
        var decoder = try stored.decoded(on: plan)
        let trace = decoder.machine.trace
        self.init(id: stored.header.id, plan: plan, log: decoder.takeLog(), trace: trace, status: stored.header.status)
    }

    deinit {
        var log = log
        log.deallocate()
    }

    /// The result with a snapshot of every step; made anew at each call.
    public func result() -> RunResult { RunReport.result(plan: plan, log: log) }

    /// The run that goes on in place of this one, which ended in favour of it; nil for none.
    public var restartedAs: String? {
        guard status == .success, let event = log.newest(.restartAsked, from: 0) else { return nil }
        return log.value(event.payload)["run"]?.string
    }

    /// Whether it ends a wait for the end of its run, or for its rest with more than `count` events.
    func isAwaited(untilOver: Bool, beyond count: Int) -> Bool {
        (!untilOver || status.isTerminal) && log.count > count
    }

    package var statusName: String { status.rawValue }

    /// What keeps out what schemas call secret, of all that the run has recorded.
    package var redaction: Redaction {
        withExtendedLifetime(self) {
            var secrets = RunSecrets()
            secrets.read(log, of: plan)
            return secrets.redaction
        }
    }
}
