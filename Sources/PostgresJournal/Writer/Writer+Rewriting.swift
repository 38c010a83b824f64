internal import StoredEntries
internal import WorkflowCore
internal import WorkflowEngine

extension Writer {
    /// Replaces the events of a run entry by entry, and appends what a batch has; what the events refer to stays.
    func rewrite(
        _ run: JournaledRun, _ rewriting: RunRewriting, appending batch: JournalBatch
    ) throws(PostgresFailure) {
        let notOwned = JournalError.notOwned(run.id)
        guard let lease = run.postgresLease, owner != 0, lease.fence == owner,
            lease.sequence * MemoryLayout<Event>.stride == rewriting.events.count
        else { throw .journal(notOwned) }
        let round = Round([(batch, { @Sendable _, _ in })])
        let slice = try transaction { connection -> EntrySlice in
            guard try renewLease(connection) else { throw notOwned }
            var slice = newSlice()
            for place in round.allUndecided { slice.add(place, of: round) { takeRow() } }
            guard slice.lines.count == batch.entries.count else { throw notOwned }
            if try isStored(slice, of: round, lease, connection) { return slice }
            try rewriteEntries(of: lease, rewriting, notOwned, connection)
            try connection.run(
                "UPDATE runs SET generation = $1::text, fingerprint = $2::text WHERE row = $3::bigint",
                Parameters().add(rewriting.generation).add(rewriting.fingerprint).add(lease.row))
            if slice.lines.isEmpty { return slice }
            if slice.hasPayloads { try store(slice, round, connection) }
            slice.fill(sliceParameters, round, lease: options.lease)
            let outcome = try append(connection)
            guard outcome.isOwner, outcome.conflicts.isEmpty else { throw notOwned }
            return slice
        }
        slice.commit(round, conflicts: [])
    }

    /// Whether the entries that a rewriting appends are there: all of it was done by an attempt whose answer was lost.
    private func isStored(
        _ slice: EntrySlice, of round: Round, _ lease: PostgresLease, _ connection: Connection
    ) throws -> Bool {
        if slice.lines.isEmpty { return false }
        let parameters = Parameters().add(lease.row)
        parameters.add(slice.lines.map { Int64(round[$0.place].sequence) }).add(slice.lines.map(\.checksum))
        let count = try connection.run(
            """
            SELECT count(*) FROM unnest($2::bigint[], $3::bigint[]) AS e(start, checksum)
            JOIN entries ON entries.run = $1::bigint AND entries.start = e.start AND entries.checksum = e.checksum
            """, parameters
        ).first?.integer(0)
        return count == Int64(slice.lines.count)
    }

    private func rewriteEntries(
        of lease: PostgresLease, _ rewriting: RunRewriting, _ notOwned: JournalError, _ connection: Connection
    ) throws {
        let events = rewriting.events
        let rows = try connection.run(
            "SELECT start, events, checksum FROM entries WHERE run = $1::bigint ORDER BY start FOR UPDATE",
            Parameters().add(lease.row))
        let parameters = Parameters().add(lease.row)
        var (starts, checksums): ([Int64], [Int64]) = ([], [])
        var pieces: [Range<Int>] = []
        var position = 0
        for row in rows.all {
            let old = try row.bytes(1)
            guard position + old.count <= events.count else { throw notOwned }
            let new = position..<position + old.count
            starts.append(try row.natural(0))
            checksums.append(
                try old.withUnsafeBytes { old in
                    try events.withUnsafeBytes {
                        Checksum.replacing(
                            old, by: UnsafeRawBufferPointer(rebasing: $0[new]), in: try row.integer(2))
                    }
                })
            pieces.append(new)
            position = new.upperBound
        }
        guard position == events.count, starts.count == rewriting.links.count else { throw notOwned }
        parameters.add(starts).add(checksums)
        parameters.beginArray(of: .bytea)
        for piece in pieces { parameters.append(Array(events[piece])) }
        parameters.endArray()
        parameters.beginArray(of: .bytea)
        for link in rewriting.links { link.withBytes { parameters.append($0) } }
        parameters.endArray()
        try connection.run(
            """
            UPDATE entries SET events = e.events, checksum = e.checksum, link = e.link
            FROM unnest($2::bigint[], $3::bigint[], $4::bytea[], $5::bytea[]) AS e(start, checksum, events, link)
            WHERE entries.run = $1::bigint AND entries.start = e.start
            """, parameters)
    }
}
