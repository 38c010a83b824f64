internal import GRDB
internal import WorkflowCore
internal import WorkflowEngine

/// Reads the entries of runs along their chains.
final class EntryReader {
    private let path: String
    private let links: RawStatement
    private let rows: RawStatement
    private let contents: RawStatement

    init(_ database: Database, _ path: String) throws {
        self.path = path
        links = try RawStatement("SELECT run, previous, sequence, arena_size FROM entries WHERE id = ?", on: database)
        rows = try RawStatement("SELECT events, arena, parts, format, checksum FROM entries WHERE id = ?", on: database)
        contents = try RawStatement("SELECT bytes FROM contents WHERE hash = ?", on: database)
    }

    /// The events of a run that follow on event `after`, or on the end of an entry before it.
    func load(_ stored: StoredHead, after: Int, header: RunHeader) throws -> StoredRun {
        // A store is input: nothing is reserved or counted by what it says before it has been looked at.
        guard stored.head.sequence >= 0, stored.head.arena >= 0, stored.head.arena <= Int(UInt32.max) else {
            throw damaged(stored)
        }
        var chain: [Int64] = []
        var first = (sequence: 0, arena: 0)
        var next = stored.head.entry
        while next != 0 {
            links.bind(next, at: 1)
            defer { links.reset() }
            guard try links.step(), links.int(at: 0) == stored.row, links.int(at: 1) < next else {
                throw damaged(stored)
            }
            let end = (sequence: Int(links.int(at: 2)), arena: Int(links.int(at: 3)))
            guard end.sequence >= 0, end.arena >= 0, end.sequence <= stored.head.sequence,
                end.arena <= stored.head.arena
            else { throw damaged(stored) }
            if end.sequence <= after {
                first = end
                break
            }
            chain.append(next)
            next = links.int(at: 1)
        }
        var run = StoredRun(header: header, after: first.sequence, events: [], arena: [])
        for entry in chain.reversed() { try append(entry, to: &run, stored) }
        let (size, overflows) = (stored.head.sequence - first.sequence)
            .multipliedReportingOverflow(by: MemoryLayout<Event>.stride)
        guard !overflows, run.events.count == size, run.arena.count == stored.head.arena - first.arena else {
            throw damaged(stored)
        }
        return run
    }

    private func append(_ entry: Int64, to run: inout StoredRun, _ stored: StoredHead) throws {
        rows.bind(entry, at: 1)
        defer { rows.reset() }
        guard try rows.step() else { throw damaged(stored) }
        guard rows.int(at: 3) == Self.format else { throw newer(stored, format: rows.int(at: 3)) }
        let firstEvent = run.events.count
        let start = run.arena.count
        run.events.append(contentsOf: rows.bytes(at: 0))
        try appendArena(to: &run, stored)
        if rows.isNull(at: 4) { return }
        let checksum = run.events.withUnsafeBytes { events in
            run.arena.withUnsafeBytes { arena in
                Checksum.of(
                    events: UnsafeRawBufferPointer(rebasing: events[firstEvent...]),
                    arena: UnsafeRawBufferPointer(rebasing: arena[start...]))
            }
        }
        guard checksum == rows.int(at: 4) else {
            throw damaged(stored, "bytes of its journal have changed on the disk")
        }
    }

    /// The arena bytes of the entry that has been read, with the large payloads that are stored by themselves.
    private func appendArena(to run: inout StoredRun, _ stored: StoredHead) throws {
        let remainder = rows.bytes(at: 1)
        guard !rows.isNull(at: 2) else { return run.arena.append(contentsOf: remainder) }
        var position = 0
        let start = run.arena.count
        for payload in LargePayload.decode(rows.bytes(at: 2)) {
            let inline = payload.range.lowerBound - (run.arena.count - start)
            guard inline >= 0, position + inline <= remainder.count else { throw damaged(stored) }
            run.arena.append(contentsOf: remainder[position..<position + inline])
            position += inline
            try appendContent(payload, to: &run, stored)
        }
        run.arena.append(contentsOf: remainder[position...])
    }

    private func appendContent(_ payload: LargePayload, to run: inout StoredRun, _ stored: StoredHead) throws {
        try payload.hash.withUnsafeBytes { hash in
            contents.bind(hash, at: 1)
            defer { contents.reset() }
            guard try contents.step() else { throw damaged(stored) }
            run.arena.append(contentsOf: contents.bytes(at: 0))
        }
    }

    /// How events and values are laid out in an entry, as `entries.format` says.
    private static let format: Int64 = 1

    private func damaged(_ stored: StoredHead, _ what: String = "its journal has a gap") -> JournalError {
        JournalError(
            code: "store_corrupt",
            message: "run \(stored.header.id) in the store \(path) is damaged: \(what); other runs are not affected")
    }

    private func newer(_ stored: StoredHead, format: Int64) -> JournalError {
        JournalError(
            code: "store_newer",
            message:
                "run \(stored.header.id) was written by a newer aikit-lua (entries of format \(format)); use that version"
        )
    }
}
