internal import JSONSchema
internal import StoredEntries
internal import WorkflowCore
internal import WorkflowEngine

extension Writer {
    /// Takes over runs that nobody drives; one answer for each, in order.
    func claim(_ ids: [String]) throws(PostgresFailure) -> [Result<Claim, JournalError>] {
        try becomeOwner()
        try releaseStranded()
        while true {
            let claims = try transaction { connection -> [Result<Claim, JournalError>]? in
                guard try renewLease(connection) else { return nil }
                try reapOwners(of: ids, connection)
                return try claim(ids, connection)
            }
            claiming.removeAll()
            if let claims { return claims }
            try becomeOwner()
        }
    }

    /// A run that this transaction takes over.
    private struct Taking {
        let stored: StoredHead
        let run: StoredRun
        let end: OwnerEnd
    }

    /// Takes over runs in the transaction that is open, under a lease that has been renewed in it.
    func claim(_ ids: [String], _ connection: Connection) throws -> [Result<Claim, JournalError>] {
        var heads: [String: Result<StoredHead, RunDamage>] = [:]
        // Rows that another claim is taking at this moment are passed over.
        let locked = try connection.run(
            "SELECT id FROM runs WHERE id = ANY($1::text[]) ORDER BY row FOR UPDATE SKIP LOCKED",
            Parameters().add(ids.filter { !$0.utf8.contains(0) })
        ).all.map { try $0.text(0) }
        // A statement of its own: the one that locks joins what it joined a row with before somebody else changed it, so that a run
        // which another claim has just taken would be shown as one whose owner is gone.
        let rows = try connection.run(
            StoredHead.query + "WHERE runs.id = ANY($2::text[]) ORDER BY runs.row", Parameters().add(owner).add(locked))
        for row in rows.all {
            do {
                let head = try StoredHead(row, own: owner)
                heads[head.header.id] = .success(head)
            } catch let damage as RunDamage {
                heads[damage.run] = .failure(damage)
            }
        }
        var takings: [String: Taking] = [:]
        var answers: [String: Result<Claim, JournalError>] = [:]
        let reader = EntryReader(connection)
        for id in ids where answers[id] == nil && takings[id] == nil {
            switch heads[id] {
            case nil:
                answers[id] = .success(try StoredHead.find(id, own: owner, on: connection).map(passing) ?? .missing)
            case .failure(let damage): answers[id] = .failure(damage.error(store: address.name))
            case .success(let stored):
                let isOwn = stored.owner == owner && claiming.contains(stored.row)
                if stored.header.status.isTerminal {
                    answers[id] = .success(.over(stored.header))
                } else if stored.header.owner != nil, !isOwn {
                    answers[id] = .success(.owned(stored.header))
                } else {
                    do {
                        takings[id] = Taking(
                            stored: stored, run: try reader.load(stored, after: 0, for: .drive),
                            end: OwnerEnd(stored, own: owner))
                    } catch let damage as RunDamage {
                        answers[id] = .failure(damage.error(store: address.name))
                    } catch let error as JournalError where error.isOfOneRun {
                        answers[id] = .failure(error)
                    }
                }
            }
        }
        let messages = try take(Array(takings.values), connection)
        var lease = RunOwner(number: owner, name: "", leaseUntil: 0, isSelf: true)
        if let row = try connection.run(
            "SELECT name, lease_until FROM owners WHERE id = $1::bigint", Parameters().add(owner)
        ).first {
            (lease.name, lease.leaseUntil) = (try row.text(0), try row.natural(1))
        }
        var isTaken: Set<String> = []
        return ids.map { id in
            if let answer = answers[id] { return answer }
            guard let taking = takings[id] else { return .success(.missing) }
            var header = taking.run.header
            (header.owner, header.isReleased) = (lease, false)
            // An id that is there twice is claimed once.
            guard isTaken.insert(id).inserted else { return .success(.owned(header)) }
            var run = taking.run
            run.header = header
            let journaled = JournaledRun(run)
            journaled.ownerEnd = taking.end
            journaled.isQueued = taking.stored.isQueued
            journaled.lease = PostgresLease(
                row: taking.stored.row, fence: owner, sequence: header.sequence, arena: header.arena,
                shown: header.status)
            return .success(.claimed(ClaimedRun(journaled, run, messages[id] ?? [])))
        }
    }

