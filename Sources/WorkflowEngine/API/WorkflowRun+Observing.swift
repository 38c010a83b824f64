internal import FlatValue
package import Platform
internal import Synchronization
internal import WorkflowCore

extension WorkflowRun: RunObserver {
    package func runSettled(_ run: Run) {
        let record = RunRecord(copying: run)
        if record.status.isTerminal { leaveWorker() }
        let (waiters, feeds) = state.withLock { state in
            state.latest = record
            let split = state.waiters.partition { $0.takes(record) }
            let resumed = Array(state.waiters[split...])
            state.waiters.removeSubrange(split...)
            return (resumed, record.status.isTerminal ? Array(state.watchers.values) : [])
        }
        if record.status.isTerminal {
            worker.family?.ended(record)
            live?.remove(self)
            if run.isOfQueue { live?.bell.ring() }
        }
        live?.hub.publishSettled(run, record)
        for waiter in waiters { waiter.resume(.success(record)) }
        for feed in feeds { feed.finish() }
    }

    package func runAdvanced(_ run: Run, from first: Int) {
        let undoing = run.machine.isClosing ? run.machine.undoing?.path : nil
        let feeds = state.withLock { state in
            // What stood still moves again; whoever waits now waits for the next time.
            state.latest = nil
            state.undoing = undoing
            return Array(state.watchers.values)
        }
        live?.hub.publish(run, from: first)
        for feed in feeds { feed.take(run) }
    }

    package func runQueued(_ run: Run) {
        live?.queued(id, isLeft: run.journaled?.ticket?.isLeft == true)
    }

    package func runSucceeded(_ run: Run, by successor: WorkflowRun) {
        if worker.family?.succeeded(self, by: successor) == true { return }
        state.withLock { if $0.isFollowed { $0.successor = successor } }
    }

    /// Has the runs that follow on this one kept for ``takeSuccessor()``. Before the run is started.
    ///
    /// - Parameter isPaced: each of them has a successor only once it has been taken, so that a chain does not run away from
    ///   whoever follows it, and what is kept does not grow.
    package func followSuccessors(paced isPaced: Bool = false) {
        state.withLock { ($0.isFollowed, $0.isPaced) = (true, isPaced) }
    }

    package var followsSuccessors: Bool { state.withLock(\.isFollowed) }
    package var pace: (isPaced: Bool, taken: Gate?) { state.withLock { ($0.isPaced, $0.taken) } }

    /// Follows the chain of a run that this one is about to follow on.
    func follow(_ predecessor: Predecessor) {
        guard predecessor.isFollowed else { return }
        followSuccessors(paced: predecessor.isPaced)
        if predecessor.isPaced { state.withLock { $0.taken = Gate() } }
    }

    /// The run that followed on this one, if this engine began it and ``followSuccessors()`` was called; given once.
    package func takeSuccessor() -> WorkflowRun? {
        let successor = state.withLock { $0.successor.take() }
        successor?.pace.taken?.open()
        return successor
    }

    package func runStreamed(_ event: TransientEvent) {
        let feeds = state.withLock { Array($0.watchers.values) }
        live?.hub.publish(event)
        for feed in feeds { feed.take(event) }
    }

    package func runLost(_ run: Run, _ error: JournalError) {
        let details = run.journaled?.rival.map { ["runId": Value($0)] } ?? run.journaled?.refusal?["details"]
        refuse(RunFailure(code: error.code, message: error.message, details: details, cause: error))
        live?.hub.publishLost(id, plan: definition.plan)
    }
}
