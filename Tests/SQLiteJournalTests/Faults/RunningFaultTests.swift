internal import FlatValue
internal import Foundation
internal import GRDB
internal import StoreConformance
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

@testable internal import SQLiteJournal

@Suite("A store that fails while it is open refuses whole entries")
struct RunningFaultTests {
    @Test func `a full disk, and then one with room again`() async throws {
        let directory = try TemporaryDirectory()
        let journal = try SQLiteJournal(path: directory.store, options: SQLiteJournalOptions(retryTime: 0))
        let run = TestRun("r1")
        await run.write(to: journal)
        try await journal.limitPages(to: 34)
        let other = TestRun("r2")
        let large = Value(String(repeating: "x", count: 50_000))
        var written = 0
        try await journal.checkWritable()
        while await other.write(large, to: journal).isDurable { written += 1 }
        let outcome = await TestRun("r3").write(large, to: journal)
        #expect(outcome.error?.code == "store_full")
        #expect(outcome.error?.message.contains(directory.store) == true)
        #expect(outcome.error?.message.hasSuffix("free space") == true && outcome.error?.remedy == .room)
        #expect(try await journal.header(of: "r3") == nil)
        #expect(try await journal.header(of: "r2")?.sequence == written)
        #expect(try await journal.check().isEmpty)

        try await journal.limitPages(to: 1_000_000)
        #expect(await run.write("after", to: journal).isDurable)
        #expect(run.matches(try await journal.load("r1")))
        await journal.close()
    }

    @Test(.enabled(if: SmallDisk.isPossible)) func `a file system without room`() async throws {
        let disk = try SmallDisk(kilobytes: 2048)
        defer { disk.unmount() }
        let journal = try SQLiteJournal(path: disk.path + "/runs.db", options: SQLiteJournalOptions(retryTime: 0))
        let run = TestRun("r1")
        var acknowledged = 0
        var failure: JournalError?
        while failure == nil {
            let outcome = await run.write(Value(String(repeating: "x", count: 10_000)), to: journal)
            if outcome.isDurable { acknowledged += 1 }
            failure = outcome.error
        }
        #expect(failure?.code == "store_full" || failure?.code == "store_io")
        #expect(acknowledged > 20)
        await journal.close()
        let again = try SQLiteJournal(path: disk.path + "/runs.db")
        #expect(try await again.header(of: "r1")?.sequence == acknowledged)
        #expect(try await again.check().isEmpty)
        await again.close()
    }

    @Test func `a store that another process has locked`() async throws {
        let directory = try TemporaryDirectory()
        let holder = try SQLiteJournal(path: directory.store)
        let journal = try SQLiteJournal(path: directory.store, options: SQLiteJournalOptions(lockTimeout: 50_000))
        let (held, holding) = AsyncStream.makeStream(of: Void.self)
        let gate = DispatchSemaphore(value: 0)
        async let hold: Void = holder.onWriter { writer throws(JournalError) in
            try writer.transaction {
                holding.yield()
                gate.wait()
            }
        }
        for await _ in held { break }
        let run = TestRun("r1")
        #expect(await run.write(to: journal).error?.code == "store_locked")
        gate.signal()
        try await hold
        #expect(await TestRun("r1").write(to: journal).isDurable)
        await journal.close()
        await holder.close()
    }

    @Test func `a store that was deleted`() async throws {
        let directory = try TemporaryDirectory()
        let journal = try SQLiteJournal(path: directory.store)
        let run = TestRun("r1")
        await run.write(to: journal)
        try FileManager.default.removeItem(atPath: directory.store)
        #expect(await run.write(to: journal).error?.code == "store_deleted")
        #expect(FileManager.default.createFile(atPath: directory.store, contents: nil))
        #expect(await run.write(to: journal).error?.code == "store_deleted")
        await journal.close()
    }

    @Test func `a store whose log was deleted`() async throws {
        let directory = try TemporaryDirectory()
        let journal = try SQLiteJournal(path: directory.store)
        let run = TestRun("r1")
        await run.write(to: journal)
        await run.write(to: journal)
        try FileManager.default.removeItem(atPath: directory.store + "-wal")
        #expect(await run.write(to: journal).error?.code == "store_deleted")
        await journal.close()
    }

    /// What somebody does to files of a store that is in use: a path, relative to the store, and what is then in it.
    enum Overwriting: String, CaseIterable, CustomTestStringConvertible {
        case emptiedDatabase, emptiedLog, shortenedLog, olderDatabase, otherLog

