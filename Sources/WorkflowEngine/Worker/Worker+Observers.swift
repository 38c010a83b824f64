package import FlatValue
package import WorkflowCore

/// The runs that somebody looks at: their beginning, what is told of them, and their end here.
extension Worker {
    /// Begins a run. Values are appended to its arena by `write`, which gives the slices of input, metadata and ctx.
    package func begin(
        _ run: Run, observer: (any RunObserver)?, journaled: JournaledRun?, timeout: Int64 = 0, at time: Int64 = 0,
        trace: Value? = nil, tags: StartTags = StartTags(), queueing: Queueing = Queueing(),
        budget: Int = Worker.turnBudget, _ write: (inout ByteArena) -> (input: Slice, metadata: Slice, ctx: Slice)
    ) {
        observe(run, observer)
        run.journaled = journaled
        // The input stands first in the arena.
        let values = write(&run.log.arena)
        if let trace {
            let record = run.log.arena.writing { $0.write(trace) }
            run.decide(.traced(frame: 0, record: record), at: now)
        }
        start(
            run, values.input, values.metadata, values.ctx, tags: tags, timeout: timeout, at: time, queueing: queueing)
        drive(run, budget: budget)
    }

    /// Tells `observer` what becomes of a run from now on; the two hold each other until it is over or lost.
    package func observe(_ run: Run, _ observer: (any RunObserver)?) {
        run.observer = observer
        run.log.limit = limits.runSize
        if observer != nil { live.add(run) }
    }

    /// Lets go of what observes a run.
    func unobserve(_ run: Run) {
        run.observer = nil
        live.remove(run)
    }

    /// Drops a run: it is not written any more, and nothing more happens to it here.
    func lose(_ run: Run, _ error: JournalError) {
        guard !run.isLost else { return }
        run.lost = error
        run.mirror?.driver.drop(run, on: self)
        abandonCalls(of: run, code: error.code, message: error.message)
        let waits = run.durableWaits
        run.durableWaits = []
        for wait in waits { wait.done(error) }
        let quietened = run.quietened.take()
        let observer = run.observer
        unobserve(run)
        observer?.runLost(run, error)
        quietened?()
    }

    /// Tells the observer what is new, if it is durable.
    func tell(_ run: Run) {
        guard run.deliveredEvents < run.log.count, journal == nil || run.isDurable else { return }
        let first = run.deliveredEvents
        run.deliveredEvents = run.log.count
        run.observer?.runAdvanced(run, from: first)
    }

    /// Tells the observer what is new and durable, and that the run stands still.
    func advanced(_ run: Run) {
        guard let observer = run.observer else { return }
        tell(run)
        guard run.settledEvents != run.log.count, !run.hasCommands else { return }
        // What waits for a person no longer than until now is about to go on.
        let waits =
            run.calls.isEmpty && run.machine.waitsOutside && !(1...max(now, 1)).contains(run.machine.earliestDeadline)
        if run.machine.isOver || waits {
            run.settledEvents = run.log.count
            // A timer that nobody wants any more would keep the generation's VM until it fires.
            if run.isOver, run.definition.generation.isRetired { timers.removeAll { $0 === run } }
            observer.runSettled(run)
            // The two hold each other while the run lives.
            if run.machine.isOver { unobserve(run) }
        }
    }
}
