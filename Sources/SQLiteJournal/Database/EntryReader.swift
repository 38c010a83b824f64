internal import GRDB
internal import StoredEntries
internal import WorkflowCore
internal import WorkflowEngine

/// Reads the entries of runs along their chains.
final class EntryReader {
    private let links: RawStatement
    private let rows: RawStatement
    private let contents: RawStatement

    init(_ database: Database) throws {
        links = try RawStatement("SELECT run, previous, sequence, arena_size FROM entries WHERE id = ?", on: database)
        rows = try RawStatement(
            "SELECT events, arena, parts, format, checksum, link FROM entries WHERE id = ?", on: database)
        contents = try RawStatement("SELECT bytes FROM contents WHERE hash = ?", on: database)
    }

    /// An entry of a run's chain, and where the run stands after it.
    private struct Link {
        var entry: Int64
        var end: (sequence: Int, arena: Int)
    }

    /// The events of a run that follow on event `after`, or on the end of an entry before it.
    ///
    /// A store is input: nothing is reserved or counted by what it says before it has been looked at.
    ///
    /// - Throws: ``RunDamage`` at the first entry that does not fit; ``JournalError`` with the code `not_enough_memory`.
    func load(
        _ stored: StoredHead, after: Int, header: RunHeader, for purpose: StoredRun.Purpose = .look
    ) throws -> StoredRun {
        guard stored.head.arena <= Int(UInt32.max) else {
            throw RunDamage(run: stored.header.id, reason: "it is larger than any run can be")
        }
        let (chain, first) = try chain(of: stored, after: after)
        var run = StoredRun(header: header, after: first.sequence, events: [], arena: [])
        if let last = chain.first?.end {
            run.memory = try StoredRun.expectMemory(
                for: stored.header.id, events: last.sequence - first.sequence, arena: last.arena - first.arena,
                purpose: purpose)
        }
        var start = first
        for link in chain.reversed() {
            do {
                try append(link, from: start, to: &run, first, stored)
            } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT {
                throw damaged(stored, link.entry, start.sequence + 1, "lies on a page that cannot be read")
            }
            start = link.end
        }
        guard start.sequence == stored.head.sequence, start.arena == stored.head.arena else {
            throw RunDamage(
                run: stored.header.id,
                reason: "it has \(start.sequence) events where \(stored.head.sequence) are said to be")
        }
        return run
    }

    /// The entries of a run after event `after`, the newest first, and where the run stood before them.
    private func chain(
        of stored: StoredHead, after: Int
    ) throws -> (links: [Link], first: (sequence: Int, arena: Int)) {
        var chain: [Link] = []
        var next = stored.head.entry
        while next != 0 {
            links.bind(next, at: 1)
            defer { links.reset() }
            guard try links.step() else { throw damaged(stored, next, nil, "is missing") }
            guard links.isInteger(at: 0), links.int(at: 0) == stored.row else {
                throw damaged(stored, next, nil, "is one of another run")
            }
            guard links.isInteger(at: 1), links.isInteger(at: 2), links.isInteger(at: 3), links.int(at: 1) >= 0,
                links.int(at: 1) < next
            else { throw damaged(stored, next, nil, "follows on no entry before it") }
            let (sequence, arena) = (links.int(at: 2), links.int(at: 3))
            guard sequence >= 0, arena >= 0, sequence <= chain.last?.end.sequence ?? stored.head.sequence,
                arena <= chain.last?.end.arena ?? stored.head.arena
            else { throw damaged(stored, next, nil, "ends in no possible place") }
            let end = (sequence: Int(sequence), arena: Int(arena))
            if end.sequence <= after { return (chain, end) }
            chain.append(Link(entry: next, end: end))
            next = links.int(at: 1)
        }
        return (chain, (0, 0))
    }

