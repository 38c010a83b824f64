internal import GRDB
internal import StoredEntries
internal import WorkflowCore
package import WorkflowEngine

extension SQLiteJournal: RunOwning {
    package func claim(_ runs: [String]) async throws(JournalError) -> [Result<Claim, JournalError>] {
        if runs.isEmpty { return [] }
        return try await onWriter { writer throws(JournalError) in try writer.claim(runs) }
    }

    package func release(_ runs: [JournaledRun]) async throws(JournalError) {
        if runs.isEmpty { return }
        try await onWriter { writer throws(JournalError) in try writer.release(runs) }
    }
}

extension Writer {
    func claim(_ runs: [String]) throws(JournalError) -> [Result<Claim, JournalError>] {
        defer { if !inbox.waiting.isEmpty { deliverInbox() } }
        return try transaction {
            try becomeOwner()
            // What is there for runs that are owned already is told apart from what comes with the claims.
            try lookIntoInbox()
            var owners = try owners()
            let reader = try EntryReader(database)
            return try runs.map { try attempt($0, &owners, reader) }
        }
    }

    /// A claim that fails alone where the run cannot be read.
    func attempt(
        _ id: String, _ owners: inout OwnerTable, _ reader: EntryReader
    ) throws -> Result<Claim, JournalError> {
        do {
            return .success(try claim(id, &owners, reader))
        } catch let error as JournalError where error.isOfOneRun {
            return .failure(error)
        } catch {
            guard let damage = damage(error, of: id) else { throw error }
            return .failure(damage.error(store: path))
        }
    }

    private func claim(_ id: String, _ owners: inout OwnerTable, _ reader: EntryReader) throws -> Claim {
        guard var stored = try StoredHead.find(id, in: database) else { return .missing }
        var header = stored.header(owners)
        if header.status.isTerminal { return .over(header) }
        if header.owner != nil { return .owned(header) }
        // Before anything is changed: what cannot be read is not claimed.
        let run = try reader.load(stored, after: 0, header: header, for: .drive)
        if let gone = stored.owner, owners.isExpired(gone) {
            try depose(gone)
            owners.remove(gone)
            stored.owner = try Int64.fetchOne(
                database.cachedStatement(sql: "SELECT owner FROM runs WHERE row = ?"), arguments: [stored.row])
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
        let ownerEnd: OwnerEnd =
            switch stored.owner {
            case nil: .released
            case let owner?: owner < 0 ? .diedInCompany : .diedAlone
            }
        stored.owner = owner.number
        header.owner = owners.living(owner.number)
        header.isReleased = false
        let journaled = JournaledRun(run)
        let lease = journaled.makeSQLiteLease()
        lease.row = stored.row
        lease.fence = owner.number
        lease.head = stored.head
        journaled.ownerEnd = ownerEnd
        journaled.isQueued = stored.isQueued
        // Messages from an earlier time as its owner are among those that come with the claim.
        inbox.waiting.removeAll { $0.run == id }
        var claimed = run
        claimed.header = header
        return .claimed(ClaimedRun(journaled, claimed, try messages(for: stored.row)))
    }

    func release(_ runs: [JournaledRun]) throws(JournalError) {
        try transaction(durable: false) {
            try catchUp()
            for lease in runs.compactMap(\.sqliteLease) where lease.fence == owner.number && lease.row != 0 {
                undo.append(Undo(lease))
                try database.cachedStatement(sql: "UPDATE runs SET owner = NULL WHERE row = ? AND owner = ?")
                    .execute(arguments: [lease.row, owner.number])
                lease.fence = -1
            }
        }
    }
}
