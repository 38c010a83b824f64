internal import FlatValue
internal import Foundation
internal import GRDB
internal import JSONSchema
internal import WorkflowCore
internal import WorkflowEngine

/// The queue, in the transaction that is open. Numbers of states and lanes are those of ``Schema/queueTables``.
extension Writer {
    /// The places of a ticket: its lane and the groups of its shares, 0 for none.
    struct QueuePlaces {
        var lane: Int64 = 0
        var concurrency: Int64 = 0
        var rate: Int64 = 0
        var singleton: Int64 = 0
    }

    // MARK: Coming

    /// The places of a run that is to wait; the run that a singleton has instead, if there is one.
    func findPlaces(_ workflow: String, _ ticket: QueueTicket) throws -> (places: QueuePlaces, rival: String?) {
        if !hasQueue {
            if try !database.hasTable("queue") { try database.execute(sql: Schema.queueTables) }
            hasQueue = true
        }
        var places = QueuePlaces()
        if let share = ticket.share(.singleton) {
            places.singleton = try group(share, workflow)
            if ticket.onConflict == .skip, let rival = try rival(of: ticket, places.singleton) {
                return (places, rival)
            }
        }
        if let share = ticket.share(.concurrency) { places.concurrency = try group(share, workflow) }
        if let share = ticket.share(.rate) { places.rate = try group(share, workflow) }
        let key: StatementArguments = [workflow, places.concurrency, places.rate, places.singleton]
        let find = try database.cachedStatement(
            sql: "SELECT id FROM queue_lanes WHERE workflow = ? AND concurrency = ? AND rate = ? AND singleton = ?")
        if let lane = try Int64.fetchOne(find, arguments: key) {
            places.lane = lane
        } else {
            try database.cachedStatement(
                sql: "INSERT INTO queue_lanes (workflow, concurrency, rate, singleton) VALUES (?, ?, ?, ?)"
            ).execute(arguments: key)
            places.lane = database.lastInsertedRowID
        }
        return (places, nil)
    }

    /// The oldest run of a singleton that a run which comes with a ticket does not replace.
    private func rival(of ticket: QueueTicket, _ singleton: Int64) throws -> String? {
        try String.fetchOne(
            database.cachedStatement(
                sql: """
                    SELECT runs.id FROM queue JOIN runs ON runs.row = queue.run
                    WHERE singleton = ?1 AND singleton <> 0 AND state < 3
                        AND NOT (state < 2 AND debounce IS NOT NULL AND debounce IS ?2)
                    ORDER BY queue.run LIMIT 1
                    """),
            arguments: [singleton, ticket.debounce])
    }

    private func group(_ share: QueueTicket.Share, _ workflow: String) throws -> Int64 {
        let key: StatementArguments = [share.kind.rawValue, workflow, share.key]
        let find = try database.cachedStatement(
            sql: "SELECT id FROM queue_groups WHERE kind = ? AND workflow = ? AND key = ?")
        if let group = try Int64.fetchOne(find, arguments: key) { return group }
        try database.cachedStatement(sql: "INSERT INTO queue_groups (kind, workflow, key) VALUES (?, ?, ?)")
            .execute(arguments: key)
        return database.lastInsertedRowID
    }

