package import FlatValue
internal import Synchronization
package import WorkflowCore
package import WorkflowEngine

/// A run that a test writes event by event, and checks against what a store gives back.
package final class TestRun {
    package let journaled: JournaledRun
    package private(set) var log: RunLog
    private var written = (events: 0, arena: 0)
    private var status = RunMachine.Status.running
    private var wakeAt: Int64 = 0

    package init(_ id: String, workflow: String = "orders", generation: String = "g1", lineage: String? = nil) {
        journaled = JournaledRun(id: id, workflow: workflow, generation: generation, lineage: lineage)
        log = RunLog()
    }

    /// Goes on with a run that was claimed.
    package init(_ journaled: JournaledRun, _ stored: StoredRun) {
        self.journaled = journaled
        log = RunLog()
        stored.append(to: &log)
        written = (log.count, log.arena.count)
        status = stored.header.status
    }

    deinit { log.deallocate() }

    /// Adds an event to what is written next.
    package func add(
        _ kind: EventKind = .stepEvent, _ payload: Value = "payload", status: RunMachine.Status = .running,
        wakeAt: Int64 = 0, time: Int64 = 1000
    ) {
        let slice = log.arena.writing { $0.write(payload) }
        log.append(Event(kind, time: time, frame: 0, node: Int32(log.count), payload: slice))
        self.status = status
        self.wakeAt = wakeAt
    }

    /// Puts what was added since the last time into a batch.
    package func submit(in batch: JournalBatch) {
        batch.add(log, of: journaled, from: written.events, arena: written.arena, status: status, wakeAt: wakeAt)
        written = (log.count, log.arena.count)
    }

    /// Adds an event and writes it.
    @discardableResult
    package func write(
        _ payload: Value = "payload", to journal: any RunJournal, status: RunMachine.Status = .running,
        wakeAt: Int64 = 0,
        time: Int64 = 1000, settling message: Int64? = nil
    ) async -> JournalOutcome {
        add(status.isTerminal ? .workflowSuccess : .stepEvent, payload, status: status, wakeAt: wakeAt, time: time)
        let batch = JournalBatch()
        submit(in: batch)
        if let message { batch.settle(message) }
        return await journal.write(batch)[0]
    }

    /// Whether a stored run is what was written.
    package func matches(_ stored: StoredRun?) -> Bool {
        guard let stored else { return false }
        let events = Array(log.eventBytes(from: stored.after))
        return stored.events == events && Array(log.arena.bytes.suffix(stored.arena.count)) == stored.arena
            && (stored.after > 0 || stored.arena.count == log.arena.count)
    }
}

extension RunJournal {
    /// Submits a batch and waits for its outcomes.
    package func write(_ batch: JournalBatch) async -> [JournalOutcome] {
        // What the journal has written into the runs of the batch is read behind the same lock.
        let answer = Mutex<[JournalOutcome]>([])
        await withCheckedContinuation { continuation in
            submit(batch) { _, outcomes in
                answer.withLock { $0 = outcomes }
                continuation.resume()
            }
        }
        return answer.withLock { $0 }
    }
}

extension JournalOutcome {
    package var isDurable: Bool { if case .durable = self { true } else { false } }
    package var isConflict: Bool { if case .conflict = self { true } else { false } }
    package var error: JournalError? { if case .failed(let error) = self { error } else { nil } }
}

extension Claim {
    package var isClaimed: Bool { if case .claimed = self { true } else { false } }
    package var isOver: Bool { if case .over = self { true } else { false } }
    package var isMissing: Bool { if case .missing = self { true } else { false } }
    package var owner: RunOwner? { if case .owned(let header) = self { header.owner } else { nil } }

    /// The run to go on with, and what waits for it.
    package var run: (TestRun, [InboxMessage])? {
        if case .claimed(let run) = self {
            (TestRun(run.journaled, run.stored), run.messages)
        } else {
            nil
        }
    }
}
