internal import FlatValue
package import WorkflowCore

/// Runs that another process drives.
extension Worker {
    /// Has a run begin there.
    func begin(
        _ run: Run, _ beginning: RunBeginning, observer: (any RunObserver)?, journaled: JournaledRun?
    ) {
        observe(run, observer)
        run.journaled = journaled
        guard let mirror = run.mirror else { return }
        mirror.driver.begin(run, with: beginning, on: self)
        if run.isCancelAsked { cancel(run) }
    }

    /// Leaves what a run has to do next to the process that drives it; no-op for a run that is driven here.
    func handOver(_ run: Run) {
        guard let mirror = run.mirror else { return }
        run.dropCommands()
        submit(run)
        mirror.driver.goOn(run, on: self)
    }

    /// Has the run stop, once.
    func stop(_ run: Run, _ mirror: RunMirror) {
        guard !run.isLost, !mirror.isAskedToStop, !run.machine.isOver, run.machine.cancelRequest.isNone else { return }
        deliver(.cancel(reason: run.cancelReason), to: run, mirror) { _ in }
    }

    /// Gives a run a message of this process, and calls `answered` on this thread.
    func deliver(
        _ request: InboxRequest, to run: Run, _ mirror: RunMirror,
        answered: @escaping @Sendable (InboxAnswer) -> Void
    ) {
        deliver(
            InboxMessage(number: takeMessageNumber(), run: run.id, content: .init(request), postedAt: now), to: run,
            mirror,
            answered: answered)
    }

    func deliver(
        _ message: InboxMessage, to run: Run, _ mirror: RunMirror,
        answered: @escaping @Sendable (InboxAnswer) -> Void
    ) {
        guard !run.isLost, !run.machine.isOver else {
            let failure = run.lost.map { RunFailure(code: $0.code, message: $0.message) } ?? RunFailure.over(run)
            let answer = InboxAnswer.refused(failure)
            if !run.isLost { self.answer(message.number, with: answer) }
            return answered(answer)
        }
        if message.content.kind == .cancel {
            mirror.isAskedToStop = true
            // What is to stop has an end to write, also in a run that was about to be given back.
            run.isHeld = false
        }
        mirror.driver.deliver(message, to: run, on: self, answered: answered)
    }

    /// Message numbers that no store gives.
    private func takeMessageNumber() -> Int64 {
        lastOwnMessage -= 1
        return lastOwnMessage
    }

    /// Has the store told what became of a message of it to which no entry belongs.
    package func answer(_ message: Int64, with answer: InboxAnswer) {
        if message > 0, journal != nil { openBatch().answer(message, with: answer) }
    }

    /// Takes what the process that drives a run has recorded: it is checked, and handed to the journal.
    ///
    /// - Parameter settling: messages of the store that the events answer.
    /// - Throws: ``JournalDamage`` where the events do not continue the run; it is as it was then.
    package func record(
        events: UnsafeRawBufferPointer, arena: UnsafeRawBufferPointer, settling messages: [Int64], of run: Run,
        with decoder: inout JournalDecoder
    ) throws(JournalDamage) {
        do throws(JournalDamage) {
            try decoder.take(events: events, arena: arena, onto: &run.machine, &run.log, of: run.id)
        } catch {
            run.rewind()
            throw error
        }
        if !messages.isEmpty { run.settlements.append(contentsOf: messages) }
        submit(run)
    }

    /// Records that an attempt of a step has used up its time, of which the process that drove the run said nothing; no-op where the
    /// attempt is over.
    package func timeOut(_ run: Run, frame: Int32, serial: UInt32) {
        guard !run.isLost, !run.machine.isOver, run.machine.frames.indices.contains(Int(frame)) else { return }
        let attempt = run.machine.frames[Int(frame)]
        guard attempt.phase == .running, attempt.serial == serial else { return }
        timedOut(run, frame, serial, .handler, attemptLimits(run.plan.nodes[Int(attempt.node)]), traceback: nil)
        run.dropCommands()
        submit(run)
    }

    /// Records that the process that drove a run has ended, and what follows from it; the run goes on with
    /// ``RunDriving/goOn(_:on:)``.
    package func recover(_ run: Run, from end: OwnerEnd, signal: String?) {
        guard !run.isLost, !run.machine.isOver, let journaled = run.journaled else { return }
        (journaled.ownerEnd, journaled.deathSignal) = (end, signal)
        run.goOn(at: now)
        // The next process may hear of it too late: what does not let itself be stopped would begin there again.
        if run.mirror?.isAskedToStop == true { recordCancel(run) }
        run.dropCommands()
        (journaled.ownerEnd, journaled.deathSignal) = (.none, nil)
        submit(run)
    }

    /// Has the driver of a run told, by ``RunDriving/due(_:on:)``, when a time of the day has come, in microseconds since 1970.
    package func remind(_ run: Run, at time: Int64) {
        timers.insert(
            TimerHeap.Timer(
                deadline: elapsed.advanced(clampingBy: max(time.distance(from: now), 0)), wall: time, run: run,
                purpose: .due))
    }

    /// Tells whoever watches a run of something that is kept nowhere.
    package func stream(_ event: TransientEvent, of run: Run) { run.observer?.runStreamed(event) }

    /// Gives a run up that the process refuses to go on with: what is recorded of it stays as it is, for whoever takes it up again.
    package func giveUp(_ run: Run, code: String, message: String) {
        guard !run.isLost else { return }
        lose(run, JournalError(code: JournalError.Code(rawValue: code), message: message))
        guard let store = journal as? any RunStore, let journaled = run.journaled, run.submittedEvents > 0 else {
            return
        }
        Task { try? await store.release([journaled]) }
    }

    /// Ends a run that no process brings any further; one of which nothing is recorded is given up.
    package func fail(_ run: Run, code: String, message: String) {
        guard !run.isLost, !run.machine.isOver else { return }
        guard run.log.count > 0 else { return giveUp(run, code: code, message: message) }
        let error = ErrorObject(code: code, message: message, retryable: false)
        run.decide(.abandoned(error: error.write(into: &run.log.arena)), at: now)
        run.dropCommands()
        submit(run)
    }
}