    /// Gives a new run its place, in place of those that it replaces.
    func enterQueue(_ run: Int64, _ ticket: QueueTicket, _ places: QueuePlaces) throws {
        let now = clock.now()
        if places.singleton != 0, ticket.onConflict == .cancelRunning {
            try replace("WHERE singleton = ? AND singleton <> 0", [places.singleton], by: run)
        }
        if let key = ticket.debounce {
            try replace(
                """
                INDEXED BY queue_debounces WHERE debounce = ?
                    AND (SELECT workflow FROM queue_lanes WHERE id = lane) = (SELECT workflow FROM queue_lanes WHERE id = ?)
                """, [key, places.lane], by: run)
        }
        let isEarly = ticket.readyAt > now
        let rate = ticket.share(.rate)
        try database.cachedStatement(
            sql: """
                INSERT INTO queue (run, lane, state, priority, ready_at, entered_at, concurrency, concurrency_limit, rate,
                    rate_limit, rate_period, singleton, cancels, debounce)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(
            arguments: [
                run, places.lane, isEarly ? 0 : 1, ticket.priority, ticket.readyAt, max(now, ticket.readyAt),
                places.concurrency, Int64(ticket.share(.concurrency)?.limit ?? 0), places.rate,
                Int64(rate?.limit ?? 0), rate?.period ?? 0, places.singleton,
                ticket.onConflict == .cancelRunning ? 1 : 0, ticket.debounce,
            ])
        try database.cachedStatement(sql: "UPDATE runs SET queued = 1 WHERE row = ?").execute(arguments: [run])
        if !isEarly { try joinLane(places.lane, run, ticket.priority) }
    }

    /// Has a lane be looked at if a run that begins to wait goes before those that do.
    private func joinLane(_ lane: Int64, _ run: Int64, _ priority: Int64) throws {
        try database.cachedStatement(
            sql: """
                UPDATE queue_lanes SET priority = ?2, head = ?3, blocked = 0
                WHERE id = ?1 AND (head = 0 OR priority < ?2 OR priority = ?2 AND head > ?3)
                """
        ).execute(arguments: [lane, priority, run])
    }

    private func replace(_ condition: String, _ arguments: StatementArguments, by run: Int64) throws {
        let rows = try Row.fetchAll(
            database.cachedStatement(sql: "SELECT run, lane, state FROM queue \(condition) AND state < 2"),
            arguments: arguments)
        for row in rows {
            try database.cachedStatement(sql: "UPDATE queue SET state = 3, replaced_by = ? WHERE run = ?")
                .execute(arguments: [run, row.integer(0)])
            if try row.integer(2) == 1 { try renewHead(of: row.integer(1)) }
        }
    }

    /// Has a lane show its first run, and be looked at if there is one.
    func renewHead(of lane: Int64) throws {
        let first = try Row.fetchOne(
            database.cachedStatement(
                sql: "SELECT priority, run FROM queue WHERE lane = ? AND state = 1 ORDER BY priority DESC, run LIMIT 1"),
            arguments: [lane])
        try database.cachedStatement(sql: "UPDATE queue_lanes SET blocked = ?, priority = ?, head = ? WHERE id = ?")
            .execute(arguments: [first == nil ? -2 : 0, first?.integer(0) ?? 0, first?.integer(1) ?? 0, lane])
        guard first == nil else { return }
        let rate = try Int64.fetchOne(
            database.cachedStatement(sql: "SELECT rate FROM queue_lanes WHERE id = ?"), arguments: [lane])
        var lanes = StoredLanes(database: database)
        try lanes.empty(QueueLane(lane, concurrency: 0, rate: rate ?? 0, singleton: 0))
    }

    // MARK: Going

    /// Gives the place of a run that has begun to another one, which follows on it; false if it has none.
    func takePlace(of run: Int64, by other: Int64) throws -> Bool {
        try database.cachedStatement(sql: "UPDATE queue SET run = ? WHERE run = ? AND state = 2").execute(
            arguments: [other, run])
        guard database.changesCount == 1 else { return false }
        try database.cachedStatement(
            sql: "UPDATE runs SET queued = CASE WHEN row = ?1 THEN 2 ELSE 0 END WHERE row IN (?1, ?2)"
        )
        .execute(arguments: [other, run])
        return true
    }

    /// Takes a run out of the queue, with the places that it holds; no-op if it has none.
    func leaveQueue(_ run: Int64) throws {
        let row = try Row.fetchOne(
            database.cachedStatement(
                sql: "SELECT lane, state, concurrency, singleton, rate FROM queue WHERE run = ?"), arguments: [run])
        guard let row else { return }
        let (lane, state) = (try row.integer(0), try row.integer(1))
        try database.cachedStatement(sql: "DELETE FROM queue WHERE run = ?").execute(arguments: [run])
        try database.cachedStatement(sql: "DELETE FROM inbox WHERE run = ? AND kind = 'begin'")
            .execute(arguments: [run])
        if state == 1 { try renewHead(of: lane) }
        if state == 2 {
            var lanes = StoredLanes(database: database)
            try lanes.end(
                in: QueueLane(
                    lane, concurrency: row.integer(2), rate: row.integer(4), singleton: row.integer(3)))
        }
        let isUsed = try Bool.fetchOne(
            database.cachedStatement(sql: "SELECT EXISTS (SELECT 1 FROM queue WHERE lane = ?)"), arguments: [lane])
        if isUsed == true { return }
        try database.cachedStatement(sql: "DELETE FROM queue_lanes WHERE id = ?").execute(arguments: [lane])
        for (group, column) in [(try row.integer(2), "concurrency"), (try row.integer(3), "singleton")] where group != 0
        {
            try database.cachedStatement(
                sql: """
                    DELETE FROM queue_groups WHERE id = ?1
                        AND NOT EXISTS (SELECT 1 FROM queue_lanes WHERE \(column) = ?1)
                    """
            ).execute(arguments: [group])
        }
        // What has begun within the period of a rate counts still.
        try database.cachedStatement(
            sql: """
                DELETE FROM queue_groups WHERE id = ?1 AND starts = 0
                    AND NOT EXISTS (SELECT 1 FROM queue_lanes WHERE rate = ?1)
                """
        ).execute(arguments: [row.integer(4)])
    }

    // MARK: Beginning

    /// Whether a look at the queue may come to anything; and when it may because of time, 0 for never.
    func hasQueueWork(_ now: Int64) throws -> (isDue: Bool, nextAt: Int64) {
        let row = try Row.fetchOne(
            database.cachedStatement(
                sql: """
                    SELECT EXISTS (SELECT 1 FROM queue_lanes WHERE blocked = 0)
                            OR EXISTS (SELECT 1 FROM queue INDEXED BY queue_replaced WHERE state = 3)
                            OR EXISTS (SELECT 1 FROM queue INDEXED BY queue_rivals
                                WHERE state = 2 AND replaced_by IS NOT NULL),
                        (SELECT min(ready_at) FROM queue WHERE state = 0),
                        (SELECT min(wake_at) FROM queue_lanes WHERE blocked = -1)
                    """))
        guard let row else { return (false, 0) }
        let times = [try row.optionalInteger(1), try row.optionalInteger(2)].compactMap { $0 }
        let next = times.min() ?? 0
        return (try row.integer(0) != 0 || next != 0 && next <= now, next)
    }

    /// Moves runs whose time has come to those that wait, and has lanes be looked at whose time has come.
    func wakeQueue(_ now: Int64) throws {
        let rows = try Row.fetchAll(
            database.cachedStatement(
                sql:
                    "SELECT run, lane, priority FROM queue WHERE state = 0 AND ready_at <= ? ORDER BY ready_at LIMIT 1000"
            ), arguments: [now])
        for row in rows {
            try database.cachedStatement(sql: "UPDATE queue SET state = 1 WHERE run = ?")
                .execute(arguments: [row.integer(0)])
            try joinLane(row.integer(1), row.integer(0), row.integer(2))
        }
        try database.cachedStatement(sql: "UPDATE queue_lanes SET blocked = 0 WHERE blocked = -1 AND wake_at <= ?")
            .execute(arguments: [now])
        // A rate that nobody has used for a period has room for all.
        let idle = try Int64.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT id FROM queue_groups AS idle WHERE idle_at BETWEEN 1 AND ? AND kind = 1
                        AND NOT EXISTS (SELECT 1 FROM queue_lanes WHERE rate = idle.id) LIMIT 64
                    """), arguments: [now])
        for rate in idle {
            try database.cachedStatement(sql: "DELETE FROM queue_starts WHERE rate = ?").execute(arguments: [rate])
            try database.cachedStatement(sql: "DELETE FROM queue_groups WHERE id = ?").execute(arguments: [rate])
        }
    }

    /// The first run of the lanes that are to be looked at, with its lane.
    func nextInQueue() throws -> (run: Int64, lane: Int64)? {
        let row = try Row.fetchOne(
            database.cachedStatement(
                sql: "SELECT head, id FROM queue_lanes WHERE blocked = 0 ORDER BY priority DESC, head LIMIT 1"))
        return try row.map { (try $0.integer(0), try $0.integer(1)) }
    }

    /// A run of the queue as its row has it.
    struct QueueRow {
        var run: Int64
        var lane: Int64
        var state: Int64
        var priority: Int64
        var readyAt: Int64
        var concurrency: Int64
        var concurrencyLimit: Int64
        var rate: Int64
        var rateLimit: Int64
        var ratePeriod: Int64
        var singleton: Int64
        var cancels: Bool
        var replacedBy: Int64

        /// Its lane.
        var shared: QueueLane { QueueLane(lane, concurrency: concurrency, rate: rate, singleton: singleton) }

        static let columns = """
            queue.run, lane, state, priority, ready_at, concurrency, concurrency_limit, rate, rate_limit, rate_period,
                singleton, cancels, replaced_by
            """

        init(_ row: Row) throws {
            run = try row.integer(0)
            lane = try row.integer(1)
            state = try row.integer(2)
            priority = try row.integer(3)
            readyAt = try row.integer(4)
            concurrency = try row.integer(5)
            concurrencyLimit = try row.integer(6)
            rate = try row.integer(7)
            rateLimit = try row.integer(8)
            ratePeriod = try row.integer(9)
            singleton = try row.integer(10)
            cancels = try row.integer(11) != 0
            replacedBy = try row.optionalInteger(12) ?? 0
        }

        static func find(_ run: Int64, in database: Database) throws -> QueueRow? {
            try Row.fetchOne(
                database.cachedStatement(sql: "SELECT \(columns) FROM queue WHERE run = ?"), arguments: [run]
            ).map { try QueueRow($0) }
        }

        /// How many runs of its concurrency have begun.
        func running(in database: Database) throws -> Int {
            if concurrency == 0 { return 0 }
            return try Int.fetchOne(
                database.cachedStatement(
                    sql: "SELECT count(*) FROM queue WHERE concurrency = ? AND concurrency <> 0 AND state = 2"),
                arguments: [concurrency]) ?? 0
        }

        /// The row of the run that its singleton has under way.
        func rival(in database: Database) throws -> Int64? {
            if singleton == 0 { return nil }
            return try Int64.fetchOne(
                database.cachedStatement(
                    sql: "SELECT run FROM queue WHERE singleton = ? AND singleton <> 0 AND state = 2 LIMIT 1"),
                arguments: [singleton])
        }

        /// What keeps it from beginning now, beside so many of its concurrency; nil for nothing.
        func obstacle(at now: Int64, beside running: Int, in database: Database) throws -> QueueLane.Obstacle? {
            if concurrency != 0, running >= concurrencyLimit { return .group(concurrency) }
            if try rival(in: database) != nil { return .group(singleton) }
            if rate != 0 {
                let time = try Int64.fetchOne(
                    database.cachedStatement(
                        sql: """
                            SELECT time FROM queue_starts JOIN queue_groups ON id = rate
                            WHERE rate = ?1 AND number = starts - ?2 + 1
                            """), arguments: [rate, rateLimit])
                let (until, overflows) = (time ?? 0).addingReportingOverflow(ratePeriod)
                if time != nil, !overflows, until > now { return .rate(until: until) }
            }
            return nil
        }
    }

    /// Gives a run its places: it begins, beside so many of its concurrency.
    func grant(_ row: QueueRow, at now: Int64, beside running: Int) throws {
        try database.cachedStatement(sql: "UPDATE queue SET state = 2 WHERE run = ?").execute(arguments: [row.run])
        try database.cachedStatement(sql: "UPDATE runs SET queued = 2 WHERE row = ?").execute(arguments: [row.run])
        if row.rate != 0 {
            try database.cachedStatement(
                sql: "UPDATE queue_groups SET starts = starts + 1, idle_at = max(idle_at, ?) WHERE id = ?"
            ).execute(arguments: [now.addingReportingOverflow(row.ratePeriod).partialValue, row.rate])
            try database.cachedStatement(
                sql: "INSERT OR REPLACE INTO queue_starts SELECT id, starts, ? FROM queue_groups WHERE id = ?"
            ).execute(arguments: [now, row.rate])
            try database.cachedStatement(
                sql: """
                    DELETE FROM queue_starts WHERE rate = ?1
                        AND number <= (SELECT starts FROM queue_groups WHERE id = ?1) - ?2
                    """
            ).execute(arguments: [row.rate, row.rateLimit])
        }
        try database.cachedStatement(
            sql: "INSERT INTO inbox (run, kind, target, payload, posted_at) VALUES (?, 'begin', '', ?, ?)"
        ).execute(arguments: [row.run, Value.null.withBytes { Data($0) }, now])
        try renewHead(of: row.lane)
        var lanes = StoredLanes(database: database)
        try lanes.begin(in: row.shared, hasRoom: running + 1 < row.concurrencyLimit)
    }

    /// The clock was set back: what lies ahead of it has happened by now.
    func setBackQueue(to now: Int64) throws {
        try database.execute(
            sql: "UPDATE queue_starts SET time = ? WHERE time > ?", arguments: [now, now + ClockWatch.tolerance])
        try database.execute(sql: "UPDATE queue_lanes SET blocked = 0 WHERE blocked = -1")
    }
}
