internal import Foundation
internal import StoreConformance
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

@testable internal import SQLiteJournal

@Suite("A store that may not be written can be looked at")
struct ReadOnlyStoreTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    /// A store with one run, without permission to write.
    private func makeStore(keepingLog: Bool) async throws {
        let journal = try SQLiteJournal(path: directory.store)
        await TestRun("r1").write(to: journal, status: .success)
        if keepingLog {
            // As a process that was killed leaves it.
            for end in ["", "-wal"] {
                try FileManager.default.copyItem(atPath: directory.store + end, toPath: directory.path + "/copy" + end)
            }
            await journal.close()
            try FileManager.default.removeItem(atPath: directory.store)
            for end in ["", "-wal"] {
                try FileManager.default.moveItem(atPath: directory.path + "/copy" + end, toPath: directory.store + end)
            }
        } else {
            await journal.close()
        }
        for name in try files() {
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o444], ofItemAtPath: directory.path + "/" + name)
        }
    }

    private func files() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
    }

    private func contents() throws -> [String: Data] {
        var contents: [String: Data] = [:]
        for name in try files() { contents[name] = try Data(contentsOf: URL(filePath: directory.path + "/" + name)) }
        return contents
    }

    @Test(arguments: [false, true]) func `nothing is made or changed beside it`(keepsLog: Bool) async throws {
        try await makeStore(keepingLog: keepsLog)
        let before = try contents()
        #expect(!SQLiteJournal.mayWrite(directory.store))
        let journal = SQLiteJournal(viewing: directory.store)
        #expect(try await journal.list(RunFilter()).map(\.id) == ["r1"])
        #expect(try await journal.load("r1")?.header.sequence == 1)
        #expect(try await journal.check() == [])
        await journal.close()
        #expect(try contents() == before)
    }

    @Test func `whatever would write says why it cannot`() async throws {
        try await makeStore(keepingLog: false)
        let journal = SQLiteJournal(viewing: directory.store)
        #expect(await TestRun("r2").write(to: journal).error?.code == "store_read_only")
        await #expect { try await journal.claim(["r1"]) } throws: { ($0 as? JournalError)?.code == "store_read_only" }
        await journal.close()
        #expect { try SQLiteJournal(path: directory.store) } throws: { error in
            (error as? JournalError)?.code == "store_read_only"
                && (error as? JournalError)?.message.contains("the file is read-only") == true
        }
    }

    @Test func `a store that somebody has open is read as it grows`() async throws {
        let journal = try SQLiteJournal(path: directory.store)
        let run = TestRun("r1")
        await run.write(to: journal)
        try FileManager.default.setAttributes([.posixPermissions: 0o444], ofItemAtPath: directory.store)
        let view = SQLiteJournal(viewing: directory.store)
        #expect(try await view.header(of: "r1")?.sequence == 1)
        await run.write(to: journal)
        #expect(try await view.header(of: "r1")?.sequence == 2)
        await view.close()
        await journal.close()
    }

    @Test func `a missing store is missed`() async throws {
        let journal = SQLiteJournal(viewing: directory.store)
        await #expect { try await journal.list(RunFilter()) } throws: { ($0 as? JournalError)?.code == "store_missing" }
        await journal.close()
    }
}
