internal import StoredEntries
internal import WorkflowCore
internal import WorkflowEngine

extension Writer {
    private static let mostEntries = 4096
    private static let mostBytes = 32 << 20

    /// Writes the entries of a round until all are decided, and the answers that belong to none.
    func write(_ round: Round) throws(PostgresFailure) {
        if round.isInDoubt {
            try settleDoubt(round)
            round.isInDoubt = false
        }
        while true {
            let places = round.undecided(limit: round.isApart ? 1 : Self.mostEntries, bytes: Self.mostBytes)
            if places.isEmpty { break }
            do throws(PostgresFailure) {
                try write(places, of: round)
            } catch  where round.isApart && !error.mayPass {
                round.decide(places[0], .failed(error.error(address)))
            }
        }
        let answers = round.batches.flatMap(\.batch.answers)
        if !answers.isEmpty { try answer(answers, connect()) }
    }

    private func write(_ places: [Round.Place], of round: Round) throws(PostgresFailure) {
        if places.contains(where: { round[$0].touchesQueue }) { return try writeQueued(places, of: round) }
        try becomeOwner()
        try reserveRows(places.count { round[$0].sequence == 0 })
        var slice = newSlice()
        for place in places { slice.add(place, of: round) { takeRow() } }
        if slice.lines.isEmpty { return }
        slice.fill(sliceParameters, round, lease: options.lease)
        let settled = settlements(of: slice, in: round)
        let outcome: (isOwner: Bool, conflicts: Set<Int>)
        let tagged = slice.tagged(round)
        if settled.isEmpty, tagged.isEmpty, !slice.hasPayloads {
            outcome = try append(connect())
        } else {
            outcome = try transaction { connection in
                if slice.hasPayloads { try store(slice, round, connection) }
                let outcome = try append(connection)
                let taken = settled.filter { !outcome.conflicts.contains($0.line) }
                if outcome.isOwner, !taken.isEmpty { try answer(taken.map { ($0.message, .taken) }, connection) }
                if outcome.isOwner { try replaceTags(tagged, except: outcome.conflicts, connection) }
                return outcome
            }
        }
        guard outcome.isOwner else { return loseLease() }
        noteRenewal()
        slice.commit(round, conflicts: outcome.conflicts)
    }

    /// Runs the statement whose parameters are filled in; again if it was undone only because of others.
    func append(_ connection: Connection) throws(PostgresFailure) -> (isOwner: Bool, conflicts: Set<Int>) {
        var attempts = 0
        while true {
            do throws(PostgresFailure) {
                let rows = try connection.run(prepared: "append", EntrySlice.append, sliceParameters)
                return try Self.outcome(rows)
            } catch {
                attempts += 1
                guard error.isSerialization, attempts < 10, !connection.isInTransaction else { throw error }
            }
        }
    }

    private static func outcome(_ rows: Rows) throws(PostgresFailure) -> (isOwner: Bool, conflicts: Set<Int>) {
        do {
            guard let row = rows.first else { return (false, []) }
            let conflicts = try row.optionalText(1)?.split(separator: ",").compactMap { Int($0) } ?? []
            return (try row.integer(0) == 1, Set(conflicts))
        } catch {
            throw PostgresFailure(error)
        }
    }

    /// The messages that entries of a slice take, with the number of the entry, from 1.
    func settlements(of slice: EntrySlice, in round: Round) -> [(line: Int, message: Int64)] {
        if round.batches.allSatisfy({ $0.batch.settlements.isEmpty }) { return [] }
        return slice.lines.enumerated().flatMap { index, line in
            round.batches[line.place.batch].batch.settlements.filter { $0.entry == line.place.entry }
                .map { (index + 1, $0.message) }
        }
    }

    // MARK: Values that are stored by themselves

