internal import StoredEntries
internal import WorkflowCore
internal import WorkflowEngine

/// Reads the entries of runs.
struct EntryReader {
    private let connection: Connection

    init(_ connection: Connection) { self.connection = connection }

    /// The events of a run that follow on event `after`, or on the end of an entry before it.
    ///
    /// A store is input: nothing is reserved or counted by what it says before it has been looked at.
    ///
    /// - Throws: ``RunDamage`` at the first entry that does not fit; ``JournalError`` with the code `not_enough_memory`.
    func load(_ stored: StoredHead, after: Int, for purpose: StoredRun.Purpose = .look) throws -> StoredRun {
        let header = stored.header
        guard header.arena <= Int(UInt32.max), header.sequence <= Int(Int32.max) else {
            throw RunDamage(run: header.id, reason: "it is larger than any run can be")
        }
        let known = after == 0 ? (sequence: 0, arena: 0) : try place(of: after, in: stored)
        let memory = try StoredRun.expectMemory(
            for: header.id, events: max(header.sequence - known.sequence, 0), arena: max(header.arena - known.arena, 0),
            purpose: purpose)
        let rows = try connection.run(prepared: "entries", Self.query, parameters(stored, after))
        var run = StoredRun(header: header, after: 0, events: [], arena: [])
        run.memory = memory
        var isFirst = true
        // Where the run stands, and where the arena of what is read begins.
        var (sequence, base) = (0, 0)
        for row in rows.all {
            let start = Int(try row.natural(0))
            let (end, arenaEnd) = (Int(try row.natural(1)), Int(try row.natural(2)))
            func fail(_ reason: String) -> RunDamage { RunDamage(run: header.id, event: sequence + 1, reason: reason) }
            guard try row.integer(6) == Self.format else { throw newer(header.id, try row.integer(6)) }
            if isFirst, after > 0 { (sequence, run.after) = (start, start) }
            guard start == sequence, end >= start, end <= header.sequence, arenaEnd <= header.arena else {
                throw fail("ends in no possible place, or does not follow on the one before it")
            }
            let (firstEvent, firstByte) = (run.events.count, run.arena.count)
            try row.withBytes(3) { run.events.append(contentsOf: $0) }
            guard run.events.count - firstEvent == (end - start) * MemoryLayout<Event>.stride else {
                throw fail("has another number of events than it says")
            }
            if let fault = try appendArena(of: row, to: &run) { throw fail(fault) }
            let size = run.arena.count - firstByte
            if isFirst { base = arenaEnd - size }
            guard base >= 0, base == 0 || after > 0, base + run.arena.count == arenaEnd else {
                throw fail("has other values than it says")
            }
            let checksum = run.events.withUnsafeBytes { events in
                run.arena.withUnsafeBytes { arena in
                    Checksum.of(
                        events: UnsafeRawBufferPointer(rebasing: events[firstEvent...]),
                        arena: UnsafeRawBufferPointer(rebasing: arena[firstByte...]))
                }
            }
            guard try row.integer(7) == checksum else {
                throw fail("has bytes that have changed since they were written")
            }
            let link = row.isNull(8) ? nil : try row.withBytes(8) { EntryLink($0) }
            guard row.isNull(8) || link != nil else { throw fail("has no possible link") }
            run.entries.append(StoredEntry(sequence: end, arena: arenaEnd, link: link))
            (sequence, isFirst) = (end, false)
        }
        if isFirst, after > 0 { (sequence, run.after) = (header.sequence, header.sequence) }
        guard sequence == header.sequence, isFirst || base + run.arena.count == header.arena else {
            throw RunDamage(
                run: header.id, reason: "it has \(sequence) events where \(header.sequence) are said to be")
        }
        return run
    }

    /// Where a run stood after the last entry that ends with event `after` or before it.
    private func place(of after: Int, in stored: StoredHead) throws -> (sequence: Int, arena: Int) {
        let row = try connection.run(
            prepared: "place",
            """
            SELECT sequence, arena_size FROM entries WHERE run = $1::bigint AND sequence <= $2::integer
            ORDER BY sequence DESC LIMIT 1
            """, Parameters().add(stored.row).add(Self.word(after))
        ).first
        guard let row else { return (0, 0) }
        return (Int(try row.natural(0)), Int(try row.natural(1)))
    }

    private static func word(_ number: Int) -> [UInt8] {
        withUnsafeBytes(of: Int32(clamping: number).bigEndian) { Array($0) }
    }

    /// Of the run, up to where its header stands: what is written while it is read is left out.
    private static let query = """
        SELECT start, sequence, arena_size, events, arena, parts, format, checksum, link FROM entries
        WHERE run = $1::bigint AND sequence > $2::integer AND sequence <= $3::integer
            AND start >= coalesce((SELECT max(start) FROM entries WHERE run = $1::bigint AND start <= $2::integer), 0)
        ORDER BY start
        """

    private func parameters(_ stored: StoredHead, _ after: Int) -> Parameters {
        let parameters = Parameters().add(stored.row)
        for number in [after, stored.header.sequence] { parameters.add(Self.word(number)) }
        return parameters
    }

    /// Adds the arena bytes of an entry, with the large payloads that are stored by themselves.
    ///
    /// - Returns: why they are not those of the entry; nil if nothing speaks against it.
    private func appendArena(of row: Rows.Row, to run: inout StoredRun) throws -> String? {
        if row.isNull(5) {
            try row.withBytes(4) { run.arena.append(contentsOf: $0) }
            return nil
        }
        let remainder = try row.bytes(4)
        let payloads = try row.withBytes(5) { LargePayload.decode($0) }
        let start = run.arena.count
        var position = 0
        for payload in payloads {
            let inline = payload.range.lowerBound - (run.arena.count - start)
            guard inline >= 0, position + inline <= remainder.count else { return "has values in no possible place" }
            run.arena.append(contentsOf: remainder[position..<position + inline])
            position += inline
            let content = try connection.run(
                prepared: "content", "SELECT bytes FROM contents WHERE hash = $1::bytea",
                Parameters().add(payload.hash)
            ).first
            guard let content, try content.withBytes(0, { $0.count }) == payload.range.count else {
                return "refers to a value that is missing or damaged"
            }
            try content.withBytes(0) { run.arena.append(contentsOf: $0) }
        }
        run.arena.append(contentsOf: remainder[position...])
        return nil
    }

    /// How events and values are laid out in an entry, as `entries.format` says.
    private static let format: Int64 = 1

    private func newer(_ run: String, _ format: Int64) -> JournalError {
        JournalError(
            code: .storeNewer,
            message: "run \(run) was written by a newer aikit-lua (entries of format \(format)); use that version")
    }
}
