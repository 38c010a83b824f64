internal import GRDB
internal import Platform
internal import WorkflowEngine

/// This journal as an owner of runs, which it becomes with the first run that it makes or claims.
struct Ownership {
    /// The store's number for it, never used twice; 0 for none.
    var number: Int64 = 0
    /// In microseconds since 1970.
    var leaseUntil: Int64 = 0
    /// The first entry that the rows in `runs` may not show, as the store knows it; nil if they show all.
    var behindFrom: Int64?

    /// When the lease is worth renewing; one row for all runs of the process.
    func renewAt(lease: Int64) -> Int64 { number == 0 ? .max : leaseUntil - lease / 3 * 2 }

    /// For people: the host and the process.
    static func name() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        gethostname(&buffer, buffer.count - 1)
        let host = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return "\(host):\(getpid())"
    }
}

extension Writer {
    /// Makes this journal an owner, in the transaction that is open.
    func becomeOwner() throws {
        if owner.number != 0 { return }
        // Entries that the rows do not show are looked at by every reader, until somebody tidies up behind their owner.
        try removeExpiredOwners()
        owner.leaseUntil = clock.now() + options.lease
        // The number is not left to SQLite alone: one row that was changed by hand would use its numbers up.
        try database.execute(
            sql: """
                INSERT INTO owners (id, name, lease_until) SELECT 1 + max(
                    coalesce((SELECT max(id) FROM owners WHERE id < 1 << 60), 0),
                    coalesce((SELECT max(seq) FROM sqlite_sequence
                        WHERE name = 'owners' AND typeof(seq) = 'integer' AND seq < 1 << 60), 0)), ?, ?
                """,
            arguments: [Ownership.name(), owner.leaseUntil])
        owner.number = database.lastInsertedRowID
        try locks.lock(owner.number)
        for generation in generations { try hold(generation) }
    }

    func renewLease() throws {
        let now = clock.now()
        guard owner.renewAt(lease: options.lease) <= now else { return }
        locks.keep()
        owner.leaseUntil = now + options.lease
        try database.cachedStatement(sql: "UPDATE owners SET lease_until = ? WHERE id = ?")
            .execute(arguments: [owner.leaseUntil, owner.number])
    }

    /// Whether the store still takes this journal for an owner.
    func isOwner() throws -> Bool {
        try Bool.fetchOne(
            database.cachedStatement(sql: "SELECT deposed = 0 FROM owners WHERE id = ?"), arguments: [owner.number])
            ?? false
    }

    /// Forgets all runs: another process has taken them, or may.
    func loseLease() throws {
        try removeOwner()
        locks.unlock(owner.number)
        owner = Ownership()
        for lease in behind { lease.head.isBehind = false }
        behind.removeAll()
        entriesBehind = 0
    }

    func removeOwner() throws {
        for table in ["owners WHERE id", "generation_holds WHERE owner"] {
            try database.execute(sql: "DELETE FROM \(table) = ?", arguments: [owner.number])
        }
    }

    /// Ends the ownership of one whose process is gone or hangs, so that its runs can be claimed.
    ///
    /// One that only hangs finds out by itself, with its next transaction, and its runs count as let go. Runs of a process that
    /// died while code of several of them was under way keep its number negated: none of them is known to be the cause.
    func depose(_ number: Int64) throws {
        try database.execute(
            sql: """
                UPDATE runs SET entry = newest.id, sequence = newest.sequence, arena_size = newest.arena_size,
                    status = newest.status, wake_at = newest.wake_at, updated_at = newest.time
                FROM (
                    SELECT entries.* FROM entries JOIN (
                        SELECT max(id) AS id FROM entries
                        WHERE id >= (SELECT behind_from FROM owners WHERE id = ?1) GROUP BY run
                    ) USING (id)
                ) AS newest
                WHERE runs.row = newest.run AND runs.owner = ?1
                """, arguments: [number])
        if locks.isHeld(number) == false {
            try database.execute(
                sql: """
                    UPDATE runs SET owner = -owner WHERE owner = ?1 AND status < 4
                        AND (SELECT count(*) FROM runs WHERE owner = ?1 AND status < 4 AND status = 1) > 1
                    """, arguments: [number])
        } else {
            try database.execute(
                sql: "UPDATE runs SET owner = NULL WHERE owner = ? AND status < 4", arguments: [number])
        }
        if locks.isHeld(number) == true {
            try database.execute(
                sql: "UPDATE owners SET deposed = 1, behind_from = NULL WHERE id = ?", arguments: [number])
        } else {
            try database.execute(sql: "DELETE FROM owners WHERE id = ?", arguments: [number])
            try database.execute(sql: "DELETE FROM generation_holds WHERE owner = ?", arguments: [number])
        }
    }

    /// Removes owners whose processes are gone; what they drove can be claimed as before.
    func removeExpiredOwners() throws {
        locks.newest = try OwnerTable.newest(in: database)
        for number in try Int64.fetchAll(database, sql: "SELECT id FROM owners") where number != owner.number {
            if number < 0 || locks.isHeld(number) == false { try depose(number) }
        }
    }
}
