internal import FlatValue
internal import JSONSchema
internal import WorkflowCore
internal import WorkflowEngine

extension JournalEntry {
    /// The entry gives its run a place in the queue, or takes the place from it.
    var touchesQueue: Bool {
        sequence == 0 && (run.ticket != nil || run.predecessor?.isQueued == true)
            || status.isTerminal && (run.isQueued || run.ticket != nil)
    }
}

extension Connection {
    /// Keeps others from changing the queue until the transaction ends. It is taken before any row is locked.
    func lockQueue(_ schema: String) throws(PostgresFailure) {
        try run("SELECT pg_advisory_xact_lock(hashtextextended($1::text, 9))", Parameters().add(schema))
    }
}

/// The queue, which all nodes change in turn, by functions of the database (``Schema/version2``).
extension Writer {
    // MARK: Coming and going

    /// What came of giving runs their places.
    private struct Entering {
        /// The rows of runs that have a place.
        var rows: [Round.Place: Int64] = [:]
        /// The runs that singletons have in place of others.
        var rivals: [Round.Place: String] = [:]
    }

    /// Writes entries of which some touch the queue, with the places that change by them.
    func writeQueued(_ places: [Round.Place], of round: Round) throws(PostgresFailure) {
        try becomeOwner()
        let written = try transaction { connection -> (EntrySlice, Entering, conflicts: Set<Int>)? in
            try connection.lockQueue(options.schema)
            guard try renewLease(connection) else { return nil }
            try reserveRows(places.count { round[$0].sequence == 0 })
            let entering = try enterQueue(places, of: round, connection)
            var slice = newSlice()
            for place in places where entering.rivals[place] == nil {
                slice.add(place, of: round) { entering.rows[place] ?? takeRow() }
            }
            if slice.lines.isEmpty { return (slice, entering, []) }
            slice.fill(sliceParameters, round, lease: options.lease)
            if slice.hasPayloads { try store(slice, round, connection) }
            let conflicts = try append(connection).conflicts
            let taken = settlements(of: slice, in: round).filter { !conflicts.contains($0.line) }
            if !taken.isEmpty { try answer(taken.map { ($0.message, .taken) }, connection) }
            try takePlaces(slice, conflicts, connection)
            try replaceTags(slice.tagged(round), except: conflicts, connection)
            try updateQueue(slice, entering, conflicts, of: round, connection)
            return (slice, entering, conflicts)
        }
        guard let (slice, entering, conflicts) = written else { return }
        noteRenewal()
        slice.commit(round, conflicts: conflicts)
        for (place, rival) in entering.rivals {
            let run = round[place].run
            run.rival = rival
            round.decide(place, .failed(.singleton(run.workflow, rival)))
        }
        for (index, line) in slice.lines.enumerated()
        where entering.rows[line.place] != nil && !conflicts.contains(index + 1) {
            line.run.isQueued = true
            if line.run.ticket?.isLeft == true { line.lease.fence = -1 }
        }
    }