    func store(_ slice: EntrySlice, _ round: Round, _ connection: Connection) throws {
        try lockContents(connection)
        var contents: [[UInt8]: UnsafeRawBufferPointer] = [:]
        var uses: [(hash: [UInt8], run: Int64)] = []
        for line in slice.lines {
            let arena = UnsafeRawBufferPointer(rebasing: round.bytes(of: line.place)[round[line.place].arena])
            for payload in line.payloads {
                contents[payload.hash] = UnsafeRawBufferPointer(rebasing: arena[payload.range])
                uses.append((payload.hash, line.lease.row))
            }
        }
        for (hash, bytes) in contents.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            try store(bytes, hash: hash, connection)
        }
        let parameters = Parameters()
        parameters.beginArray(of: .bytea)
        for use in uses { parameters.append(use.hash) }
        parameters.endArray().add(uses.map(\.run))
        try connection.run(
            "INSERT INTO content_uses SELECT * FROM unnest($1::bytea[], $2::bigint[]) ON CONFLICT DO NOTHING",
            parameters)
    }

    /// Stores bytes unless they are there. The contents have to be locked.
    func store(_ bytes: UnsafeRawBufferPointer, hash: [UInt8], _ connection: Connection) throws {
        _ = try connection.run(
            prepared: "store", "INSERT INTO contents VALUES ($1::bytea, $2::bytea) ON CONFLICT DO NOTHING",
            Parameters().add(hash).add(bytes))
    }

    /// Keeps contents that nothing refers to yet from being removed before this transaction ends.
    func lockContents(_ connection: Connection) throws {
        try connection.run(
            "SELECT pg_advisory_xact_lock_shared(hashtextextended($1::text, 8))", Parameters().add(options.schema))
    }

    // MARK: After a connection broke

    /// Finds out which entries of an attempt are in the store whose end nobody saw.
    private func settleDoubt(_ round: Round) throws(PostgresFailure) {
        let connection = try connect()
        let places = round.allUndecided.filter { !round[$0].run.id.utf8.contains(0) }
        let parameters = Parameters().add(owner)
        parameters.add(places.map { round[$0].run.id })
        parameters.add(places.map { Int64(round[$0].sequence) })
        parameters.beginArray(of: .int8)
        for place in places {
            let (entry, bytes) = (round[place], round.bytes(of: place))
            parameters.append(
                Checksum.of(
                    events: UnsafeRawBufferPointer(rebasing: bytes[entry.events]),
                    arena: UnsafeRawBufferPointer(rebasing: bytes[entry.arena])))
        }
        parameters.endArray()
        parameters.beginArray(of: .bool)
        for place in places { parameters.append(round[place].sequence == 0 && round[place].run.ticket?.isLeft == true) }
        parameters.endArray()
        do {
            // In the order of the entries, so that a run's lease ends where its newest one does. A run that this owner began may
            // have been taken over by another one meanwhile.
            let rows = try connection.run(
                """
                SELECT e.place, runs.row, entries.sequence, entries.arena_size, runs.status, runs.queued,
                    e.is_left OR runs.owner IS DISTINCT FROM $1::bigint
                FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::boolean[]) WITH ORDINALITY
                    AS e(id, start, checksum, is_left, place)
                JOIN runs ON runs.id = e.id AND (runs.owner = $1::bigint OR e.start = 0)
                JOIN entries ON entries.run = runs.row AND entries.start = e.start AND entries.checksum = e.checksum
                ORDER BY e.place
                """, parameters)
            for row in rows.all {
                let number = try row.natural(0)
                guard number > 0, number <= places.count, let status = RunMachine.Status(number: try row.integer(4))
                else { continue }
                let place = places[Int(number) - 1]
                let run = round[place].run
                let number64 = try row.natural(1)
                let lease: PostgresLease
                if let known = run.postgresLease, known.row == number64 {
                    lease = known
                } else {
                    lease = PostgresLease(row: number64, fence: owner)
                    run.lease = lease
                }
                lease.sequence = Int(try row.natural(2))
                lease.arena = Int(try row.natural(3))
                lease.shown = status
                run.isQueued = try row.integer(5) != 0
                if try row.flag(6) { lease.fence = -1 }
                round.decide(place, .durable)
            }
        } catch {
            throw PostgresFailure(error)
        }
    }
}
