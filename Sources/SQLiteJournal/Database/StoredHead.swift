internal import GRDB
internal import WorkflowCore
internal import WorkflowEngine

/// A run as the tables have it, with the newest entry taken into account.
struct StoredHead {
    var row: Int64
    var owner: Int64?
    var head: JournalHead
    /// Without its owner.
    var header: RunHeader

    /// A query for runs, to which a caller adds a condition and an order.
    ///
    /// The copies of the newest entry in `runs` are behind for runs that were written a moment ago, so that the entries
    /// from the first one on that they may not show are looked at as well; they are a few thousand at the most.
    static let query = """
        WITH behind (run, entry) AS (
            SELECT run, max(id) FROM entries WHERE id >= (SELECT min(behind_from) FROM owners) GROUP BY run
        )
        SELECT runs.row, runs.id, runs.workflow, runs.generation, runs.lineage, runs.created_at, runs.owner,
            coalesce(newest.id, runs.entry), coalesce(newest.sequence, runs.sequence),
            coalesce(newest.arena_size, runs.arena_size), coalesce(newest.status, runs.status),
            coalesce(newest.wake_at, runs.wake_at), coalesce(newest.time, runs.updated_at),
            runs.granted
        FROM runs LEFT JOIN behind ON behind.run = runs.row LEFT JOIN entries AS newest ON newest.id = behind.entry

        """

    init(_ row: Row) {
        self.row = row[0]
        owner = row[6]
        head = JournalHead()
        head.entry = row[7]
        head.sequence = row[8]
        head.arena = row[9]
        head.status = RunMachine.Status(number: row[10])
        head.wakeAt = row[11]
        head.time = row[12]
        header = RunHeader(
            id: row[1], workflow: row[2], generation: row[3], lineage: row[4], status: head.status, createdAt: row[5],
            updatedAt: head.time, wakeAt: head.wakeAt, sequence: head.sequence, arena: head.arena, owner: nil)
        header.origin.grant = (row[13] as String?).flatMap { try? Value(json: $0) } ?? .null
    }

    static func find(_ id: String, in database: Database) throws -> StoredHead? {
        try Row.fetchOne(database.cachedStatement(sql: query + "WHERE runs.id = ?"), arguments: [id]).map(
            StoredHead.init)
    }

    /// The header with its owner, unless that one is gone or the run is over.
    func header(_ owners: OwnerTable) -> RunHeader {
        var header = header
        if !header.status.isTerminal, let owner { header.owner = owners.living(owner) }
        return header
    }
}
