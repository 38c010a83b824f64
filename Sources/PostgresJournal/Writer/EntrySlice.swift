internal import FlatValue
internal import JSONSchema
internal import StoredEntries
internal import WorkflowCore
internal import WorkflowEngine

/// Entries that become one statement: what it needs of each, and the runs that they begin.
struct EntrySlice {
    /// One entry.
    struct Line {
        let place: Round.Place
        let run: JournaledRun
        let lease: PostgresLease
        /// How many events and arena bytes the run has after the entry.
        let end: Int
        let arenaEnd: Int
        let checksum: Int64
        let isFresh: Bool
        let payloads: [LargePayload]
        /// No later entry here is one of the same run.
        var isLast = true
    }

    private(set) var lines: [Line] = []
    /// The line with which each new run begins.
    private var beginnings: [Int] = []
    private var freshIDs: Set<String> = []
    private let owner: Int64
    private let number: Int
    private let largePayload: Int

    /// More than this the server takes in no message.
    private static let largestEntry = 256 << 20

    /// - Parameters:
    ///   - number: another one for each slice.
    ///   - largePayload: from how many bytes on payloads are stored by themselves.
    init(owner: Int64, number: Int, largePayload: Int) {
        self.owner = owner
        self.number = number
        self.largePayload = largePayload
    }

    var hasPayloads: Bool { lines.contains { !$0.payloads.isEmpty } }

    /// Adds an entry, unless it is none that can be written.
    ///
    /// - Parameter row: the number of a run that begins.
    mutating func add(_ place: Round.Place, of round: Round, row: () -> Int64) {
        let entry = round[place]
        let run = entry.run
        if max(entry.events.count, entry.arena.count) > Self.largestEntry {
            return round.decide(place, .failed(.tooLarge(run.id)))
        }
        let begins = entry.sequence == 0
        let lease: PostgresLease
        if begins {
            let isKnown = run.postgresLease.map { $0.sequence >= 0 || $0.draft.round == number } ?? false
            if isKnown || !freshIDs.insert(run.id).inserted { return round.decide(place, .conflict) }
            if let error = JournalError.unstorable(run) { return round.decide(place, .failed(error)) }
            lease = PostgresLease(row: row(), fence: owner)
            lease.draft = (number, 0, 0, -1)
            run.lease = lease
        } else if let known = run.postgresLease, known.fence == owner {
            lease = known
            if known.draft.round != number { known.draft = (number, known.sequence, known.arena, -1) }
        } else {
            return round.decide(place, .conflict)
        }
        guard lease.draft.sequence == entry.sequence else { return round.decide(place, .conflict) }
        append(entry, place, round.bytes(of: place), lease, begins: begins)
    }

    private mutating func append(
        _ entry: JournalEntry, _ place: Round.Place, _ bytes: UnsafeRawBufferPointer, _ lease: PostgresLease,
        begins: Bool
    ) {
        let events = UnsafeRawBufferPointer(rebasing: bytes[entry.events])
        let arena = UnsafeRawBufferPointer(rebasing: bytes[entry.arena])
        let before = lease.draft
        if before.entry >= 0 { lines[before.entry].isLast = false }
        if begins { beginnings.append(lines.count) }
        let end = before.sequence + entry.events.count / MemoryLayout<Event>.stride
        let arenaEnd = before.arena + entry.arena.count
        lease.draft = (number, end, arenaEnd, lines.count)
        lines.append(
            Line(
                place: place, run: entry.run, lease: lease, end: end, arenaEnd: arenaEnd,
                checksum: Checksum.of(events: events, arena: arena), isFresh: lease.sequence < 0,
                payloads: arena.count < largePayload
                    ? [] : LargePayload.find(events: events, arena: arena, start: before.arena, from: largePayload)))
    }

    // MARK: The statement

