internal import GRDB
internal import JSONSchema
internal import WorkflowCore
package import WorkflowEngine

extension SQLiteJournal {
    package func note(_ changes: WaitChanges) async throws(JournalError) {
        try await onWriter { writer throws(JournalError) in try writer.note(changes) }
    }

    package func awaited(by waiters: [String]) async throws(JournalError) -> [String: Set<String>] {
        try await read { [self] database in
            guard try database.hasTable("queue_waits") else { return [:] }
            let owners = try self.owners(database)
            let find = try database.cachedStatement(
                sql: """
                    SELECT awaited, queue_waits.owner FROM queue_waits JOIN runs ON runs.row = run
                    WHERE waiter = ? AND runs.owner = queue_waits.owner
                    """)
            var awaited: [String: Set<String>] = [:]
            for waiter in waiters {
                for row in try Row.fetchAll(find, arguments: [waiter]) where owners.living(try row.integer(1)) != nil {
                    awaited[waiter, default: []].insert(try row.text(0))
                }
            }
            return awaited
        }
    }

    package func holdups(of runs: [String]) async throws(JournalError) -> [String: QueueHoldup] {
        try await read { [self] database in
            guard try database.hasTable("queue_waits") else { return [:] }
            let owners = try self.owners(database)
            var holdups: [String: QueueHoldup] = [:]
            for run in runs { holdups[run] = try QueueHoldup.of(run, owners, in: database) }
            return holdups
        }
    }
}

extension Writer {
    fileprivate func note(_ changes: WaitChanges) throws(JournalError) {
        if !hasQueue { hasQueue = try look { try $0.hasTable("queue") } }
        // No limit holds any run up.
        guard hasQueue else { return }
        // A wait that is lost with the machine has ended with it.
        try transaction(durable: false) {
            if !hasTidiedWaits {
                try database.execute(
                    sql: """
                        DELETE FROM queue_waits WHERE NOT EXISTS (
                            SELECT 1 FROM runs WHERE row = queue_waits.run AND owner = queue_waits.owner)
                        """)
                hasTidiedWaits = true
            }
            let end = try database.cachedStatement(
                sql: "DELETE FROM queue_waits WHERE waiter = ? AND awaited = ? AND owner = ?")
            for wait in changes.ended { try end.execute(arguments: [wait.waiter, wait.awaited, owner.number]) }
            let begin = try database.cachedStatement(
                sql: """
                    INSERT OR REPLACE INTO queue_waits (waiter, awaited, run, owner)
                    SELECT ?, ?, row, owner FROM runs WHERE id = ? AND owner = ?
                    """)
            for (wait, run) in changes.begun {
                try begin.execute(arguments: [wait.waiter, wait.awaited, run, owner.number])
            }
        }
    }
}

extension QueueHoldup {
    /// The limits of a run that waits which are full with runs that wait for others; nil for none.
    fileprivate static func of(_ run: String, _ owners: OwnerTable, in database: Database) throws -> QueueHoldup? {
        let row = try Row.fetchOne(
            database.cachedStatement(
                sql: """
                    SELECT runs.workflow, created_at, concurrency, concurrency_limit, singleton
                    FROM queue JOIN runs ON runs.row = queue.run WHERE runs.id = ? AND state < 2
                    """), arguments: [run])
        guard let row else { return nil }
        let groups: [(QueueTicket.Share.Kind, Int64, Int)] = [
            (.concurrency, try row.integer(2), Int(try row.integer(3))), (.singleton, try row.integer(4), 1),
        ]
        var limits: [Limit] = []
        for (kind, group, limit) in groups where group != 0 {
            let holders = try holders(of: kind, group, owners, in: database)
            guard holders.count >= limit else { continue }
            let key = try String.fetchOne(
                database.cachedStatement(sql: "SELECT key FROM queue_groups WHERE id = ?"), arguments: [group])
            limits.append(Limit(kind, key: key ?? "", limit: limit, holders: holders))
        }
        if limits.isEmpty { return nil }
        return QueueHoldup(workflow: try row.text(0), createdAt: try row.integer(1), limits: limits)
    }

    /// The runs that hold a place of a group and wait for others, by the first ids of their chains.
    private static func holders(
        of kind: QueueTicket.Share.Kind, _ group: Int64, _ owners: OwnerTable, in database: Database
    ) throws -> Set<String> {
        let column = kind == .singleton ? "singleton" : "concurrency"
        let rows = try Row.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT DISTINCT waiter, queue_waits.owner FROM queue
                    JOIN queue_waits ON queue_waits.run = queue.run
                    JOIN runs ON runs.row = queue.run AND runs.owner = queue_waits.owner
                    WHERE queue.\(column) = ? AND queue.\(column) <> 0 AND state = 2
                    """), arguments: [group])
        return try rows.reduce(into: []) { holders, row in
            if owners.living(try row.integer(1)) != nil { holders.insert(try row.text(0)) }
        }
    }
}
