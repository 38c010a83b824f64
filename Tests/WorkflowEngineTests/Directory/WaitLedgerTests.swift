import MemoryJournal
import Platform
import Synchronization
import Testing
import WorkflowCore

@testable import WorkflowEngine

/// A store that cannot be written for some time.
private final class StalledStore: RunJournal, ForwardingStore {
    let inner = MemoryJournal()
    private let state = Mutex((refusals: 0, notes: [WaitChanges]()))

    init(refusing count: Int = 0) { state.withLock { $0.refusals = count } }

    var notes: [WaitChanges] { state.withLock(\.notes) }

    func submit(_ batch: JournalBatch, answer: @escaping @Sendable (JournalBatch, [JournalOutcome]) -> Void) {
        inner.submit(batch, answer: answer)
    }

    func note(_ changes: WaitChanges) async throws(JournalError) {
        let isRefused = state.withLock { state in
            if state.refusals == 0 { state.notes.append(changes) }
            defer { state.refusals = max(state.refusals - 1, 0) }
            return state.refusals > 0
        }
        if isRefused { throw JournalError(code: .storeFull, message: "there is no room") }
    }

    func noted(_ count: Int) async throws {
        while notes.count < count { try await Task.sleep(for: .milliseconds(1)) }
    }
}

@Suite(.timeLimit(.minutes(1))) struct WaitLedgerTests {
    private let wait = ChainWait("a~2", for: "b")

    @Test func `a wait is noted for as long as it goes on, and two of a kind are one`() async throws {
        let store = StalledStore()
        let ledger = WaitLedger(store)
        await #expect(throws: Never.self) {
            try await ledger.noting(wait, of: "a~2") {
                try await store.noted(1)
                await ledger.noting(wait, of: "a~2") {}
            }
            try await store.noted(2)
        }
        #expect(store.notes.first?.begun == [wait: "a~2"])
        #expect(store.notes.last?.ended == [wait])
        #expect(store.notes.count { !$0.ended.isEmpty } == 1)
    }

    @Test func `what cannot be written is written later`() async throws {
        let store = StalledStore(refusing: 2)
        let ledger = WaitLedger(store)
        try await ledger.noting(wait, of: "a~2") { try await store.noted(1) }
        try await store.noted(2)
        #expect(store.notes.map(\.begun) == [[wait: "a~2"], [:]])
        #expect(store.notes.map(\.ended) == [[], [wait]])
    }
}
