internal import Foundation
internal import GRDB
internal import StoredEntries
internal import WorkflowCore
package import WorkflowEngine

extension SQLiteJournal {
    package func rewrite(_ run: JournaledRun, _ rewriting: RunRewriting, appending batch: JournalBatch)
        async throws(JournalError)
    {
        try await onWriter { writer throws(JournalError) in try writer.rewrite(run, rewriting, appending: batch) }
    }
}

extension Writer {
    /// Replaces the events of a run along the chain of its entries; what they refer to stays.
    func rewrite(_ run: JournaledRun, _ rewriting: RunRewriting, appending batch: JournalBatch) throws(JournalError) {
        try transaction {
            try catchUp()
            guard let lease = run.sqliteLease, lease.fence == owner.number, lease.row != 0,
                lease.head.sequence * MemoryLayout<Event>.stride == rewriting.events.count
            else { throw JournalError.notOwned(run.id) }
            try rewriteEntries(of: run, lease, rewriting)
            try database.cachedStatement(sql: "UPDATE runs SET generation = ?, fingerprint = ? WHERE row = ?").execute(
                arguments: [rewriting.generation, rewriting.fingerprint, lease.row])
            for outcome in try append(batch) {
                switch outcome {
                case .durable: continue
                case .failed(let error): throw error
                case .conflict: throw JournalError.notOwned(run.id)
                }
            }
        }
    }

    private func rewriteEntries(of run: JournaledRun, _ lease: SQLiteLease, _ rewriting: RunRewriting) throws {
        let events = rewriting.events
        var links = rewriting.links
        var entry = lease.head.entry
        var end = events.count
        while entry != 0 {
            guard
                let row = try Row.fetchOne(
                    database.cachedStatement(
                        sql: "SELECT previous, events, checksum FROM entries WHERE id = ? AND run = ?"),
                    arguments: [entry, lease.row])
            else { throw JournalError.notOwned(run.id) }
            let old = try row.bytes(1)
            let start = end - old.count
            guard start >= 0, let link = links.popLast() else { throw JournalError.notOwned(run.id) }
            let new = Data(events[start..<end])
            let checksum = try row.optionalInteger(2).map { checksum in
                old.withUnsafeBytes { old in
                    new.withUnsafeBytes { Checksum.replacing(old, by: $0, in: checksum) }
                }
            }
            try database.cachedStatement(sql: "UPDATE entries SET events = ?, checksum = ?, link = ? WHERE id = ?")
                .execute(arguments: [new, checksum, link.withBytes { Data($0) }, entry])
            (entry, end) = (try row.integer(0), start)
        }
        guard end == 0, links.isEmpty else { throw JournalError.notOwned(run.id) }
    }
}
