internal import FlatValue
internal import JSONSchema
internal import StoredEntries
internal import WorkflowCore
internal import WorkflowEngine

/// A run as the tables have it.
struct StoredHead {
    var row: Int64
    /// The number that the run carries, of an owner that may be gone.
    var owner: Int64?
    /// The run has a place in the queue.
    var isQueued = false
    /// The header with its owner, if that one lives and the run is not over.
    var header: RunHeader

    /// A query for runs, to which a caller adds conditions and an order. Its first parameter is the number of the
    /// journal that asks.
    static let query = """
        SELECT runs.row, runs.id, runs.workflow, runs.generation, runs.lineage, runs.created_at, runs.owner,
            coalesce(newest.sequence, runs.sequence), coalesce(newest.arena_size, runs.arena_size), runs.status,
            coalesce(newest.wake_at, runs.wake_at), coalesce(newest.time, runs.updated_at),
            runs.granted, runs.fingerprint, runs.input_digest, owners.name, owners.lease_until,
            \(isLiving), runs.queued, runs.tags
        FROM runs LEFT JOIN LATERAL (
            SELECT sequence, arena_size, wake_at, time FROM entries
            WHERE entries.run = runs.row AND runs.status = 1 ORDER BY start DESC LIMIT 1
        ) AS newest ON true
        LEFT JOIN owners ON owners.id = runs.owner

        """

    /// Whether the owner of a row of ``query`` lives.
    static let isLiving = "coalesce(owners.id = $1::bigint OR owners.lease_until > \(Schema.now), false)"

    /// - Throws: ``RunDamage`` where a column holds what no run has.
    init(_ row: Rows.Row, own: Int64) throws {
        let id = (try? row.text(1)) ?? "in row \((try? row.integer(0)) ?? 0)"
        do throws(MisplacedValue) {
            try self.init(checking: row, own: own)
        } catch {
            throw RunDamage(run: id, reason: error.description)
        }
    }

    private init(checking row: Rows.Row, own: Int64) throws(MisplacedValue) {
        self.row = try row.natural(0)
        owner = try row.optionalInteger(6)
        guard let status = RunMachine.Status(number: try row.integer(9)) else {
            throw MisplacedValue(column: 9, expected: "a status that runs have")
        }
        header = RunHeader(
            id: try row.text(1), workflow: try row.text(2), generation: try row.text(3),
            lineage: try row.optionalText(4), status: status, createdAt: try row.natural(5),
            updatedAt: try row.natural(11), wakeAt: try row.natural(10), sequence: Int(try row.natural(7)),
            arena: Int(try row.natural(8)), owner: nil)
        if let text = try row.optionalText(12) {
            guard let grant = try? Value(json: text) else {
                throw MisplacedValue(column: 12, expected: "a list of permissions")
            }
            header.origin.grant = grant
        }
        header.origin.fingerprint = try row.optionalText(13)
        header.origin.inputDigest = try row.optionalText(14)
        let queued = try row.integer(18)
        guard 0...2 ~= queued else {
            throw MisplacedValue(column: 18, expected: "whether it waits in the queue, as 0, 1 or 2")
        }
        isQueued = queued != 0
        header.isHeld = queued == 1 && !status.isTerminal
        if let text = try row.optionalText(19) {
            guard let value = try? Value(json: text), let tags = try? RunTags(value) else {
                throw MisplacedValue(column: 19, expected: "the tags of a run")
            }
            header.tags = tags
        }
        header.isReleased = owner == nil && !status.isTerminal && !header.isHeld
        if !status.isTerminal, let owner, try row.flag(17) {
            header.owner = RunOwner(
                number: owner, name: try row.text(15), leaseUntil: try row.natural(16), isSelf: owner == own)
        }
    }

    static func find(_ id: String, own: Int64, on connection: Connection) throws -> StoredHead? {
        if id.utf8.contains(0) { return nil }
        let rows = try connection.run(
            prepared: "find", query + "WHERE runs.id = $2::text", Parameters().add(own).add(id))
        return try rows.first.map { try StoredHead($0, own: own) }
    }

    /// The runs that pass a filter, newest first; those whose rows cannot be read are left out.
    static func list(_ filter: RunFilter, own: Int64, on connection: Connection) throws -> [RunHeader] {
        let parameters = Parameters().add(own)
        var conditions: [String] = []
        var count = 1
        func argument(_ type: String) -> String {
            count += 1
            return "$\(count)::\(type)"
        }
        for (column, text) in [
            ("workflow", filter.workflow), ("generation", filter.generation), ("lineage", filter.lineage),
        ] {
            guard let text else { continue }
            if text.utf8.contains(0) { return [] }
            conditions.append("runs.\(column) = \(argument("text"))")
            parameters.add(text)
        }
        if let workflows = filter.workflows {
            conditions.append("runs.workflow = ANY(\(argument("text[]")))")
            parameters.add(workflows.filter { !$0.utf8.contains(0) }.sorted())
        }
        if !filter.prefix.isEmpty {
            if filter.prefix.utf8.contains(0) { return [] }
            conditions.append("runs.id >= \(argument("text"))")
            parameters.add(filter.prefix)
            if let end = filter.prefixEnd {
                conditions.append("runs.id < \(argument("text"))")
                parameters.add(end)
            }
        }
        if let statuses = filter.statuses {
            let numbers = statuses.map { "\($0.number)" }.sorted().joined(separator: ", ")
            conditions.append(statuses.isEmpty ? "false" : "runs.status IN (\(numbers))")
            if !statuses.contains(where: \.isTerminal) {
                conditions.append("runs.status < \(RunMachine.Status.firstTerminal)")
            }
        }
        if let created = filter.created {
            conditions.append("runs.created_at BETWEEN \(argument("bigint")) AND \(argument("bigint"))")
            parameters.add(created.lowerBound).add(created.upperBound)
        }
        if let updated = filter.updated {
            let column = "coalesce(newest.time, runs.updated_at)"
            conditions.append("\(column) BETWEEN \(argument("bigint")) AND \(argument("bigint"))")
            parameters.add(updated.lowerBound).add(updated.upperBound)
        }
        for candidates in filter.tags {
            let values = candidates.map { tag in
                defer { parameters.add(tag.name).add(tag.key) }
                return "name = \(argument("text")) AND value = \(argument("text"))"
            }
            let isTagged = "SELECT 1 FROM run_tags WHERE run = runs.row AND (\(values.joined(separator: " OR ")))"
            conditions.append(values.isEmpty ? "false" : "EXISTS (\(isTagged))")
        }
        if filter.unowned { conditions.append("(runs.status > 3 OR runs.queued <> 1 AND NOT \(isLiving))") }
        if let before = filter.before {
            conditions.append(
                "(runs.created_at, runs.row) < (SELECT created_at, row FROM runs WHERE id = \(argument("text")))")
            parameters.add(before.utf8.contains(0) ? "" : before)
        }
        var sql = query
        if !conditions.isEmpty { sql += "WHERE " + conditions.joined(separator: " AND ") }
        sql += " ORDER BY runs.created_at DESC, runs.row DESC"
        if filter.limit < .max { sql += " LIMIT \(max(filter.limit, 0))" }
        return try connection.run(sql, parameters).all.compactMap { row in
            do { return try StoredHead(row, own: own).header } catch is RunDamage { return nil }
        }
    }
}
