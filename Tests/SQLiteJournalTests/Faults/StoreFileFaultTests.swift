internal import Foundation
internal import GRDB
internal import StoreConformance
internal import Testing
internal import WorkflowEngine

@testable internal import SQLiteJournal

@Suite("A store that cannot be opened says why")
struct StoreFileFaultTests {
    private let directory = try? TemporaryDirectory()

    /// The code of the error that opening the store ends in.
    private func refusal(_ options: SQLiteJournalOptions = SQLiteJournalOptions()) async throws -> JournalError? {
        let directory = try #require(directory)
        do throws(JournalError) {
            let journal = try SQLiteJournal(path: directory.store, options: options)
            await journal.close()
            return nil
        } catch {
            #expect(error.message.contains(directory.store))
            return error
        }
    }

    /// Makes a store with one run, then changes bytes of its file.
    private func damage(_ bytes: [UInt8], at offset: UInt64) async throws {
        let directory = try #require(directory)
        let journal = try SQLiteJournal(path: directory.store)
        await TestRun("r1").write(to: journal)
        await journal.close()
        let file = try #require(FileHandle(forUpdatingAtPath: directory.store))
        try file.seek(toOffset: offset)
        try file.write(contentsOf: Data(bytes))
        try file.close()
    }

    @Test func `a store is made with its directories`() async throws {
        let directory = try #require(directory)
        let journal = try SQLiteJournal(path: directory.path + "/a/b/runs.db")
        #expect(await TestRun("r1").write(to: journal).isDurable)
        await journal.close()
    }

    @Test func `a store that somebody reads while it is to get its log is waited for`() async throws {
        let directory = try #require(directory)
        await try SQLiteJournal(path: directory.store).close()
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let reader = try DatabaseQueue(path: directory.store, configuration: configuration)
        try reader.inDatabase { database in
            try database.execute(sql: "PRAGMA journal_mode = DELETE; BEGIN")
            #expect(try Int.fetchOne(database, sql: "SELECT count(*) FROM runs") == 0)
        }
        #expect(try await refusal(SQLiteJournalOptions(lockTimeout: 100_000))?.code == "store_locked")
        Thread.detachNewThread {
            Thread.sleep(forTimeInterval: 0.1)
            try? reader.inDatabase { try $0.execute(sql: "ROLLBACK") }
        }
        await try SQLiteJournal(path: directory.store, options: SQLiteJournalOptions(lockTimeout: 30_000_000)).close()
    }

    @Test func `a directory in the place of a store, and a file in that of its directory`() async throws {
        let directory = try #require(directory)
        try FileManager.default.createDirectory(atPath: directory.store, withIntermediateDirectories: false)
        #expect(try await refusal()?.message.contains("is a directory; name a file in it") == true)
        let file = directory.path + "/file"
        #expect(FileManager.default.createFile(atPath: file, contents: nil))
        let error = #expect(throws: JournalError.self) { try SQLiteJournal(path: file + "/runs.db") }
        #expect(error?.message.contains("\(file) is a file and no directory") == true)
    }

