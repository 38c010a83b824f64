internal import FlatValue
internal import LuaWorkflows
internal import SQLiteJournal
internal import Synchronization
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

/// A store that has no room for the beginnings of runs of one workflow for some time.
private final class NarrowStore: RunJournal, ForwardingStore {
    let inner: SQLiteJournal
    private let workflow: String
    private let refusals: Mutex<Int>

    init(_ inner: SQLiteJournal, refuses workflow: String, times: Int) {
        self.inner = inner
        self.workflow = workflow
        refusals = Mutex(times)
    }

    var left: Int { refusals.withLock { $0 } }

    func submit(_ batch: JournalBatch, answer: @escaping @Sendable (JournalBatch, [JournalOutcome]) -> Void) {
        let isRefused = refusals.withLock { left in
            guard left > 0, !batch.entries.isEmpty,
                batch.entries.allSatisfy({ $0.run.workflow == workflow && $0.sequence == 0 })
            else { return false }
            left -= 1
            return true
        }
        guard isRefused else { return inner.submit(batch, answer: answer) }
        let error = JournalError(code: .storeFull, message: "there is no room")
        answer(batch, batch.entries.map { _ in .failed(error) })
    }
}

@Suite("Runs that start others in a store that is full")
struct ChildStoreTests {
    private static let script = """
        local aikit = require "aikit"
        local kid = aikit.workflow { id = "kid" }:wait_for { id = "go", event = "go" }:commit()
        local parent = aikit.workflow { id = "parent" }
          :step { id = "start", handler = function() return aikit.start("kid", {}, { id = "k" }) end }
          :commit()
        return { parent, kid }
        """

    private func withParent(
        refusals: Int, _ body: (RunDirectory, NarrowStore) async throws -> Void
    ) async throws {
        let folder = try TemporaryDirectory()
        let sqlite = try SQLiteJournal(path: folder.store)
        let store = NarrowStore(sqlite, refuses: "kid", times: refusals)
        let engine = WorkflowEngine(workers: 2, host: NoHostOperations(), journal: store)
        let scripts = LuaCatalog(on: engine)
        try await scripts.load(source: Self.script, named: "parent.lua")
        let directory = try RunDirectory(engine, catalog: scripts)
        _ = try await directory.start(StartRequest(workflow: "parent", input: [:], id: "p"))
        try await body(directory, store)
        await engine.shutdown(grace: .seconds(5))
        await sqlite.close()
    }

    @Test func `wait for room, and do not fail`() async throws {
        try await withParent(refusals: 3) { directory, store in
            let (record, _) = try await directory.settled("p", within: .seconds(30))
            #expect(record.status == .success)
            #expect(store.left == 0)
            // It ends with its parent.
            #expect(try await directory.settled("k", within: .seconds(30)).record.status == .cancelled)
        }
    }

    @Test func `begin none once they have ended`() async throws {
        try await withParent(refusals: .max) { directory, store in
            while store.left == .max { try await Task.sleep(for: .milliseconds(1)) }
            #expect(try await directory.cancel("p").status == .cancelled)
            let left = store.left
            try await Task.sleep(for: .milliseconds(500))
            // One try may have been under way.
            #expect(store.left >= left - 1)
            #expect(try await directory.store.header(of: "k") == nil)
        }
    }
}
