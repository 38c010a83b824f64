import Foundation
import SQLiteJournal
import Synchronization
import Testing
import WorkflowCore
import WorkflowEngine

@testable import aikit_lua

private let flow = """
    local aikit = require "aikit"
    return aikit.workflow { id = "flow" }
      :human { id = "ask", response_schema = aikit.schema.object { ok = aikit.schema.boolean() } }
      :commit()
    """

/// A store in which others do something between the look at all of it and the removal of what was found.
private final class InterveningStore: RunJournal, ForwardingStore, TokenStore {
    let inner: SQLiteJournal
    private let looks = Atomic<Int>(0)
    /// What reading a run ends with; nil to read it.
    let failure = Mutex<JournalError?>(nil)
    private let intervene: Mutex<(@Sendable () throws -> Void)?>

    init(_ inner: SQLiteJournal, _ intervene: @escaping @Sendable () throws -> Void) {
        self.inner = inner
        self.intervene = Mutex(intervene)
    }

    func submit(_ batch: JournalBatch, answer: @escaping @Sendable (JournalBatch, [JournalOutcome]) -> Void) {
        inner.submit(batch, answer: answer)
    }

    func check() async throws(JournalError) -> [StoreProblem] {
        looks.add(1, ordering: .sequentiallyConsistent)
        return try await inner.check()
    }

    /// Comes first behind the look.
    func prune(_ filter: PruneFilter) async throws(JournalError) -> PruneReport {
        let next = intervene.withLock { $0.take() }
        if let next {
            #expect(looks.load(ordering: .sequentiallyConsistent) == 1)
            #expect(throws: Never.self) { try next() }
        }
        return try await inner.prune(filter)
    }

    func load(_ run: String, after sequence: Int) async throws(JournalError) -> StoredRun? {
        if let failure = failure.withLock({ $0 }) { throw failure }
        return try await inner.load(run, after: sequence)
    }

    func add(_ token: AccessToken) async throws(JournalError) { try await inner.add(token) }
    func token(_ id: String) async throws(JournalError) -> AccessToken? { try await inner.token(id) }
    func tokens() async throws(JournalError) -> [AccessToken] { try await inner.tokens() }
    func removeToken(_ id: String) async throws(JournalError) -> Bool { try await inner.removeToken(id) }
}

extension CommandLine {
    /// What `runs prune --damaged` removes is damaged when it is removed.
    struct DamagedRunTests {
        /// What makes a run damaged, by what it reads, and what mends it.
        enum Damage: CaseIterable {
            /// Its row and its events tell of different states.
            case row
            /// Its entries do not make up the row.
            case entries

            var statement: String { self == .row ? "status = 2" : "arena_size = arena_size + 1" }
            var mending: String { self == .row ? "status = 3" : "arena_size = arena_size - 1" }
        }

        /// Removes what is damaged of a store of two runs, one of which is.
        ///
        /// - Returns: how many were removed, and how many are left.
        private func remove(
            _ damage: Damage, dryRun: Bool, meanwhile intervene: @escaping @Sendable (OtherConnection) throws -> Void
        ) async throws -> (removed: Int, left: Int) {
            let program = try Program(["flow.lua": flow])
            defer { program.remove() }
            for id in ["one", "two"] { #expect(try program.run("run", "flow.lua", "--run-id", id).status == 3) }
            let path = program.folder.appendingPathComponent(".aikit/runs.db").path
            let connection = try OtherConnection(path)
            try connection.execute("UPDATE runs SET \(damage.statement) WHERE id = 'one'")
            let journal = try SQLiteJournal(path: path)
            let store = InterveningStore(journal) { try intervene(try OtherConnection(path)) }
            let found = try await StoredRuns(journal).check().problems.map(\.run)
            #expect(found == ["one"])
            let report = try await StoredRuns(store).removeDamaged(dryRun: dryRun, vacuum: false)
            await journal.close()
            return (report.runs, try connection.number("SELECT count(*) FROM runs"))
        }

        @Test(arguments: Damage.allCases, [false, true])
        func `a run that is mended meanwhile stays`(damage: Damage, dryRun: Bool) async throws {
            let (removed, left) = try await remove(damage, dryRun: dryRun) {
                try $0.execute("UPDATE runs SET \(damage.mending) WHERE id = 'one'")
            }
            #expect((removed, left) == (0, 2))
        }

        @Test(arguments: Damage.allCases, [false, true])
        func `a run that is damaged still goes, and no other one`(damage: Damage, dryRun: Bool) async throws {
            let (removed, left) = try await remove(damage, dryRun: dryRun) {
                // What is damaged since then has not been found.
                try $0.execute("UPDATE runs SET \(damage.statement) WHERE id = 'two'")
            }
            #expect((removed, left) == (1, dryRun ? 2 : 1))
        }

        @Test(arguments: [JournalError.Code.storeIO, .storeBusy, .storeUnavailable])
        func `what says nothing of a run makes none damaged`(code: JournalError.Code) async throws {
            let program = try Program(["flow.lua": flow])
            defer { program.remove() }
            #expect(try program.run("run", "flow.lua", "--run-id", "one").status == 3)
            let journal = try SQLiteJournal(path: program.folder.appendingPathComponent(".aikit/runs.db").path)
            let store = InterveningStore(journal) {}
            store.failure.withLock { $0 = JournalError(code: code, message: "not now") }
            await #expect(throws: JournalError.self) { _ = try await StoredRuns(store).check() }
            await #expect(throws: JournalError.self) {
                _ = try await StoredRuns(store).removeDamaged(dryRun: false, vacuum: false)
            }
            #expect(try await journal.list(RunFilter()).count == 1)
            await journal.close()
        }

        @Test(arguments: Damage.allCases)
        func `a run that somebody else has removed is none that was removed`(damage: Damage) async throws {
            let (removed, left) = try await remove(damage, dryRun: false) {
                try $0.execute("DELETE FROM entries WHERE run = (SELECT row FROM runs WHERE id = 'one')")
                try $0.execute("DELETE FROM runs WHERE id = 'one'")
            }
            #expect((removed, left) == (0, 1))
        }
    }
}