    /// The permissions of a store's files, by the end of their names.
    private func permissions() throws -> [String: Int] {
        let directory = try #require(directory)
        var permissions: [String: Int] = [:]
        for end in ["", "-wal", "-shm", "-owners"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: directory.store + end)
            permissions[end] = try #require(attributes[.posixPermissions] as? Int)
        }
        return permissions
    }

    @Test func `the files of a new store are for their owner alone`() async throws {
        let directory = try #require(directory)
        let journal = try SQLiteJournal(path: directory.store)
        #expect(await TestRun("r1").write(to: journal).isDurable)
        #expect(try permissions() == ["": 0o600, "-wal": 0o600, "-shm": 0o600, "-owners": 0o600])
        await journal.close()
    }

    @Test func `a store that was opened up for others stays so, in all of its files`() async throws {
        let directory = try #require(directory)
        try Data().write(to: URL(filePath: directory.store))
        try FileManager.default.setAttributes([.posixPermissions: 0o664], ofItemAtPath: directory.store)
        let journal = try SQLiteJournal(path: directory.store)
        #expect(await TestRun("r1").write(to: journal).isDurable)
        #expect(try permissions() == ["": 0o664, "-wal": 0o664, "-shm": 0o664, "-owners": 0o664])
        await journal.close()
    }

    @Test(arguments: ["", ":memory:", "file:runs.db", "FILE:runs.db?mode=ro", "postgres://host/runs", "a\0b"])
    func `a name that is no file's`(name: String) {
        do throws(JournalError) {
            _ = try SQLiteJournal(path: name)
            Issue.record("a store was made")
        } catch {
            #expect(error.code == "store_unavailable")
            #expect(!error.message.contains("--"), "\(error.message)")
            #expect(error.remedy == (name == ":memory:" ? .storeInMemory : nil))
        }
    }

    @Test(arguments: ["runs.db", "./file:runs.db", "a:b.db", "/tmp/x://y", "memory:", "ä://x"])
    func `a name that is a file's, however odd`(name: String) throws {
        try SQLiteJournal.checkName(name)
    }

    @Test(arguments: ["-wal", "-shm", "-journal", "-owners"])
    func `a store has no name that is one of a file beside another store`(end: String) async throws {
        let directory = try #require(directory)
        let wrong = directory.store + end
        let error = #expect(throws: JournalError.self) { try SQLiteJournal(path: wrong) }
        #expect(error?.code == "store_unavailable" && error?.remedy == .otherStore)
        #expect(!FileManager.default.fileExists(atPath: wrong))
        // One that came there in another way is kept.
        let other = try SQLiteJournal(path: directory.path + "/other.db")
        #expect(await TestRun("r1").write(to: other).isDurable)
        await other.close()
        try FileManager.default.moveItem(atPath: directory.path + "/other.db", toPath: wrong)
        #expect(try await refusal()?.code == "store_unavailable")
        let kept = try SQLiteJournal(path: wrong)
        #expect(try await kept.header(of: "r1") != nil)
        await kept.close()
    }

    @Test func `a log whose store was taken away is not thrown away for a new store`() async throws {
        let directory = try #require(directory)
        let journal = try SQLiteJournal(path: directory.store)
        #expect(await TestRun("r1").write(to: journal).isDurable)
        // As processes leave it that are killed.
        let log = try Data(contentsOf: URL(filePath: directory.store + "-wal"))
        let file = try Data(contentsOf: URL(filePath: directory.store))
        await journal.close()
        try FileManager.default.removeItem(atPath: directory.store)
        try log.write(to: URL(filePath: directory.store + "-wal"))
        #expect(!log.isEmpty)
        #expect(try await refusal()?.code == "store_unavailable")
        try file.write(to: URL(filePath: directory.store))
        let again = try SQLiteJournal(path: directory.store)
        #expect(try await again.header(of: "r1") != nil)
        await again.close()
    }

    @Test func `git is kept from the files of a store and from nothing else`() async throws {
        let directory = try #require(directory)
        let ignored = directory.path + "/.gitignore"
        let journal = try SQLiteJournal(
            path: directory.store, options: SQLiteJournalOptions(hidesFromGit: true))
        await journal.close()
        #expect(try String(contentsOfFile: ignored, encoding: .utf8) == "runs.db*\n")
    }

    @Test func `a missing store, where none is to be made`() async throws {
        let error = try #require(try await refusal(SQLiteJournalOptions(creates: false)))
        #expect(error.code == "store_missing")
        #expect(error.remedy == .otherStore)
        #expect(error.message.hasSuffix("; name another one"))
    }

    @Test func `a newer schema`() async throws {
        try await damage([0, 0, 0, 99], at: 60)
        let error = try #require(try await refusal())
        #expect(error.code == "store_newer")
        #expect(error.message.contains("schema 99") && error.message.hasSuffix("or another store"))
        #expect(error.remedy == .otherStore)
    }

    @Test func `a database of another program`() async throws {
        try await damage([1, 2, 3, 4], at: 68)
        #expect(try await refusal()?.code == "store_foreign")
    }

    @Test func `a file that is no database`() async throws {
        let directory = try #require(directory)
        try Data(repeating: 0x5A, count: 10_000).write(to: URL(filePath: directory.store))
        #expect(try await refusal()?.code == "store_corrupt")
    }

    @Test func `a damaged page`() async throws {
        try await damage([UInt8](repeating: 0xEE, count: 40_000), at: 4096)
        let directory = try #require(directory)
        do throws(JournalError) {
            let journal = try SQLiteJournal(path: directory.store)
            let outcome = await TestRun("r2").write(to: journal)
            #expect(outcome.error?.code == "store_corrupt")
            await journal.close()
        } catch {
            #expect(error.code == "store_corrupt")
        }
    }

    @Test func `a directory that may not be written`() async throws {
        let directory = try #require(directory)
        let path = directory.store
        try FileManager.default.setAttributes([.posixPermissions: 0o555], ofItemAtPath: directory.path)
        defer { try? FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: directory.path) }
        // The superuser may write everywhere, so that the question is asked by somebody else.
        await #expect(processExitsWith: .success) { [path = path as String] in
            if geteuid() == 0 { try #require(seteuid(65534) == 0) }
            do throws(JournalError) {
                _ = try SQLiteJournal(path: path)
                Issue.record("the store was made")
            } catch {
                #expect(error.code == "store_unavailable")
                #expect(error.message.contains(path))
            }
        }
    }
}
