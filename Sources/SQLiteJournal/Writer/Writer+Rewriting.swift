internal import Foundation
internal import GRDB
internal import WorkflowCore
package import WorkflowEngine

extension SQLiteJournal {
    package func rewrite(_ run: JournaledRun, events: [UInt8], generation: String) async throws(JournalError) {
        try await onWriter { writer throws(JournalError) in
            try writer.rewrite(run, events: events, generation: generation)
        }
    }
}

extension Writer {
    /// Replaces the events of a run along the chain of its entries; what they refer to stays.
    func rewrite(_ run: JournaledRun, events: [UInt8], generation: String) throws(JournalError) {
        let stride = MemoryLayout<Event>.stride
        try transaction {
            try catchUp()
            guard run.fence == owner.number, run.row != 0, run.head.sequence * stride == events.count else {
                throw JournalError.notOwned(run.id)
            }
            var entry = run.head.entry
            var end = run.head.sequence
            while entry != 0 {
                guard
                    let row = try Row.fetchOne(
                        database.cachedStatement(
                            sql: "SELECT previous, length(events) FROM entries WHERE id = ? AND run = ?"),
                        arguments: [entry, run.row])
                else { throw JournalError.notOwned(run.id) }
                let start = end - (row[1] as Int) / stride
                try database.cachedStatement(sql: "UPDATE entries SET events = ? WHERE id = ?").execute(
                    arguments: [Data(events[start * stride..<end * stride]), entry])
                (entry, end) = (row[0], start)
            }
            guard end == 0 else { throw JournalError.notOwned(run.id) }
            try database.cachedStatement(sql: "UPDATE runs SET generation = ? WHERE row = ?").execute(
                arguments: [generation, run.row])
        }
    }
}
