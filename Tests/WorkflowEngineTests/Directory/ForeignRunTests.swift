internal import FlatValue
internal import MemoryJournal
internal import Synchronization
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

/// A store in which a run ends between two looks of whoever waits for it: after a message has been taken, the second header is
/// not given before the run is over.
private final class LateStore: RunJournal, ForwardingStore {
    let inner: MemoryJournal
    private let ends: Gate
    private let isTaken = Atomic<Bool>(false)
    private let looks = Counter()

    init(_ inner: MemoryJournal, ends: Gate) { (self.inner, self.ends) = (inner, ends) }

    func submit(_ batch: JournalBatch, answer: @escaping @Sendable (JournalBatch, [JournalOutcome]) -> Void) {
        inner.submit(batch, answer: answer)
    }

    func answer(to message: Int64) async throws(JournalError) -> InboxAnswer? {
        let answer = try await inner.answer(to: message)
        if answer != nil { isTaken.store(true, ordering: .releasing) }
        return answer
    }

    func header(of run: String) async throws(JournalError) -> RunHeader? {
        if isTaken.load(ordering: .acquiring), looks.increment() == 2 {
            ends.open()
            while try await inner.header(of: run)?.status.isTerminal == false { await Task.yield() }
        }
        return try await inner.header(of: run)
    }
}

@Suite("Runs of other processes")
struct ForeignRunTests {
    @Test func `one that ends while it is looked at has been cancelled by who asked for it`() async throws {
        let store = MemoryStore()
        let (began, ends) = (Gate(), Gate())
        let workflow = try Workflow(id: "slow") { code in
            [
                .step(
                    "wait",
                    handler: code.async { input, _ in
                        began.open()
                        await ends.passed()
                        return input
                    })
            ]
        }
        try await withDirectory([workflow], store: store) { driver in
            let id = try await driver.start(StartRequest(workflow: "slow", input: [:])).id
            await began.passed()
            let late = LateStore(MemoryJournal(store), ends: ends)
            let engine = WorkflowEngine(workers: 1, host: NoHostOperations(), journal: late)
            let other = try RunDirectory(engine, catalog: FixedCatalog([workflow]))
            let record = try await other.cancel(id)
            #expect(record.status == .cancelled)
            other.events.close()
            engine.shutdown()
            await late.close()
        }
    }
}