    /// Gives the runs among new ones that have tickets their places.
    private func enterQueue(
        _ places: [Round.Place], of round: Round, _ connection: Connection
    ) throws -> Entering {
        var ids: Set<String> = []
        // The others end in a conflict, or cannot be written.
        let fresh = places.filter { place in
            let run = round[place].run
            return round[place].sequence == 0 && ids.insert(run.id).inserted && run.ticket != nil
                && (run.postgresLease?.sequence ?? -1) < 0 && JournalError.unstorable(run) == nil
        }
        if fresh.isEmpty { return Entering() }
        var entering = Entering()
        for place in fresh { entering.rows[place] = takeRow() }
        let parameters = Parameters().add(optional: options.queueTime?())
        func numbers(_ number: (Round.Place, QueueTicket) -> Int64) {
            parameters.add(fresh.map { number($0, round[$0].run.ticket ?? QueueTicket()) })
        }
        func texts(_ text: (JournaledRun) -> String?) {
            parameters.beginArray(of: .text)
            for place in fresh { parameters.append(text(round[place].run)) }
            parameters.endArray()
        }
        let now = clock.now()
        numbers { place, _ in entering.rows[place] ?? 0 }
        texts { $0.id }
        texts { $0.workflow }
        numbers { _, ticket in ticket.priority }
        numbers { _, ticket in
            ticket.readyAt > now ? min(ticket.readyAt.subtractingReportingOverflow(now).partialValue, 1 << 60) : 0
        }
        texts { $0.ticket?.share(.concurrency)?.key }
        numbers { _, ticket in Int64(ticket.share(.concurrency)?.limit ?? 0) }
        texts { $0.ticket?.share(.rate)?.key }
        numbers { _, ticket in Int64(ticket.share(.rate)?.limit ?? 0) }
        numbers { _, ticket in ticket.share(.rate)?.period ?? 0 }
        texts { $0.ticket?.share(.singleton)?.key }
        numbers { _, ticket in
            switch ticket.onConflict {
            case .queue: 0
            case .skip: 1
            case .cancelRunning: 2
            }
        }
        texts { $0.ticket?.debounce }
        let answers = try connection.run(
            """
            SELECT queue_enter(run, id, workflow, priority, ready_in, concurrency, concurrency_limit, rate, rate_limit,
                rate_period, singleton, conflict, debounce, coalesce($1::bigint, \(Schema.now)))
            FROM unnest($2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::text[], $8::bigint[],
                $9::text[], $10::bigint[], $11::bigint[], $12::text[], $13::bigint[], $14::text[])
                AS t(run, id, workflow, priority, ready_in, concurrency, concurrency_limit, rate, rate_limit,
                rate_period, singleton, conflict, debounce)
            """, parameters
        ).all
        for (place, row) in zip(fresh, answers) {
            guard let rival = try row.optionalText(0) else { continue }
            entering.rows[place] = nil
            // A known id ends in a conflict.
            if !rival.isEmpty { entering.rivals[place] = rival }
        }
        return entering
    }

    /// Gives the places of runs that have begun to those that follow on them.
    private func takePlaces(_ slice: EntrySlice, _ conflicts: Set<Int>, _ connection: Connection) throws {
        for (index, line) in slice.lines.enumerated() where line.isFresh && !conflicts.contains(index + 1) {
            guard let predecessor = line.run.predecessor, predecessor.isQueued, let old = predecessor.postgresLease
            else { continue }
            let changed = try connection.run(
                "UPDATE queue SET run = $2::bigint, id = $3::text WHERE run = $1::bigint AND state = 2",
                Parameters().add(old.row).add(line.lease.row).add(line.run.id)
            ).changed
            guard changed == 1 else { continue }
            try connection.run(
                """
                UPDATE runs SET queued = CASE WHEN row = $2::bigint THEN 2 ELSE 0 END
                WHERE row IN ($1::bigint, $2::bigint)
                """,
                Parameters().add(old.row).add(line.lease.row))
            line.run.isQueued = true
        }
    }

    /// Has the rows of runs show that they wait, and takes those that are over out of the queue, with those that have
    /// become none of this owner's.
    private func updateQueue(
        _ slice: EntrySlice, _ entering: Entering, _ conflicts: Set<Int>, of round: Round, _ connection: Connection
    ) throws {
        var leaving = Set(entering.rows.values)
        var (waiting, left): ([Int64], [Int64]) = ([], [])
        for (index, line) in slice.lines.enumerated() where !conflicts.contains(index + 1) {
            if entering.rows[line.place] != nil {
                leaving.remove(line.lease.row)
                waiting.append(line.lease.row)
                if line.run.ticket?.isLeft == true { left.append(line.lease.row) }
            }
            if round[line.place].status.isTerminal, round[line.place].touchesQueue { leaving.insert(line.lease.row) }
        }
        if !waiting.isEmpty {
            try connection.run(
                """
                UPDATE runs SET queued = 1, owner = CASE WHEN row = ANY($2::bigint[]) THEN NULL ELSE owner END
                WHERE row = ANY($1::bigint[])
                """, Parameters().add(waiting).add(left))
        }
        if !leaving.isEmpty { try leaveQueue(Array(leaving), connection) }
    }

    private func leaveQueue(_ rows: [Int64], _ connection: Connection) throws(PostgresFailure) {
        try connection.run("SELECT queue_leave(row) FROM unnest($1::bigint[]) AS row", Parameters().add(rows.sorted()))
    }

    // MARK: Beginning

