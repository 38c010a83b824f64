internal import FlatValue
internal import Synchronization
internal import WorkflowCore
package import WorkflowEngine

/// A journal that lasts as long as its process.
///
/// Journals over one ``MemoryStore`` behave towards each other like processes that share a store on disk.
package final class MemoryJournal: RunJournal {
    let store: MemoryStore
    let clock: any EngineClock
    let lease: Int64
    /// This journal's number among the owners; 0 before it owns anything and after it lost its lease.
    let number = Mutex<Int64>(0)
    let isClosed = Atomic<Bool>(false)

    package init(
        _ store: MemoryStore = MemoryStore(), lease: Int64 = 15_000_000, clock: any EngineClock = SystemClock()
    ) {
        self.store = store
        self.clock = clock
        self.lease = lease
    }

    package func submit(
        _ batch: JournalBatch, answer: @escaping @Sendable (JournalBatch, [JournalOutcome]) -> Void
    ) {
        if isClosed.load(ordering: .acquiring) {
            let closed = JournalOutcome.failed(Self.closed)
            return answer(batch, Array(repeating: closed, count: batch.entries.count))
        }
        let now = clock.now()
        let outcomes = write { contents, owner in
            let outcomes = batch.entries.map { contents.write($0, batch.bytes.bytes, as: owner, at: now) }
            for settlement in batch.settlements {
                if case .durable = outcomes[settlement.entry] { contents.answer(settlement.message, .taken) }
            }
            for (message, answer) in batch.answers { contents.answer(message, answer) }
            return outcomes
        }
        answer(batch, outcomes)
    }

    static let closed = JournalError(code: .storeClosed, message: "the store in memory has been closed")

    /// Changes the store as its owner of that number, which this journal becomes if it is none or lost its lease.
    func write<Result: Sendable>(_ body: (inout MemoryStore.Contents, Int64) -> Result) -> Result {
        number.withLock { number in
            store.contents.withLock { contents in
                let until = clock.now() + lease
                if contents.owners[number] == nil {
                    contents.lastOwner += 1
                    number = contents.lastOwner
                    let owner = RunOwner(number: number, name: "memory:\(number)", leaseUntil: until, isSelf: false)
                    contents.owners[number] = (owner, [])
                }
                contents.owners[number]?.owner.leaseUntil = until
                contents.changes += 1
                return body(&contents, number)
            }
        }
    }

    func read<Result: Sendable>(
        _ body: (borrowing MemoryStore.Contents, Int64) -> Result
    ) throws(JournalError) -> Result {
        if isClosed.load(ordering: .acquiring) { throw Self.closed }
        let number = number.withLock { $0 }
        return store.contents.withLock { body($0, number) }
    }
}