    /// What is said of a run that another claim is taking.
    private func passing(_ stored: StoredHead) -> Claim {
        stored.header.status.isTerminal ? .over(stored.header) : .owned(stored.header)
    }

    /// Makes runs this owner's, and gives the messages that wait for each.
    private func take(_ takings: [Taking], _ connection: Connection) throws -> [String: [InboxMessage]] {
        if takings.isEmpty { return [:] }
        let rows = takings.map(\.stored.row)
        try connection.run(
            "UPDATE runs SET owner = $1::bigint WHERE row = ANY($2::bigint[])", Parameters().add(owner).add(rows))
        claiming.formUnion(rows)
        let waiting = try connection.run(
            InboxMessage.query + "WHERE inbox.run = ANY($1::bigint[]) AND answer IS NULL ORDER BY inbox.id",
            Parameters().add(rows)
        ).all.compactMap(InboxMessage.init)
        inbox.delivered.formUnion(waiting.map(\.number))
        return Dictionary(grouping: waiting, by: \.run)
    }

    // MARK: Owners that are gone

    /// Ends the ownership of those who drive one of some runs and whose lease has run out.
    func reapOwners(of ids: [String], _ connection: Connection) throws {
        let gone = try connection.run(
            """
            SELECT DISTINCT owners.id FROM runs JOIN owners ON owners.id = runs.owner
            WHERE runs.id = ANY($1::text[]) AND owners.id <> $2::bigint AND lease_until <= \(Schema.now) ORDER BY 1
            """, Parameters().add(ids.filter { !$0.utf8.contains(0) }).add(owner))
        for row in gone.all { try reap(try row.natural(0), connection) }
    }

    /// Ends the ownership of one whose lease has run out, unless it has renewed it meanwhile. What it was writing is
    /// in the store before, or never is.
    ///
    /// One that only hangs finds out with its next write, and its runs count as let go. Runs of a process that died
    /// while code of several of them was under way carry its number negated: none of them is known to be the cause.
    private func reap(_ number: Int64, _ connection: Connection) throws {
        let parameters = Parameters().add(number)
        let isReaped =
            try connection.run(
                "DELETE FROM owners WHERE id = $1::bigint AND lease_until <= \(Schema.now)", parameters
            ).changed == 1
        guard isReaped else { return }
        let isHanging =
            try connection.run(
                """
                SELECT EXISTS (
                    SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND granted
                        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                        AND classid = (hashtext($1::text)::bigint & 4294967295)::oid
                        AND objid = ($2::bigint % 2147483647)::oid)
                """, Parameters().add(ownerLock).add(number)
            ).first?.flag(0) ?? false
        if isHanging {
            try connection.run("UPDATE runs SET owner = NULL WHERE owner = $1::bigint AND status < 4", parameters)
        } else {
            try connection.run(
                """
                UPDATE runs SET owner = -owner WHERE owner = $1::bigint AND status < 4
                    AND (SELECT count(*) FROM runs WHERE owner = $1::bigint AND status = 1) > 1
                """, parameters)
        }
        try connection.run("DELETE FROM generation_holds WHERE owner = $1::bigint", parameters)
    }
}

extension OwnerEnd {
    /// How the owner ended whose number a run carries.
    fileprivate init(_ stored: StoredHead, own: Int64) {
        self =
            switch stored.owner {
            case nil: .released
            case let owner? where owner == own: .released
            case let owner?: owner < 0 ? .diedInCompany : .diedAlone
            }
    }
}
