internal import GRDB
internal import WorkflowCore
package import WorkflowEngine

extension SQLiteJournal: RunOwning {
    package func claim(_ runs: [String]) async throws(JournalError) -> [Claim] {
        if runs.isEmpty { return [] }
        return try await onWriter { writer throws(JournalError) in try writer.claim(runs) }
    }

    package func release(_ runs: [JournaledRun]) async throws(JournalError) {
        if runs.isEmpty { return }
        try await onWriter { writer throws(JournalError) in try writer.release(runs) }
    }
}

extension Writer {
    func claim(_ runs: [String]) throws(JournalError) -> [Claim] {
        defer { if !inbox.waiting.isEmpty { deliverInbox() } }
        return try transaction {
            try becomeOwner()
            // What is there for runs that are owned already is told apart from what comes with the claims.
            try lookIntoInbox()
            var owners = try owners()
            let reader = try EntryReader(database, path)
            return try runs.map { try claim($0, &owners, reader) }
        }
    }

    private func claim(_ id: String, _ owners: inout OwnerTable, _ reader: EntryReader) throws -> Claim {
        guard var stored = try StoredHead.find(id, in: database) else { return .missing }
        var header = stored.header(owners)
        if header.status.isTerminal { return .over(header) }
        if header.owner != nil { return .owned(header) }
        if let gone = stored.owner, owners.isUnburied(gone) {
            try depose(gone)
            owners.bury(gone)
        }
        try database.cachedStatement(
            sql: """
                UPDATE runs SET owner = ?, entry = ?, sequence = ?, arena_size = ?, status = ?, wake_at = ?, updated_at = ?
                WHERE row = ?
                """
        ).execute(
            arguments: [
                owner.number, stored.head.entry, stored.head.sequence, stored.head.arena, stored.head.status.number,
                stored.head.wakeAt, stored.head.time, stored.row,
            ])
        let ownerDied = stored.owner != nil
        stored.owner = owner.number
        header.owner = owners.living(owner.number)
        let run = JournaledRun(
            id: id, workflow: header.workflow, generation: header.generation, lineage: header.lineage,
            origin: header.origin)
        run.row = stored.row
        run.fence = owner.number
        run.ownerDied = ownerDied
        run.head = stored.head
        // Messages from an earlier time as its owner are among those that come with the claim.
        inbox.waiting.removeAll { $0.run == id }
        return .claimed(run, try reader.load(stored, after: 0, header: header), try messages(for: stored.row))
    }

    func release(_ runs: [JournaledRun]) throws(JournalError) {
        try transaction(durable: false) {
            try catchUp()
            for run in runs where run.fence == owner.number && run.row != 0 {
                undo.append(Undo(run: run, row: run.row, fence: run.fence, head: run.head))
                try database.cachedStatement(sql: "UPDATE runs SET owner = NULL WHERE row = ? AND owner = ?")
                    .execute(arguments: [run.row, owner.number])
                run.fence = -1
            }
        }
    }
}
