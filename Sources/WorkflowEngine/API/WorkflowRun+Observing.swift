internal import FlatValue
internal import Synchronization
package import WorkflowCore

extension WorkflowRun: RunObserver {
    package func runSettled(_ run: Run) {
        let record = RunRecord(copying: run)
        if record.status.isTerminal { leaveWorker() }
        let (waiters, feeds) = state.withLock { state in
            state.latest = record
            let resumed = state.waiters.filter { $0.value.takes(record) }
            for number in resumed.keys { state.waiters[number] = nil }
            return (resumed.values, record.status.isTerminal ? Array(state.watchers.values) : [])
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
        let feeds = state.withLock { state in
            // What stood still moves again; whoever waits now waits for the next time.
            state.latest = nil
            return Array(state.watchers.values)
        }
        live?.hub.publish(run, from: first)
        for feed in feeds { feed.take(run) }
    }

    package func runQueued(_ run: Run) {
        live?.queued(id, isLeft: run.journaled?.ticket?.isLeft == true)
    }

    package func runSucceeded(_ run: Run, by successor: WorkflowRun) {
        state.withLock { if $0.isFollowed { $0.successor = successor } }
    }

    /// Has the runs that follow on this one kept for ``takeSuccessor()``. Before the run is started.
    package func followSuccessors() { state.withLock { $0.isFollowed = true } }

    package var followsSuccessors: Bool { state.withLock(\.isFollowed) }

    /// The run that followed on this one, if this engine began it and ``followSuccessors()`` was called; given once.
    package func takeSuccessor() -> WorkflowRun? { state.withLock { $0.successor.take() } }

    package func runStreamed(_ event: TransientEvent) {
        let feeds = state.withLock { Array($0.watchers.values) }
        live?.hub.publish(event)
        for feed in feeds { feed.take(event) }
    }

    package func runLost(_ run: Run, _ error: JournalError) {
        let rival = run.journaled?.rival
        refuse(
            RunFailure(code: error.code, message: error.message, details: rival.map { ["runId": Value($0)] }))
        live?.hub.publishLost(id, plan: definition.plan)
    }
}
