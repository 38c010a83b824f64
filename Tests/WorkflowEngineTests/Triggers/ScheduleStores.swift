internal import MemoryJournal
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// A store that counts how often the schedules are read.
final class CountingStore: RunJournal, ForwardingStore {
    let inner: MemoryJournal
    let reads = Counter()

    init(_ clock: any EngineClock) { inner = MemoryJournal(clock: clock) }

    func submit(_ batch: JournalBatch, answer: @escaping @Sendable (JournalBatch, [JournalOutcome]) -> Void) {
        inner.submit(batch, answer: answer)
    }

    func scheduleMarks() async throws(JournalError) -> [ScheduleMark] {
        reads.increment()
        return try await inner.scheduleMarks()
    }
}

/// A store that may not read its schedules, or not write them, for a while.
final class LockedStore: RunJournal, ForwardingStore {
    let inner: MemoryJournal
    let isLocked = Mutex(true)
    /// Whether its schedules may not come to other times.
    let isFull = Mutex(false)

    init(_ clock: any EngineClock) { inner = MemoryJournal(clock: clock) }

    func submit(_ batch: JournalBatch, answer: @escaping @Sendable (JournalBatch, [JournalOutcome]) -> Void) {
        inner.submit(batch, answer: answer)
    }

    func scheduleMarks() async throws(JournalError) -> [ScheduleMark] {
        if isLocked.withLock({ $0 }) {
            throw JournalError(code: .storeFailed, message: "permission denied for table schedules")
        }
        return try await inner.scheduleMarks()
    }

    func advance(
        _ workflow: String, _ schedule: String, to time: Int64, run: String?, timing: String?
    ) async throws(JournalError) {
        if isFull.withLock({ $0 }) { throw JournalError(code: .storeFull, message: "there is no room") }
        try await inner.advance(workflow, schedule, to: time, run: run, timing: timing)
    }
}