    /// - Parameters:
    ///   - start: where the run stands before the entry.
    ///   - base: where the run stood before all that is in `run`.
    private func append(
        _ link: Link, from start: (sequence: Int, arena: Int), to run: inout StoredRun,
        _ base: (sequence: Int, arena: Int), _ stored: StoredHead
    ) throws {
        func fail(_ reason: String) -> RunDamage { damaged(stored, link.entry, start.sequence + 1, reason) }
        rows.bind(link.entry, at: 1)
        defer { rows.reset() }
        guard try rows.step() else { throw fail("is missing") }
        guard rows.int(at: 3) == Self.format else { throw newer(stored, format: rows.int(at: 3)) }
        let events = rows.bytes(at: 0)
        guard events.count == (link.end.sequence - start.sequence) * MemoryLayout<Event>.stride else {
            throw fail("has another number of events than it says")
        }
        let firstEvent = run.events.count
        let firstByte = run.arena.count
        run.events.append(contentsOf: events)
        if let fault = try appendArena(of: link.end.arena - start.arena, to: &run) { throw fail(fault) }
        guard run.arena.count == link.end.arena - base.arena else { throw fail("has other values than it says") }
        guard rows.isNull(at: 5) || rows.bytes(at: 5).count == EntryLink.size else {
            throw fail("has no possible link")
        }
        run.entries.append(
            StoredEntry(sequence: link.end.sequence, arena: link.end.arena, link: EntryLink(rows.bytes(at: 5))))
        // Entries of version 1 have no checksum.
        if rows.isNull(at: 4) { return }
        let checksum = run.events.withUnsafeBytes { events in
            run.arena.withUnsafeBytes { arena in
                Checksum.of(
                    events: UnsafeRawBufferPointer(rebasing: events[firstEvent...]),
                    arena: UnsafeRawBufferPointer(rebasing: arena[firstByte...]))
            }
        }
        guard rows.isInteger(at: 4), checksum == rows.int(at: 4) else {
            throw fail("has bytes that have changed since they were written")
        }
    }

    /// Adds the arena bytes of the entry that has been read, with the large payloads that are stored by themselves.
    ///
    /// - Parameter size: how many bytes the entry has, payloads included.
    /// - Returns: why they are not those of the entry; nil if nothing speaks against it.
    private func appendArena(of size: Int, to run: inout StoredRun) throws -> String? {
        let remainder = rows.bytes(at: 1)
        guard !rows.isNull(at: 2) else {
            if remainder.count == size { run.arena.append(contentsOf: remainder) }
            return remainder.count == size ? nil : "has other values than it says"
        }
        var position = 0
        let start = run.arena.count
        guard remainder.count <= size else { return "has other values than it says" }
        for payload in LargePayload.decode(rows.bytes(at: 2)) {
            let inline = payload.range.lowerBound - (run.arena.count - start)
            guard inline >= 0, position + inline <= remainder.count, payload.range.upperBound <= size else {
                return "has values in no possible place"
            }
            run.arena.append(contentsOf: remainder[position..<position + inline])
            position += inline
            guard try appendContent(payload, to: &run) else { return "refers to a value that is missing or damaged" }
        }
        run.arena.append(contentsOf: remainder[position...])
        return nil
    }

    /// Adds a value that is stored by itself; false if there is none that fits.
    private func appendContent(_ payload: LargePayload, to run: inout StoredRun) throws -> Bool {
        try payload.hash.withUnsafeBytes { hash in
            contents.bind(hash, at: 1)
            defer { contents.reset() }
            guard try contents.step() else { return false }
            let bytes = contents.bytes(at: 0)
            // The checksum of the entry covers the value as well; without one its name tells.
            guard bytes.count == payload.range.count,
                !rows.isNull(at: 4) || LargePayload.hash(of: bytes) == payload.hash
            else { return false }
            run.arena.append(contentsOf: bytes)
            return true
        }
    }

    /// How events and values are laid out in an entry, as `entries.format` says.
    private static let format: Int64 = 1

    private func damaged(_ stored: StoredHead, _ entry: Int64, _ event: Int?, _ reason: String) -> RunDamage {
        RunDamage(run: stored.header.id, entry: entry, event: event, reason: reason)
    }

    private func newer(_ stored: StoredHead, format: Int64) -> JournalError {
        JournalError(
            code: .storeNewer,
            message:
                "run \(stored.header.id) was written by a newer aikit-lua (entries of format \(format)); use that version"
        )
    }
}
