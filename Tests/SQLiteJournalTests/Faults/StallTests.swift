internal import FlatValue
internal import Foundation
internal import GRDB
internal import Synchronization
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

@testable internal import SQLiteJournal

/// They break a store under 200 runs, and are run by themselves: `AIKIT_STALL_SECONDS=1 … --filter StallTests`.
@Suite(
    "Runs wait while the store cannot be written, and go on", .serialized, .timeLimit(.minutes(2)),
    .enabled(if: ProcessInfo.processInfo.environment["AIKIT_STALL_SECONDS"] != nil))
struct StallTests {
    /// How long the store cannot be written: longer than a lock is waited for.
    private static let fault = Duration.milliseconds(
        ProcessInfo.processInfo.environment["AIKIT_STALL_SECONDS"].flatMap { Int($0) }.map { $0 * 1000 } ?? 800)
    private static let ids = (0..<200).map { "r\($0)" }

    /// What happened to the store and to the steps.
    private final class Record: Sendable {
        private let state = Mutex((stalls: [String](), calls: [String: Int](), halfway: 0, isBroken: false))

        var stalls: [String] { state.withLock { $0.stalls } }
        var calls: [String: Int] { state.withLock { $0.calls } }
        /// How many runs wait in their middle for the fault.
        var halfway: Int { state.withLock { $0.halfway } }
        /// The store cannot be written now.
        var isBroken: Bool { state.withLock { $0.isBroken } }
        func comesHalfway() { state.withLock { $0.halfway += 1 } }
        func breaks() { state.withLock { $0.isBroken = true } }
        func note(_ error: JournalError?) { state.withLock { $0.stalls.append(error?.code ?? "goes on") } }
        func call(_ key: String) { state.withLock { $0.calls[key, default: 0] += 1 } }
    }

    /// Runs 200 runs with a fault in the middle, and expects all of them to end right.
    private func ride(
        _ path: String, _ code: String, fault: @Sendable (_ isBroken: () async throws -> Void) async throws -> Void
    ) async throws {
        let record = Record()
        let options = SQLiteJournalOptions(
            durability: .normal, lockTimeout: 50_000, onStall: { record.note($0) })
        let journal = try SQLiteJournal(path: path, options: options)
        let engine = WorkflowEngine(store: journal, workers: 2)
        let workflow = try Workflow(id: "ride") { handlers in
            (0..<20).flatMap { number in
                [
                    .step(
                        "s\(number)",
                        handler: handlers.inline { input, context in
                            record.call(context.idempotencyKey)
                            return Value((input.int ?? 0) + 1)
                        }),
                    .step(
                        "w\(number)",
                        handler: handlers.async { input, _ in
                            guard number == 10 else { return input }
                            record.comesHalfway()
                            while !record.isBroken { try await Task.sleep(for: .milliseconds(5)) }
                            return input
                        }),
                ]
            }
        }
        let runs = Self.ids.map { engine.createRun(workflow, id: $0) }
        for run in runs { try run.start(input: 0) }
        // A run that has not begun is refused rather than held.
        while record.halfway < runs.count { try await Task.sleep(for: .milliseconds(5)) }
        try await fault {
            record.breaks()
            while record.stalls.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
        }
        for run in runs { #expect(try await run.settled().result().result == 20) }
        #expect(record.calls.count == 200 * 20)
        #expect(record.calls.values.allSatisfy { $0 == 1 }, "a step ran twice")
        #expect(record.stalls == [code, "goes on"])
        await engine.shutdown(closing: journal)
        let after = try SQLiteJournal(path: path)
        #expect(try await after.check() == [])
        #expect(try await after.statistics().runs == [.success: 200])
        await after.close()
    }

    @Test func `while another connection holds the lock`() async throws {
        let directory = try TemporaryDirectory()
        try await ride(directory.store, "store_locked") { isBroken in
            var configuration = Configuration()
            configuration.allowsUnsafeTransactions = true
            configuration.busyMode = .timeout(5)
            let other = try DatabaseQueue(path: directory.store, configuration: configuration)
            try await other.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
            try await isBroken()
            try await Task.sleep(for: Self.fault)
            try await other.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
            try other.close()
        }
    }

    @Test(.enabled(if: SmallDisk.isPossible, "this machine lets nobody mount"))
    func `while the disk is full`() async throws {
        let disk = try SmallDisk(kilobytes: 60_000)
        defer { disk.unmount() }
        try await ride(disk.path + "/runs.db", "store_full") { isBroken in
            let other = disk.path + "/other"
            _ = FileManager.default.createFile(atPath: other, contents: nil)
            let file = try #require(FileHandle(forWritingAtPath: other))
            for size in [1 << 20, 4096] { while (try? file.write(contentsOf: Data(count: size))) != nil {} }
            try await isBroken()
            try await Task.sleep(for: Self.fault)
            try file.close()
            try FileManager.default.removeItem(atPath: other)
        }
    }
}
