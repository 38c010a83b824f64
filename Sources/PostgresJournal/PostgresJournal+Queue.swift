internal import JSONSchema
package import WorkflowEngine

extension PostgresJournal {
    package var keepsQueue: Bool { true }

    package func admit(_ scope: QueueScope, limit: Int) async throws(JournalError) -> QueuePass {
        try await onWriter { try $0.admit(scope, limit: limit) }
    }

    package func places(of runs: [String]) async throws(JournalError) -> [String: QueuePlace] {
        let (time, clock) = (options.queueTime?(), clock.now())
        return try await sessions.run { connection in
            let rows = try connection.run(
                QueuePlace.query,
                Parameters().add(runs.filter { !$0.utf8.contains(0) }).add(optional: time)
                    .add(Int64(QueuePlace.mostCounted)))
            var places: [String: QueuePlace] = [:]
            for row in rows.all { places[try row.text(0)] = try QueuePlace(row, clock: clock) }
            return places
        }
    }

    package func queueFigures() async throws(JournalError) -> QueueFigures {
        let (time, clock) = (options.queueTime?(), clock.now())
        return try await sessions.run { connection in
            let oldest = try connection.run(
                "SELECT coalesce($1::bigint, \(Schema.now)) - min(entered_at) FROM queue WHERE state = 1",
                Parameters().add(optional: time)
            ).first
            var figures = QueueFigures(oldest: try oldest?.optionalInteger(0).map { clock - $0 })
            let rows = try connection.run(
                """
                SELECT CASE WHEN state = 0 THEN 'time' WHEN queue_lanes.id IS NULL OR blocked = 0 THEN 'turn'
                        WHEN blocked = concurrency THEN 'concurrency' WHEN blocked = singleton THEN 'singleton' ELSE 'rate' END AS reason, sum(length)::bigint
                FROM (SELECT lane, state, count(*) AS length FROM queue WHERE state < 2 GROUP BY lane, state) AS waiting
                LEFT JOIN queue_lanes ON queue_lanes.id = lane GROUP BY 1
                """, Parameters())
            for row in rows.all {
                guard let reason = QueueFigures.Reason(rawValue: try row.text(0)) else { continue }
                figures.lengths[reason] = Int(try row.natural(1))
            }
            return figures
        }
    }
}

extension QueuePlace {
    /// The places of runs that wait, $1; at the time $2, the database's where it is NULL. One that its own limits would let
    /// begin waits for what the first of its line waits for.
    fileprivate static let query = """
        SELECT queue.id, queue.state, queue.priority, queue.ready_at - now, queue.replaced_by,
            CASE obstacle.blocked WHEN -1 THEN 'rate' WHEN cause.singleton THEN 'singleton'
                WHEN cause.concurrency THEN 'concurrency' END,
            (SELECT key FROM queue_groups WHERE queue_groups.id = CASE obstacle.blocked WHEN -1 THEN cause.rate
                ELSE obstacle.blocked END),
            obstacle.rival, obstacle.running, cause.concurrency_limit, cause.rate_limit, cause.rate_period,
            obstacle.wake_at - now,
            (SELECT count(*) FROM (
                SELECT 1 FROM queue AS ahead WHERE ahead.lane = queue.lane AND ahead.state = 1
                    AND (ahead.priority > queue.priority
                        OR ahead.priority = queue.priority AND ahead.number < queue.number) LIMIT $3::bigint
            ) AS ahead)
        FROM (SELECT coalesce($2::bigint, \(Schema.now)) AS now) AS clock CROSS JOIN queue
        CROSS JOIN LATERAL queue_obstacle(queue, now) AS own
        CROSS JOIN LATERAL (SELECT coalesce((
            SELECT ahead.run FROM queue AS ahead
            WHERE own.blocked IS NULL AND queue.state = 1 AND ahead.lane = queue.lane AND ahead.state = 1
            ORDER BY ahead.priority DESC, ahead.number LIMIT 1
        ), queue.run) AS run) AS first JOIN queue AS cause ON cause.run = first.run
        CROSS JOIN LATERAL queue_obstacle(cause, now) AS obstacle
        WHERE queue.id = ANY($1::text[]) AND queue.state <> 2
        """

    /// A row of ``query``.
    ///
    /// - Parameter clock: the time of this process, by which times are shown.
    fileprivate init(_ row: Rows.Row, clock: Int64) throws {
        let priority = try row.integer(2)
        let state = try row.integer(1)
        if state == 0 {
            self.init(priority: priority, position: 0, reason: .time(clock + (try row.integer(3))))
        } else if state == 3 {
            let other = try row.optionalText(4) ?? "a later one"
            self.init(priority: priority, position: 0, reason: .replaced(by: other))
        } else {
            let position = Int(try row.natural(13)) + 1
            self.init(priority: priority, position: position, reason: try Self.reason(row, clock: clock))
        }
    }

    private static func reason(_ row: Rows.Row, clock: Int64) throws -> Reason {
        let key = try row.optionalText(6) ?? ""
        switch try row.optionalText(5) {
        case "concurrency":
            return .concurrency(key: key, running: Int(try row.natural(8)), limit: Int(try row.natural(9)))
        case "rate":
            return .rate(
                key: key, limit: Int(try row.natural(10)), period: try row.integer(11),
                until: clock + (try row.integer(12)))
        case "singleton": return .singleton(key: key, run: try row.optionalText(7) ?? "")
        default: return .turn
        }
    }
}
