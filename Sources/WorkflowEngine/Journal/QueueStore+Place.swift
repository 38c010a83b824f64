internal import WorkflowCore

extension RunHeader {
    /// Where a run stands that no limits hold and that is to begin at a later time; nil for every other one.
    package var delayedStart: QueuePlace? {
        status == .queued && !isHeld && wakeAt > 0 ? QueuePlace(priority: 0, position: 0, reason: .time(wakeAt)) : nil
    }
}

extension QueueStore {
    /// What a run waits for that has not begun: its limits, or its time; nil for every other one.
    package func place(of run: RunHeader) async throws(JournalError) -> QueuePlace? {
        run.isHeld ? try await places(of: [run.id])[run.id] : run.delayedStart
    }
}
