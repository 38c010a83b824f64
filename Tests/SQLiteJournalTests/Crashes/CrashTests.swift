internal import FlatValue
internal import Foundation
internal import SQLiteJournal
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

@Suite("What was acknowledged is there after the process was killed")
struct CrashTests {
    /// How many processes are killed one after the other; more of them for a long night.
    private static let kills = ProcessInfo.processInfo.environment["AIKIT_CRASH_ROUNDS"].flatMap { Int($0) } ?? 12

    @Test func `kill after kill, no run loses an acknowledged event`() async throws {
        let directory = try TemporaryDirectory()
        let (store, notes) = (directory.store, directory.path + "/notes")
        for round in 0..<Self.kills {
            let moment = UInt32.random(in: 2000...250_000)
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [store = store as String, notes = notes as String, round = round as Int, moment = moment as UInt32] in
                try await CrashingWriter.work(store: store, notes: notes, generation: round, microseconds: moment)
            }
            try await examine(store, notes)
        }
    }

    private func examine(_ store: String, _ notes: String) async throws {
        guard FileManager.default.fileExists(atPath: store) else { return }
        let journal = try SQLiteJournal(path: store)
        #expect(try await journal.check().isEmpty)
        for (run, acknowledged) in try acknowledgements(notes) {
            let stored = try #require(try await journal.load(run), "run \(run) is gone")
            #expect(stored.header.sequence >= acknowledged, "run \(run) lost events")
        }
        for header in try await journal.list(RunFilter()) {
            let stored = try #require(try await journal.load(header.id))
            var log = RunLog()
            defer { log.deallocate() }
            stored.append(to: &log)
            #expect(log.count == header.sequence)
            let isWhole = (0..<log.count).allSatisfy { index in
                Value(log.value(log[index].payload)) == CrashingWriter.payload(index)
            }
            #expect(isWhole, "run \(header.id) has other events than were written")
        }
        await journal.close()
    }

    /// The newest acknowledged sequence of each run.
    private func acknowledgements(_ notes: String) throws -> [String: Int] {
        guard let text = try? String(contentsOfFile: notes, encoding: .utf8) else { return [:] }
        return text.split(separator: "\n").reduce(into: [:]) { newest, line in
            let words = line.split(separator: " ")
            if words.count == 2, let sequence = Int(words[1]) { newest[String(words[0])] = sequence }
        }
    }
}
