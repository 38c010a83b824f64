internal import FlatValue
internal import Foundation
internal import SQLiteJournal
internal import StoreConformance
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// A process that writes to a store until it is killed, and notes what was acknowledged.
enum CrashingWriter {
    static let runs = 20

    /// Takes over what the last process left, begins new runs, and goes on with all of them until the end.
    static func work(store: String, notes: String, generation: Int, microseconds: UInt32) async throws {
        Thread.detachNewThread {
            usleep(microseconds)
            kill(getpid(), SIGKILL)
        }
        let journal = try SQLiteJournal(path: store, options: SQLiteJournalOptions(largePayload: 2000, logPages: 50))
        let notebook = open(notes, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        var runs = (0..<Self.runs).map { TestRun("\(generation)-\($0)") }
        let abandoned = try await journal.list(.abandoned).map(\.id)
        for claim in try await journal.claim(abandoned) { if let run = try claim.get().run?.0 { runs.append(run) } }
        while true {
            let batch = JournalBatch()
            for run in runs where Bool.random() || run.log.count == 0 {
                for _ in 0..<Int.random(in: 1...3) { run.add(.stepEvent, payload(run.log.count)) }
                if Int.random(in: 0..<40) == 0 { run.add(.workflowSuccess, payload(run.log.count), status: .success) }
                run.submit(in: batch)
            }
            let entries = batch.entries
            let outcomes = await journal.write(batch)
            var note = ""
            for (entry, outcome) in zip(entries, outcomes) {
                guard outcome.isDurable else { fatalError("\(outcome)") }
                note += "\(entry.run.id) \(entry.sequence + entry.events.count / MemoryLayout<Event>.stride)\n"
            }
            _ = note.withCString { write(notebook, $0, strlen($0)) }
            runs.removeAll { $0.log[$0.log.count - 1].kind.isTerminal }
            if runs.isEmpty { pause() }
        }
    }

    /// What event number `index` of any run carries; some are large.
    static func payload(_ index: Int) -> Value {
        index % 17 == 3
            ? Value(String(repeating: "large \(index) ", count: 400)) : ["index": Value(Int64(index))]
    }
}
