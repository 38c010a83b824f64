internal import Foundation
internal import StoreConformance
internal import Testing
internal import WorkflowEngine

@testable internal import SQLiteJournal

@Suite("A lost file of locks gives no run away")
struct OwnersFileTests {
    private let directory: TemporaryDirectory
    private let clock = VirtualClock()

    init() throws { directory = try TemporaryDirectory() }

    private func open() throws -> SQLiteJournal {
        try SQLiteJournal(
            path: directory.store, options: SQLiteJournalOptions(durability: .normal, lease: 15_000_000), clock: clock)
    }

    private func lose() throws { try FileManager.default.removeItem(atPath: directory.store + "-owners") }

    @Test func `an owner whose lock nobody sees any more keeps its runs as long as its lease`() async throws {
        let (first, second) = (try open(), try open())
        let run = TestRun("r1")
        await run.write(to: first)
        try lose()
        #expect(try await second.claim("r1").owner != nil)
        #expect(await run.write(to: first).isDurable)
        // The process that made the file anew is not told apart by a lock that the first one cannot see.
        let other = TestRun("r2")
        await other.write(to: second)
        #expect(try await first.claim("r2").owner != nil)
        #expect(try await second.claim("r1").owner != nil)
        await first.close()
        await second.close()
    }

    @Test func `what its owner let die with the file can be claimed when the lease is over`() async throws {
        let first = try open()
        await TestRun("r1").write(to: first)
        let second = try open()
        try lose()
        #expect(try await second.claim("r1").owner != nil)
        _ = clock.skip(to: clock.now() + 16_000_000)
        #expect(try await second.claim("r1").isClaimed)
        #expect(await TestRun("r3").write(to: second).isDurable)
        await first.close()
        await second.close()
    }

    @Test func `a new store's file tells of every owner at once`() async throws {
        let first = try open()
        await TestRun("r1").write(to: first)
        await first.close()
        let text = try String(contentsOfFile: directory.store + "-owners", encoding: .utf8).prefix { $0 != "\n" }
        #expect(text == "0")
    }
}
