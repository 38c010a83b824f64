import FlatValue
internal import Foundation
internal import StoreConformance
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

@testable internal import SQLiteJournal

enum Adapter: CaseIterable {
    case memory, sqlite

    func makeBackend() throws -> any StoreBackend {
        switch self {
        case .memory: MemoryBackend()
        case .sqlite: try SQLiteBackend()
        }
    }
}

@Suite("The length of a queue")
struct QueueLengthTests {
    private func ticket(_ shares: [QueueTicket.Share], priority: Int64) -> QueueTicket {
        var ticket = QueueTicket()
        (ticket.shares, ticket.priority, ticket.isLeft) = (shares, priority, true)
        return ticket
    }

    private func admit(_ journal: any RunStore) async throws -> [TestRun] {
        try await journal.admit(.all, limit: .max).claims.compactMap { try $0.claim.get().run?.0 }
    }

    /// How long a queue is made to be measured, such as 100000; times are no test on a machine that does other things.
    private static let length = ProcessInfo.processInfo.environment["AIKIT_QUEUE_LENGTH"].flatMap { Int($0) }

    @Test(.enabled(if: length != nil), arguments: Adapter.allCases)
    func `a run begins as fast in a long queue as in a short one`(_ adapter: Adapter) async throws {
        var times: [Duration] = []
        let long = Self.length ?? 64
        for length in [64, long] {
            let journal = try await adapter.makeBackend().open()
            let shared = [QueueTicket.Share(.concurrency, key: "k", limit: 32)]
            var made = 0
            while made < length {
                let batch = JournalBatch()
                var runs: [TestRun] = []
                for _ in 0..<min(1000, length - made) {
                    made += 1
                    let run = TestRun("r\(made)")
                    run.journaled.ticket = ticket(shared, priority: Int64(made % 3))
                    run.add(.stepEvent, "payload", status: .queued)
                    run.submit(in: batch)
                    runs.append(run)
                }
                #expect(await journal.write(batch).allSatisfy(\.isDurable))
            }
            var begun = try await admit(journal)
            #expect(begun.count == 32)
            let start = ContinuousClock.now
            var count = 0
            while count < (length > 10_000 ? 3200 : 64) {
                let batch = JournalBatch()
                for run in begun {
                    run.add(.workflowSuccess, "done", status: .success)
                    run.submit(in: batch)
                }
                #expect(await journal.write(batch).allSatisfy(\.isDurable))
                count += begun.count
                begun = try await admit(journal)
                if begun.isEmpty { break }
            }
            times.append((ContinuousClock.now - start) / max(count, 1))
            await journal.close()
        }
        print("\(adapter): \(times[1]) a start with \(long) queued, \(times[0]) with 64")
        #expect(times[1] < times[0] * 4 + .milliseconds(1))
    }
}
