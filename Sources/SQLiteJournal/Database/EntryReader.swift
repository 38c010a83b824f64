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
        rows = try RawStatement("SELECT events, arena, parts FROM entries WHERE id = ?", on: database)
        contents = try RawStatement("SELECT bytes FROM contents WHERE hash = ?", on: database)
    }

    /// The events of a run that follow on event `after`, or on the end of an entry before it.
    func load(_ stored: StoredHead, after: Int, header: RunHeader) throws -> StoredRun {
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
            if end.sequence <= after {
                first = end
                break
            }
            chain.append(next)
            next = links.int(at: 1)
        }
        var run = StoredRun(header: header, after: first.sequence, events: [], arena: [])
        run.events.reserveCapacity((stored.head.sequence - first.sequence) * MemoryLayout<Event>.stride)
        run.arena.reserveCapacity(stored.head.arena - first.arena)
        for entry in chain.reversed() { try append(entry, to: &run, stored) }
        guard run.events.count == (stored.head.sequence - first.sequence) * MemoryLayout<Event>.stride,
            run.arena.count == stored.head.arena - first.arena
        else { throw damaged(stored) }
        return run
    }

    private func append(_ entry: Int64, to run: inout StoredRun, _ stored: StoredHead) throws {
        rows.bind(entry, at: 1)
        defer { rows.reset() }
        guard try rows.step() else { throw damaged(stored) }
        run.events.append(contentsOf: rows.bytes(at: 0))
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

    private func damaged(_ stored: StoredHead) -> JournalError {
        JournalError(
            code: "store_corrupt",
            message:
                "the store \(path) is damaged: the journal of run \(stored.header.id) has a gap; other runs may be whole"
        )
    }
}
