internal import FlatValue
internal import GRDB
internal import StoredEntries
internal import WorkflowCore
internal import WorkflowEngine

/// A run as the tables have it, with the newest entry taken into account.
struct StoredHead {
    var row: Int64
    var owner: Int64?
    var head: JournalHead
    /// Without its owner.
    var header: RunHeader
    /// The run has a place in the queue.
    var isQueued = false

    /// A query for runs, to which a caller adds a condition and an order.
    ///
    /// The copies of the newest entry in `runs` are behind for runs that were written a moment ago, so that the entries
    /// from the first one on that they may not show are looked at as well; they are a few thousand at the most.
    static let query = """
        WITH behind (run, entry) AS (
            SELECT run, max(id) FROM entries WHERE id >= (SELECT min(behind_from) FROM owners) GROUP BY run
        )
        \(columns)
        FROM runs LEFT JOIN behind ON behind.run = runs.row LEFT JOIN entries AS newest ON newest.id = behind.entry

        """

    /// What a head is read from: the row of a run and its newest entry, if the row is behind it.
    private static let columns = """
        SELECT runs.row, runs.id, runs.workflow, runs.generation, runs.lineage, runs.created_at, runs.owner,
            coalesce(newest.id, runs.entry) AS entry, coalesce(newest.sequence, runs.sequence) AS sequence,
            coalesce(newest.arena_size, runs.arena_size) AS arena_size, coalesce(newest.status, runs.status) AS status,
            coalesce(newest.wake_at, runs.wake_at) AS wake_at, coalesce(newest.time, runs.updated_at) AS updated_at,
            runs.granted, runs.fingerprint, runs.input_digest, runs.queued, runs.tags
        """

    /// A query for one run. Of the entries that its row may not show it looks at those behind the run's newest one alone.
    private static let singleQuery = """
        \(columns)
        FROM runs LEFT JOIN entries AS newest ON newest.id = (
            SELECT id FROM entries WHERE id >= (SELECT min(behind_from) FROM owners) AND run = runs.row
            ORDER BY id DESC LIMIT 1
        )
        WHERE runs.id = ?
        """

    /// A query for a run that nobody owns: whoever let such a run go has brought its row up to date.
    private static let freeQuery = """
        SELECT row, id, workflow, generation, lineage, created_at, owner, entry, sequence, arena_size, status, wake_at,
            updated_at, granted, fingerprint, input_digest, queued, tags
        FROM runs WHERE owner IS NULL AND id = ?
        """

    /// - Throws: ``RunDamage`` where a column holds what no run has.
    init(_ row: Row) throws {
        let id = Self.name(of: row)
        do throws(MisplacedValue) {
            try self.init(checking: row)
        } catch {
            throw RunDamage(run: id, reason: error.description)
        }
    }

    private init(checking row: Row) throws(MisplacedValue) {
        self.row = try row.integer(0)
        owner = try row.optionalInteger(6)
        head = JournalHead()
        head.entry = try row.natural(7)
        head.sequence = Int(try row.natural(8))
        head.arena = Int(try row.natural(9))
        guard let status = RunMachine.Status(number: try row.integer(10)) else {
            throw MisplacedValue(column: "status", expected: "one that runs have")
        }
        head.status = status
        head.wakeAt = try row.natural(11)
        head.time = try row.natural(12)
        header = RunHeader(
            id: try row.text(1), workflow: try row.text(2), generation: try row.text(3),
            lineage: try row.optionalText(4), status: head.status, createdAt: try row.natural(5),
            updatedAt: head.time, wakeAt: head.wakeAt, sequence: head.sequence, arena: head.arena, owner: nil)
        header.origin.grant = try Self.grant(try row.optionalText(13))
        header.origin.fingerprint = try row.optionalText(14)
        header.origin.inputDigest = try row.optionalText(15)
        let queued = try row.integer(16)
        guard 0...2 ~= queued else {
            throw MisplacedValue(column: "queued", expected: "whether it waits in the queue, as 0, 1 or 2")
        }
        isQueued = queued != 0
        header.isHeld = queued == 1 && !head.status.isTerminal
        header.tags = try Self.tags(try row.optionalText(17))
    }

    private static func grant(_ text: String?) throws(MisplacedValue) -> Value {
        guard let text else { return .null }
        guard let grant = try? Value(json: text) else {
            throw MisplacedValue(column: "granted", expected: "a list of permissions")
        }
        return grant
    }

    private static func tags(_ text: String?) throws(MisplacedValue) -> RunTags {
        guard let text else { return .none }
        guard let value = try? Value(json: text), let tags = try? RunTags(value) else {
            throw MisplacedValue(column: "tags", expected: "the tags of a run")
        }
        return tags
    }

    /// The id of a run whose row may be damaged; the row where it has none that could be named.
    static func name(of row: Row) -> String {
        if let id = try? row.text(1) { return id }
        return "in row \((try? row.integer(0)).map(String.init) ?? "?")"
    }

    /// A run by its id. One that nobody owns costs the same however much others have written a moment ago.
    static func find(_ id: String, in database: Database) throws -> StoredHead? {
        // No run has such an id, and SQLite would be told what stands before the zero byte.
        if id.utf8.contains(0) { return nil }
        for sql in [freeQuery, singleQuery] {
            if let row = try Row.fetchOne(database.cachedStatement(sql: sql), arguments: [id]) {
                return try StoredHead(row)
            }
        }
        return nil
    }

    /// The header with its owner, unless that one is gone or the run is over.
    func header(_ owners: OwnerTable) -> RunHeader {
        var header = header
        if !header.status.isTerminal, let owner { header.owner = owners.living(owner) }
        header.isReleased = owner == nil && !header.status.isTerminal && !header.isHeld
        return header
    }
}
