package import FlatValue
package import WorkflowCore

/// A run that was claimed and that nobody drives: its journal can be added to without running any of its code.
package final class ParkedRun {
    private let journaled: JournaledRun
    private var machine: RunMachine
    private var log = RunLog()
    /// How much of the log the journal has.
    private var writtenEvents = 0
    private var writtenArena = 0

    /// - Parameters:
    ///   - journaled: the run as the journal gave it when it was claimed.
    ///   - stored: all that the journal has of it.
    /// - Throws: as ``StoredRun/decoded(on:)`` does.
    package init(_ journaled: JournaledRun, _ stored: StoredRun, plan: Plan) throws(JournalError) {
        var decoder = try stored.decoded(on: plan)
        self.journaled = journaled
        machine = RunMachine(plan: plan, resting: decoder.log)
        log = decoder.takeLog()
        writtenEvents = log.count
        writtenArena = log.arena.count
    }

    deinit { log.deallocate() }

    /// Whether the run is over, as far as has been decided.
    package var isOver: Bool { machine.isOver }

    /// Cancels the run, which is over then unless something is called on the way to its end, which is left to whoever takes it up.
    /// What was under way when its process ended has stopped with it, and the journal says first that it was interrupted.
    ///
    /// - Throws: ``Refusal`` when the run is over.
    package func cancel(reason: String, at time: Int64) throws(Refusal) {
        if machine.isInterrupted, !machine.isClosing, journaled.ownerEnd != .none {
            let cause = log.arena.writing { $0.write(journaled.interruption) }
            // The run ends here: how often its steps have seen a process die does not count any more.
            try machine.decide(.recovered(cause: cause, died: false), at: time, log: &log)
        }
        let request = log.arena.writing { $0.write(["reason": Value(reason)] as Value) }
        try machine.decide(.cancelAsked(request: request), at: time, log: &log)
        var next = 0
        while next < machine.commands.count {
            let command = machine.commands[next]
            next += 1
            guard command.kind == .stop else { continue }
            try machine.decide(.stopped(frame: command.frame, serial: command.serial), at: time, log: &log)
        }
        machine.commands.removeAll()
        guard log.count > writtenEvents, log[log.count - 1].kind == .closingStart else { return }
        // No code runs here: what is called first begins where it runs.
        log.truncate(events: log.count - 1, arena: log.arena.count)
    }

    /// Notes that the run goes on in another way than it began, and what follows from it.
    package func resume(cause: Value, at time: Int64) {
        let cause = log.arena.writing { $0.write(cause) }
        try? machine.decide(.forked(cause: cause, frame: -1, input: .none), at: time, log: &log)
        machine.commands.removeAll()
    }

    /// Writes what has been decided.
    ///
    /// - Throws: ``JournalError`` when another process has taken the run over, or the store cannot be written.
    package func write(to journal: any RunJournal) async throws(JournalError) {
        guard log.count > writtenEvents else { return }
        try await journal.submitAlone(batch())
        writtenEvents = log.count
        writtenArena = log.arena.count
    }

    /// What has been decided and is not written, as one entry.
    func batch() -> JournalBatch {
        let batch = JournalBatch()
        batch.add(
            log, of: journaled, from: writtenEvents, arena: writtenArena, status: machine.status,
            wakeAt: machine.earliestDeadline)
        return batch
    }
}

extension RunJournal {
    /// Submits a batch of one entry and waits until it is durable.
    package func submitAlone(_ batch: JournalBatch) async throws(JournalError) {
        let outcome = await withCheckedContinuation { (continuation: CheckedContinuation<JournalOutcome?, Never>) in
            submit(batch) { _, outcomes in continuation.resume(returning: outcomes.first) }
        }
        switch outcome {
        case .durable: return
        case .failed(let error): throw error
        case .conflict, nil:
            throw JournalError(code: .conflict, message: "another process has taken the run over")
        }
    }
}
