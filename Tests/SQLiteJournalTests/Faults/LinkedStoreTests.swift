internal import Foundation
internal import StoreConformance
internal import Testing
internal import WorkflowEngine

@testable internal import SQLiteJournal

/// What a link in the place of a store leads to, relative to the test's folder.
private struct LinkCase: Sendable, CustomTestStringConvertible {
    var link: String
    var target: String
    /// The database that it leads to.
    var file: String
    /// The name that the store is opened by.
    var name: String

    var testDescription: String { "\(name) by \(link) -> \(target)" }

    static let all = [
        LinkCase(link: "link.db", target: "runs.db", file: "runs.db", name: "link.db"),
        LinkCase(link: "a/link.db", target: "../b/runs.db", file: "b/runs.db", name: "a/link.db"),
        LinkCase(link: "a/link.db", target: "../b/runs.db", file: "b/runs.db", name: "a/../b/../a/link.db"),
        LinkCase(link: "folder", target: "b", file: "b/runs.db", name: "folder/runs.db"),
        LinkCase(link: "a/folder", target: "../new", file: "new/runs.db", name: "a/folder/runs.db"),
    ]
}

@Suite("A store is the file that its name leads to")
struct LinkedStoreTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        for folder in ["a", "b"] {
            try FileManager.default.createDirectory(atPath: path(folder), withIntermediateDirectories: false)
        }
    }

    private func path(_ name: String) -> String { "\(directory.path)/\(name)" }

    private func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: path(name), withDestinationPath: target)
    }

    private func permissions(_ name: String) -> Int? {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path(name))
        return attributes?[.posixPermissions] as? Int
    }

    /// All names below the test's folder.
    private func files() -> Set<String> {
        Set(FileManager.default.subpaths(atPath: directory.path) ?? [])
    }

    @Test(arguments: LinkCase.all)
    private func `two names of one store see each other's processes`(_ links: LinkCase) async throws {
        try FileManager.default.createDirectory(
            atPath: (path(links.file) as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        let first = try SQLiteJournal(path: path(links.file))
        await TestRun("r1").write(to: first)
        try link(links.link, to: links.target)
        let second = try SQLiteJournal(path: path(links.name))
        #expect(second.path == path(links.name))
        #expect(try await second.header(of: "r1")?.owner != nil)
        #expect(try await second.claim("r1").owner != nil)
        await TestRun("r2").write(to: second)
        #expect(try await first.claim("r2").owner != nil)
        #expect(files().filter { $0.hasSuffix("-owners") } == [links.file + "-owners"])
        await second.close()
        await first.close()
    }

    @Test(arguments: LinkCase.all)
    private func `a store that a link names before it is there is made for its owner alone`(_ links: LinkCase)
        async throws
    {
        try link(links.link, to: links.target)
        let journal = try SQLiteJournal(
            path: path(links.name), options: SQLiteJournalOptions(hidesFromGit: true))
        #expect(await TestRun("r1").write(to: journal).isDurable)
        for end in ["", "-wal", "-shm", "-owners"] { #expect(permissions(links.file + end) == 0o600, "\(end)") }
        let folder = (links.file as NSString).deletingLastPathComponent
        let ignored = folder.isEmpty ? ".gitignore" : folder + "/.gitignore"
        #expect(files().filter { $0.hasSuffix(".gitignore") } == [ignored])
        #expect(try String(contentsOfFile: path(ignored), encoding: .utf8) == "runs.db*\n")
        await journal.close()
    }

    @Test func `a link that leads elsewhere meanwhile changes nothing for who has the store open`() async throws {
        try link("link.db", to: "a/runs.db")
        let journal = try SQLiteJournal(path: path("link.db"))
        let run = TestRun("r1")
        await run.write(to: journal)
        try FileManager.default.removeItem(atPath: path("link.db"))
        try link("link.db", to: "b/runs.db")
        #expect(await run.write(to: journal).isDurable)
        #expect(try await journal.header(of: "r1")?.sequence == 2)
        let other = try SQLiteJournal(path: path("link.db"))
        #expect(try await other.list(RunFilter()).isEmpty)
        let same = try SQLiteJournal(path: path("a/runs.db"))
        #expect(try await same.claim("r1").owner != nil)
        for store in [journal, other, same] { await store.close() }
    }

    @Test func `a deferred store is the one that its name leads to when it is first written`() async throws {
        let journal = SQLiteJournal(deferring: path("link.db"))
        try link("link.db", to: "a/runs.db")
        #expect(await TestRun("r1").write(to: journal).isDurable)
        #expect(permissions("a/runs.db-owners") == 0o600)
        await journal.close()
    }

    @Test func `what may not be written, and is looked at by a link, has its log and its owners beside the file`()
        async throws
    {
        let journal = try SQLiteJournal(path: path("a/runs.db"))
        await TestRun("r1").write(to: journal)
        try FileManager.default.setAttributes([.posixPermissions: 0o444], ofItemAtPath: path("a/runs.db"))
        try link("link.db", to: "a/runs.db")
        let before = files()
        #expect(!SQLiteJournal.mayWrite(path("link.db")))
        let view = SQLiteJournal(viewing: path("link.db"))
        #expect(try await view.header(of: "r1")?.owner != nil)
        await view.close()
        let copy = try StoreDuplicate(of: path("link.db"))
        #expect(FileManager.default.fileExists(atPath: copy.path + "-wal"))
        copy.remove()
        #expect(files() == before)
        await journal.close()
    }

    @Test func `links that lead in a circle are named`() throws {
        try link("one.db", to: "two.db")
        try link("two.db", to: "one.db")
        #expect { try SQLiteJournal(path: path("one.db")) } throws: { error in
            (error as? JournalError)?.code == "store_unavailable"
                && (error as? JournalError)?.message.contains("symbolic links") == true
        }
    }

    @Test func `a log that is lost is named as it lies`() async throws {
        try link("link.db", to: "a/runs.db")
        let journal = try SQLiteJournal(path: path("link.db"))
        let run = TestRun("r1")
        await run.write(to: journal)
        #expect(await run.write(to: journal).isDurable)
        try FileManager.default.removeItem(atPath: path("a/runs.db-wal"))
        let error = await run.write(to: journal).error
        #expect(error?.code == "store_deleted")
        #expect(error?.message.contains("/a/runs.db-wal") == true)
        await journal.close()
    }

    @Test func `a store with two hard links is not written, and can be looked at`() async throws {
        let journal = try SQLiteJournal(path: directory.store)
        let run = TestRun("r1")
        await run.write(to: journal)
        try FileManager.default.linkItem(atPath: directory.store, toPath: path("other.db"))
        // Who has it open already goes on: the other name may be a backup's.
        #expect(await run.write(to: journal).isDurable)
        await journal.close()
        let before = files()
        for name in [directory.store, path("other.db")] {
            #expect { try SQLiteJournal(path: name) } throws: { error in
                (error as? JournalError)?.code == "store_read_only"
                    && (error as? JournalError)?.message.contains("2 names (hard links)") == true
            }
            #expect(!SQLiteJournal.mayWrite(name))
            let view = SQLiteJournal(viewing: name)
            #expect(try await view.header(of: "r1")?.sequence == 2)
            await view.close()
        }
        #expect(files() == before)
        try FileManager.default.removeItem(atPath: path("other.db"))
        await try SQLiteJournal(path: directory.store).close()
    }
}