    /// Fills in the parameters of ``append``.
    ///
    /// - Parameter lease: in microseconds.
    func fill(_ parameters: Parameters, _ round: Round, lease: Int64) {
        parameters.empty()
        parameters.add(owner).add(lease)
        func column(_ type: Parameters.Element, _ write: (Line, JournalEntry) -> Void) {
            parameters.beginArray(of: type)
            for line in lines { write(line, round[line.place]) }
            parameters.endArray()
        }
        column(.int8) { line, _ in parameters.append(line.lease.row) }
        column(.int4) { _, entry in parameters.append(Int32(clamping: entry.sequence)) }
        column(.int4) { line, _ in parameters.append(Int32(clamping: line.end)) }
        column(.int8) { line, _ in parameters.append(Int64(line.arenaEnd)) }
        column(.int2) { _, entry in parameters.append(Int16(clamping: entry.status.number)) }
        column(.int8) { _, entry in parameters.append(entry.wakeAt) }
        column(.int8) { _, entry in parameters.append(entry.time) }
        column(.int8) { line, _ in parameters.append(line.checksum) }
        column(.bytea) { line, entry in
            parameters.append(UnsafeRawBufferPointer(rebasing: round.bytes(of: line.place)[entry.events]))
        }
        column(.bytea) { line, entry in
            let arena = UnsafeRawBufferPointer(rebasing: round.bytes(of: line.place)[entry.arena])
            if line.payloads.isEmpty {
                parameters.append(arena)
            } else {
                parameters.append(LargePayload.remainder(of: arena, without: line.payloads))
            }
        }
        column(.bytea) { line, _ in
            if line.payloads.isEmpty {
                parameters.appendNull()
            } else {
                parameters.append(LargePayload.encode(line.payloads))
            }
        }
        column(.bool) { line, _ in parameters.append(line.isFresh) }
        fillBeginnings(parameters, round)
        fillShown(parameters, round)
        fillLinks(parameters, round)
    }

    private func fillBeginnings(_ parameters: Parameters, _ round: Round) {
        func column(_ type: Parameters.Element, _ write: (Line, JournalEntry, Line) -> Void) {
            parameters.beginArray(of: type)
            for index in beginnings {
                let line = lines[index]
                write(line, round[line.place], lines[line.lease.draft.entry])
            }
            parameters.endArray()
        }
        column(.int8) { line, _, _ in parameters.append(line.lease.row) }
        column(.text) { line, _, _ in parameters.append(line.run.id) }
        column(.text) { line, _, _ in parameters.append(line.run.workflow) }
        column(.text) { line, _, _ in parameters.append(line.run.generation) }
        column(.text) { line, _, _ in parameters.append(line.run.lineage) }
        column(.text) { line, _, _ in
            parameters.append(line.run.origin.grant.isNull ? nil as String? : line.run.origin.grant.json)
        }
        column(.text) { line, _, _ in parameters.append(line.run.origin.fingerprint) }
        column(.text) { line, _, _ in parameters.append(line.run.origin.inputDigest) }
        column(.int8) { _, entry, _ in parameters.append(entry.time) }
        column(.int4) { _, _, last in parameters.append(Int32(clamping: last.end)) }
        column(.int8) { _, _, last in parameters.append(Int64(last.arenaEnd)) }
        column(.int2) { _, _, last in parameters.append(Int16(clamping: round[last.place].status.number)) }
        column(.int8) { _, _, last in parameters.append(round[last.place].wakeAt) }
        column(.int8) { _, _, last in parameters.append(round[last.place].time) }
    }

    /// Runs whose row has to show where they stand: all but those that were running and go on running.
    private func fillShown(_ parameters: Parameters, _ round: Round) {
        let shown = lines.filter { line in
            line.isLast && !line.isFresh
                && !(line.lease.shown == .running && round[line.place].status == .running)
        }
        func column(_ type: Parameters.Element, _ write: (Line, JournalEntry) -> Void) {
            parameters.beginArray(of: type)
            for line in shown { write(line, round[line.place]) }
            parameters.endArray()
        }
        column(.int8) { line, _ in parameters.append(line.lease.row) }
        column(.int4) { line, _ in parameters.append(Int32(clamping: line.end)) }
        column(.int8) { line, _ in parameters.append(Int64(line.arenaEnd)) }
        column(.int2) { _, entry in parameters.append(Int16(clamping: entry.status.number)) }
        column(.int8) { _, entry in parameters.append(entry.wakeAt) }
        column(.int8) { _, entry in parameters.append(entry.time) }
    }

    private func fillLinks(_ parameters: Parameters, _ round: Round) {
        parameters.beginArray(of: .bytea)
        for line in lines { round[line.place].link.withBytes { parameters.append($0) } }
        parameters.endArray()
    }