        var testDescription: String { rawValue }

        func happen(to store: String, older: Data) throws {
            let file = try #require(FileHandle(forWritingAtPath: path(of: store)))
            let size = try file.seekToEnd()
            switch self {
            case .emptiedDatabase, .emptiedLog: try file.truncate(atOffset: 0)
            case .shortenedLog: try file.truncate(atOffset: size - 100)
            case .olderDatabase:
                try file.truncate(atOffset: 0)
                try file.write(contentsOf: older)
            case .otherLog:
                try file.seek(toOffset: 0)
                try file.write(contentsOf: Data(repeating: 7, count: Int(size)))
            }
            try file.close()
        }

        private func path(of store: String) -> String {
            switch self {
            case .emptiedDatabase, .olderDatabase: store
            case .emptiedLog, .shortenedLog, .otherLog: store + "-wal"
            }
        }
    }

    @Test(arguments: Overwriting.allCases)
    func `a file of the store that was overwritten in place`(_ overwriting: Overwriting) async throws {
        let directory = try TemporaryDirectory()
        let first = try SQLiteJournal(path: directory.store)
        await TestRun("r0").write(to: first)
        await first.close()
        let older = try Data(contentsOf: URL(filePath: directory.store))

        let journal = try SQLiteJournal(path: directory.store)
        let run = TestRun("r1")
        #expect(await run.write(to: journal).isDurable)
        // What an older copy has not must be in the database, and not in the log alone.
        try await journal.onWriter { writer throws(JournalError) in writer.truncateLog() }
        #expect(await run.write(to: journal).isDurable)
        try overwriting.happen(to: directory.store, older: older)
        #expect(await run.write(to: journal).error?.code == "store_overwritten")
        #expect(await TestRun("r2").write(to: journal).error?.code == "store_overwritten")
        await journal.close()
    }

    @Test func `a time of change that was set is no overwriting`() async throws {
        let directory = try TemporaryDirectory()
        let journal = try SQLiteJournal(path: directory.store)
        let run = TestRun("r1")
        for hour in 0..<3 {
            #expect(await run.write(to: journal).isDurable)
            let time = Date(timeIntervalSince1970: Double(hour) * 3600)
            try FileManager.default.setAttributes([.modificationDate: time], ofItemAtPath: directory.store)
        }
        #expect(await run.write(to: journal).isDurable)
        await journal.close()
    }

    @Test func `what journals of one store do to its files is no overwriting`() async throws {
        let directory = try TemporaryDirectory()
        let journals = try (0..<2).map { _ in
            try SQLiteJournal(path: directory.store, options: SQLiteJournalOptions(logPages: 5))
        }
        let runs = (0..<2).map { TestRun("r\($0)") }
        for round in 0..<60 {
            for (run, journal) in zip(runs, journals) {
                #expect(await run.write(Value(String(repeating: "x", count: 5000)), to: journal).isDurable)
            }
            if round % 20 == 19 {
                await TestRun("other\(round)").write(to: journals[0], status: .success)
                _ = try await journals[0].prune(PruneFilter(vacuum: round % 40 == 39))
            }
        }
        for journal in journals { await journal.close() }
    }
}

extension SQLiteJournal {
    /// Lets the database grow to so many pages and no more.
    fileprivate func limitPages(to count: Int) async throws {
        try await onWriter { writer throws(JournalError) in
            do {
                try writer.database.execute(sql: "PRAGMA max_page_count = \(count)")
            } catch {
                throw JournalError(code: .storeFailed, message: "\(error)")
            }
        }
    }
}

/// A file system in memory of a fixed size, which only the superuser can mount.
struct SmallDisk {
    let path: String
    private let directory: TemporaryDirectory

    static let isPossible: Bool = {
        guard let disk = try? SmallDisk(kilobytes: 64) else { return false }
        disk.unmount()
        return true
    }()

    init(kilobytes: Int) throws {
        directory = try TemporaryDirectory()
        path = directory.path
        try Self.run(["mount", "-t", "tmpfs", "-o", "size=\(kilobytes)k", "tmpfs", path])
    }

    func unmount() { try? Self.run(["umount", path]) }

    private static func run(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        struct Refused: Error {}
        if process.terminationStatus != 0 { throw Refused() }
    }
}