    /// Lets runs begin, and claims those that nobody drives.
    func admit(_ scope: QueueScope, limit: Int) throws(PostgresFailure) -> QueuePass {
        try releaseStranded()
        let look = try lookAtQueue()
        // Whatever may begin is behind something that is looked at when it changes.
        if !look.isDue, !isQueueSetBack, claiming.isEmpty, case .all = scope {
            var pass = QueuePass()
            pass.nextAt = look.nextAt
            return pass
        }
        while true {
            try becomeOwner()
            let isSetBack = isQueueSetBack
            let pass = try transaction { connection -> QueuePass? in
                try connection.lockQueue(options.schema)
                guard try renewLease(connection) else { return nil }
                if isSetBack {
                    try connection.run(
                        "SELECT queue_set_back(coalesce($1::bigint, \(Schema.now)))",
                        Parameters().add(optional: options.queueTime?()))
                }
                var pass = try admit(scope, limit: limit, connection)
                // Nothing may fail once runs have begun: nobody would know of them.
                pass.nextAt = try lookAtQueue().nextAt
                return pass
            }
            claiming.removeAll()
            guard let pass else { continue }
            if isSetBack { isQueueSetBack = false }
            if pass.told > 0 { inbox.isDue = inbox.deliver != nil }
            return pass
        }
    }

    private func admit(_ scope: QueueScope, limit: Int, _ connection: Connection) throws -> QueuePass {
        let parameters = Parameters()
        if case .runs(let runs) = scope {
            parameters.add(runs.filter { !$0.utf8.contains(0) })
        } else {
            parameters.add(nil as String?)
        }
        parameters.add(owner).add(Int64(limit)).add(optional: options.queueTime?()).add(clock.now())
            .add(Value.null.withBytes { Array($0) })
        let rows = try connection.run(
            """
            SELECT begins, run_id, taken_by FROM queue_admit($1::text[], $2::bigint, $3::bigint,
                coalesce($4::bigint, \(Schema.now)), $5::bigint, $6::bytea)
            """, parameters)
        var pass = QueuePass()
        // Runs of an attempt of which nobody knows how it ended, if it has made them this owner's.
        var ids = try connection.run(
            "SELECT id FROM runs WHERE row = ANY($1::bigint[]) AND owner = $2::bigint AND status < 4",
            Parameters().add(Array(claiming)).add(owner)
        ).all.map { try $0.text(0) }
        var begun = ids.count
        for row in rows.all {
            let run = try row.text(1)
            if try row.flag(0) {
                begun += 1
                ids.append(run)
            } else {
                pass.replaced.append((run, try row.optionalText(2) ?? "a later one"))
            }
        }
        pass.isMore = begun >= limit
        if ids.isEmpty { return pass }
        try reapOwners(of: ids, connection)
        let claims = zip(ids, try claim(ids, connection))
        var lost: [String] = []
        for (id, claim) in claims {
            switch claim {
            case .success(.owned): pass.told += 1
            case .success(.over), .success(.missing): lost.append(id)
            case .success: pass.claims.append((id, claim))
            case .failure:
                // What cannot be read holds no places.
                lost.append(id)
                pass.claims.append((id, claim))
            }
        }
        if !lost.isEmpty {
            try connection.run(
                "SELECT queue_leave(run) FROM queue WHERE id = ANY($1::text[])", Parameters().add(lost))
        }
        if pass.told > 0 {
            try connection.run(
                "SELECT pg_notify($1::text, '')", Parameters().add(InboxListener.channel(options.schema)))
        }
        return pass
    }

    /// Whether letting runs begin may come to anything; and when it may because of time, by this process's clock, 0 for
    /// never.
    private func lookAtQueue() throws(PostgresFailure) -> (isDue: Bool, nextAt: Int64) {
        let row = try connect().run(
            prepared: "queue",
            """
            SELECT EXISTS (SELECT 1 FROM queue_lanes WHERE blocked = 0) OR EXISTS (SELECT 1 FROM queue WHERE state = 3)
                OR EXISTS (SELECT 1 FROM queue WHERE state = 2 AND replaced_by IS NOT NULL),
                least((SELECT min(ready_at) FROM queue WHERE state = 0),
                    (SELECT min(wake_at) FROM queue_lanes WHERE blocked = -1)),
                coalesce($1::bigint, \(Schema.now))
            """, Parameters().add(optional: options.queueTime?())
        ).first
        do {
            guard let row else { return (false, 0) }
            let (next, now) = (try row.optionalInteger(1), try row.natural(2))
            if queueWatch.isSetBack(at: now) { isQueueSetBack = true }
            guard let next else { return (try row.flag(0), 0) }
            return (try row.flag(0) || next <= now, max(clock.now() + min(next - now, 1 << 60), 1))
        } catch {
            throw PostgresFailure(error)
        }
    }
}