    /// Appends all entries, or none where the owner has lost its lease, which it locks and renews: whoever ends the
    /// ownership waits for the commit, or is waited for. Gives whether the owner is one still, and the entries (from
    /// 1) that conflict.
    static let append = """
        WITH own AS (
            UPDATE owners SET lease_until = greatest(lease_until, \(Schema.now) + $2::bigint) WHERE id = $1::bigint
            RETURNING id
        ), fresh AS (
            INSERT INTO runs (row, id, workflow, generation, lineage, granted, fingerprint, input_digest, created_at,
                sequence, arena_size, status, wake_at, updated_at, owner)
            SELECT n.*, own.id FROM own, unnest($15::bigint[], $16::text[], $17::text[], $18::text[], $19::text[],
                $20::text[], $21::text[], $22::text[], $23::bigint[], $24::integer[], $25::bigint[], $26::smallint[],
                $27::bigint[], $28::bigint[]) AS n
            ON CONFLICT (id) DO NOTHING RETURNING row
        ), written AS (
            INSERT INTO entries (run, start, sequence, arena_size, status, wake_at, time, checksum, events, arena, parts,
                link)
            SELECT e.run, e.start, e.sequence, e.arena_size, e.status, e.wake_at, e.time, e.checksum, e.events, e.arena,
                e.parts, e.link
            FROM own, unnest($3::bigint[], $4::integer[], $5::integer[], $6::bigint[], $7::smallint[], $8::bigint[],
                $9::bigint[], $10::bigint[], $11::bytea[], $12::bytea[], $13::bytea[], $14::boolean[], $35::bytea[])
                AS e(run, start, sequence, arena_size, status, wake_at, time, checksum, events, arena, parts, fresh, link)
            WHERE NOT e.fresh OR e.run IN (SELECT row FROM fresh)
            ON CONFLICT (run, start) DO NOTHING RETURNING run, start
        ), shown AS (
            UPDATE runs SET sequence = m.sequence, arena_size = m.arena_size, status = m.status, wake_at = m.wake_at,
                updated_at = m.time
            FROM own, unnest($29::bigint[], $30::integer[], $31::bigint[], $32::smallint[], $33::bigint[],
                $34::bigint[]) AS m(run, sequence, arena_size, status, wake_at, time)
            WHERE runs.row = m.run AND runs.owner = own.id
        )
        SELECT (SELECT count(*) FROM own), CASE WHEN (SELECT count(*) FROM written) < cardinality($3::bigint[]) THEN (
            SELECT string_agg(e.place::text, ',') FROM unnest($3::bigint[], $4::integer[]) WITH ORDINALITY
                AS e(run, start, place)
            WHERE (e.run, e.start) NOT IN (SELECT run, start FROM written)) END
        """

    /// Takes up that the entries are in the store, but for those that conflict, by their numbers from 1.
    func commit(_ round: Round, conflicts: Set<Int>) {
        for (index, line) in lines.enumerated() {
            if conflicts.contains(index + 1) {
                round.decide(line.place, .conflict)
                if line.isFresh { line.run.lease = nil }
                continue
            }
            round.decide(line.place, .durable)
            line.lease.sequence = line.end
            line.lease.arena = line.arenaEnd
            let status = round[line.place].status
            if line.isLast { line.lease.shown = status }
        }
    }
}

extension JournalError {
    static func tooLarge(_ run: String) -> JournalError {
        JournalError(
            code: .entryTooLarge, message: "run \(run) made more than 256 MB at once, which the store cannot keep")
    }

    /// Why a run's names cannot be stored; nil if they can.
    static func unstorable(_ run: JournaledRun) -> JournalError? {
        let texts =
            [run.id, run.workflow, run.generation, run.lineage, run.origin.fingerprint, run.origin.inputDigest]
            + (run.ticket.map { [$0.debounce] + $0.shares.map(\.key) } ?? [])
        guard texts.contains(where: { $0?.utf8.contains(0) == true }) else { return nil }
        return JournalError(
            code: .storeFailed,
            message: "PostgreSQL keeps no names and keys with a zero byte in them, as that of run \(run.id)")
    }
}
