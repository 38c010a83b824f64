internal import FlatValue
internal import WorkflowCore

/// Somebody who goes on once a run's first `count` events are durable.
struct DurableWait {
    let count: Int
    /// Called once on the worker's thread, with the error that the run was lost by before.
    let done: @Sendable (JournalError?) -> Void
}

/// What a worker writes to the journal: one batch a turn, and what comes of it.
extension Worker {
    func submit(_ run: Run) {
        // What another process drives it warns of itself; anything that was added here would not be in its log.
        if !run.isLarge, run.mirror == nil, run.log.size > run.log.limit / 5 * 4 { warnOfSize(run) }
        guard journal != nil, let journaled = run.journaled, run.submittedEvents < run.log.count else {
            if journal == nil { run.durableEvents = run.log.count }
            return
        }
        if journaled.refusesInput, refusesInput(of: run, journaled) { return }
        let batch = openBatch()
        batch.add(
            run.log, of: journaled, from: run.submittedEvents, arena: run.submittedArena, status: run.machine.status,
            wakeAt: run.machine.earliestDeadline)
        batch.runs.append(run)
        if !run.settlements.isEmpty {
            for message in run.settlements { batch.settle(message) }
            run.settlements.removeAll()
        }
        run.submittedEvents = run.log.count
        run.submittedArena = run.log.arena.count
    }

    /// Tells once of a run that comes near to what it may record, while something can be done about it.
    private func warnOfSize(_ run: Run) {
        run.isLarge = true
        if run.machine.isOver || run.machine.isClosing || run.machine.isQueued || run.machine.isDeferred { return }
        let share = "\(run.log.size >> 20) of \(run.log.limit >> 20) MiB"
        let message =
            "the run has recorded \(share) that it may, and fails beyond that; context:restart(input) goes on with an empty "
            + "journal"
        let record = run.log.arena.writing { $0.write(["level": "warn", "message": Value(message)] as Value) }
        guard run.decide(.logged(frame: 0, record: record), at: now) else { return }
        log(
            LogRecord(
                time: now, level: .warn, message: message, fields: nil, workflow: run.plan.id, run: run.id, path: ""))
    }

    /// What goes to the journal at the end of this turn.
    func openBatch() -> JournalBatch {
        if let batch { return batch }
        let batch = spareBatches.popLast() ?? JournalBatch()
        self.batch = batch
        return batch
    }

    func submitBatch() {
        guard let batch, let journal else { return }
        self.batch = nil
        outstanding += 1
        let submitted = elapsed
        journal.submit(batch) { [clock, figures] batch, outcomes in
            figures.committed(after: clock.elapsed() &- submitted)
            self.post(.journaled(batch, outcomes))
        }
    }

    func journaled(_ batch: JournalBatch, _ outcomes: [JournalOutcome]) {
        outstanding -= 1
        for (index, outcome) in outcomes.enumerated() {
            guard let run = batch.runs[index] as? Run, !run.isLost else { continue }
            switch outcome {
            case .durable:
                let entry = batch.entries[index]
                run.durableEvents = entry.sequence + entry.events.count / MemoryLayout<Event>.stride
                if entry.sequence == 0 { run.journaled?.predecessor = nil }
                if entry.sequence == 0, let ticket = run.journaled?.ticket { queued(run, ticket) }
                if !run.durableWaits.isEmpty { endDurableWaits(of: run) }
                run.mirror?.driver.recorded(run, on: self)
                if run.isDurable { enqueue(run) }
            case .conflict:
                // What comes while a run is given back may be written too late.
                lose(
                    run,
                    run.isHeld
                        ? .givenBack(run.id)
                        : JournalError(code: .conflict, message: "another process has taken the run over"))
            case .failed(let error): lose(run, error)
            }
        }
        batch.empty()
        spareBatches.append(batch)
    }

    /// Calls `done` when everything that the run has recorded is durable, which may be at once.
    package func whenDurable(_ run: Run, _ done: @escaping @Sendable (JournalError?) -> Void) {
        if let error = run.lost { return done(error) }
        if journal == nil || run.journaled == nil || run.durableEvents >= run.log.count { return done(nil) }
        run.durableWaits.append(DurableWait(count: run.log.count, done: done))
    }

    private func endDurableWaits(of run: Run) {
        let durable = run.durableEvents
        let ended = run.durableWaits.filter { $0.count <= durable }
        run.durableWaits.removeAll { $0.count <= durable }
        for wait in ended { wait.done(nil) }
    }
}
