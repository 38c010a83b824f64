internal import JSONSchema
internal import WorkflowCore
package import WorkflowEngine

extension PostgresJournal {
    package func note(_ changes: WaitChanges) async throws(JournalError) {
        try await onWriter { try $0.note(changes) }
    }

    package func awaited(by waiters: [String]) async throws(JournalError) -> [String: Set<String>] {
        let own = owner
        return try await sessions.run { connection in
            let rows = try connection.run(
                """
                SELECT waiter, awaited FROM queue_waits
                JOIN runs ON runs.row = queue_waits.run AND runs.owner = queue_waits.owner AND runs.status < 4
                JOIN owners ON owners.id = runs.owner
                WHERE waiter = ANY($2::text[]) AND \(StoredHead.isLiving)
                """, Parameters().add(own).add(waiters.filter { !$0.utf8.contains(0) }))
            var awaited: [String: Set<String>] = [:]
            for row in rows.all { awaited[try row.text(0), default: []].insert(try row.text(1)) }
            return awaited
        }
    }

    package func holdups(of runs: [String]) async throws(JournalError) -> [String: QueueHoldup] {
        let own = owner
        return try await sessions.run { connection in
            let rows = try connection.run(
                QueueHoldup.query, Parameters().add(own).add(runs.filter { !$0.utf8.contains(0) }))
            return try QueueHoldup.read(rows.all)
        }
    }
}

extension Writer {
    fileprivate func note(_ changes: WaitChanges) throws(PostgresFailure) {
        // In one order, so that nodes do not wait for each other's rows in turn.
        let ended = changes.ended.sorted { ($0.waiter, $0.awaited) < ($1.waiter, $1.awaited) }
        let begun = changes.begun.filter { wait, run in
            ![wait.waiter, wait.awaited, run].contains { $0.utf8.contains(0) }
        }.sorted { ($0.key.waiter, $0.key.awaited) < ($1.key.waiter, $1.key.awaited) }
        try transaction { connection in
            if !hasTidiedWaits {
                try connection.run(
                    """
                    DELETE FROM queue_waits WHERE NOT EXISTS (
                        SELECT 1 FROM runs WHERE runs.row = queue_waits.run AND runs.owner = queue_waits.owner)
                    """)
            }
            if !ended.isEmpty {
                try connection.run(
                    """
                    DELETE FROM queue_waits USING unnest($2::text[], $3::text[]) AS t(waiter, awaited)
                    WHERE queue_waits.waiter = t.waiter AND queue_waits.awaited = t.awaited AND owner = $1::bigint
                    """, Parameters().add(owner).add(ended.map(\.waiter)).add(ended.map(\.awaited)))
            }
            if !begun.isEmpty {
                try connection.run(
                    """
                    INSERT INTO queue_waits (waiter, awaited, run, owner)
                    SELECT waiter, awaited, runs.row, runs.owner
                    FROM unnest($2::text[], $3::text[], $4::text[]) AS t(waiter, awaited, id)
                    JOIN runs ON runs.id = t.id AND runs.owner = $1::bigint
                    ON CONFLICT (waiter, awaited) DO UPDATE SET run = excluded.run, owner = excluded.owner
                    """,
                    Parameters().add(owner).add(begun.map(\.key.waiter)).add(begun.map(\.key.awaited))
                        .add(begun.map(\.value)))
            }
        }
        hasTidiedWaits = true
    }
}

extension QueueHoldup {
    /// The runs that hold places of the limits of queued runs, $2, and that wait for others, one row for each. Its first parameter is
    /// the number of the journal that asks.
    fileprivate static let query = """
        SELECT DISTINCT queue.id, runs.workflow, runs.created_at, kind, key, most, waiter
        FROM queue JOIN runs ON runs.row = queue.run
        CROSS JOIN LATERAL (
            VALUES (queue.concurrency, queue.concurrency_limit), (queue.singleton, 1::bigint)
        ) AS wanted (number, most)
        JOIN queue_groups ON queue_groups.id = wanted.number
        JOIN LATERAL (
            SELECT run FROM queue AS begun
            WHERE kind = 0 AND begun.concurrency = wanted.number AND begun.concurrency <> 0 AND begun.state = 2
            UNION ALL
            SELECT run FROM queue AS begun
            WHERE kind = 2 AND begun.singleton = wanted.number AND begun.singleton <> 0 AND begun.state = 2
        ) AS holder ON true
        JOIN queue_waits ON queue_waits.run = holder.run
        JOIN runs AS driven ON driven.row = holder.run AND driven.owner = queue_waits.owner
        JOIN owners ON owners.id = driven.owner
        WHERE queue.id = ANY($2::text[]) AND queue.state < 2 AND \(StoredHead.isLiving)
        """

    /// Reads the rows of ``query``.
    fileprivate static func read(_ rows: [Rows.Row]) throws -> [String: QueueHoldup] {
        var holdups: [String: QueueHoldup] = [:]
        for row in rows {
            guard let kind = QueueTicket.Share.Kind(rawValue: try row.integer(3)) else { continue }
            let run = try row.text(0)
            var holdup = try holdups[run] ?? QueueHoldup(workflow: row.text(1), createdAt: row.natural(2), limits: [])
            let index = holdup.limits.firstIndex { $0.kind == kind } ?? holdup.limits.count
            if index == holdup.limits.count {
                holdup.limits.append(
                    Limit(kind, key: try row.text(4), limit: Int(try row.natural(5)), holders: []))
            }
            holdup.limits[index].holders.insert(try row.text(6))
            holdups[run] = holdup
        }
        for run in holdups.keys { holdups[run]?.limits.removeAll { $0.holders.count < $0.limit } }
        return holdups.filter { !$0.value.limits.isEmpty }
    }
}
