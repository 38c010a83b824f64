internal import GRDB
internal import WorkflowCore
package import WorkflowEngine

extension SQLiteJournal {
    package var keepsQueue: Bool { true }

    package func admit(_ scope: QueueScope, limit: Int) async throws(JournalError) -> QueuePass {
        try await onWriter { writer throws(JournalError) in try writer.admit(scope, limit: limit) }
    }

    package func places(of runs: [String]) async throws(JournalError) -> [String: QueuePlace] {
        let now = clock.now()
        return try await read { database in
            guard try database.hasTable("queue") else { return [:] }
            var places: [String: QueuePlace] = [:]
            for run in runs { places[run] = try QueuePlace.of(run, at: now, in: database) }
            return places
        }
    }

    package func queueFigures() async throws(JournalError) -> QueueFigures {
        try await read { database in
            guard try database.hasTable("queue") else { return QueueFigures() }
            let oldest = try Int64.fetchOne(database, sql: "SELECT min(entered_at) FROM queue WHERE state = 1")
            var figures = QueueFigures(oldest: oldest)
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT CASE WHEN state = 0 THEN 'time' WHEN queue_lanes.id IS NULL OR blocked = 0 THEN 'turn'
                            WHEN blocked = concurrency THEN 'concurrency' WHEN blocked = singleton THEN 'singleton' ELSE 'rate' END AS reason, sum(length)
                    FROM (SELECT lane, state, count(*) AS length FROM queue WHERE state < 2 GROUP BY lane, state)
                    LEFT JOIN queue_lanes ON queue_lanes.id = lane GROUP BY reason
                    """)
            for row in rows {
                guard let reason = QueueFigures.Reason(rawValue: try row.text(0)) else { continue }
                figures.lengths[reason] = Int(try row.natural(1))
            }
            return figures
        }
    }
}

extension Writer {
    func admit(_ scope: QueueScope, limit: Int) throws(JournalError) -> QueuePass {
        if !hasQueue { hasQueue = try look { try $0.hasTable("queue") } }
        guard hasQueue else { return QueuePass() }
        let now = clock.now()
        let (isDue, nextAt) = try look { _ in try hasQueueWork(now) }
        if queueWatch.isSetBack(at: now) { isQueueSetBack = true }
        // Whatever may begin is behind something that is looked at when it changes.
        if !isDue, !isQueueSetBack, case .all = scope {
            var pass = QueuePass()
            pass.nextAt = nextAt
            return pass
        }
        defer { if !inbox.waiting.isEmpty { deliverInbox() } }
        let pass = try transaction {
            try becomeOwner()
            // What has ended while this waited for other writers has ended before what begins now.
            let now = clock.now()
            if isQueueSetBack { try setBackQueue(to: now) }
            // Each run that is claimed is read, by what the list of runs says and every entry that it is behind.
            try catchUp()
            try wakeQueue(now)
            var pass = QueuePass()
            var owners = try owners()
            switch scope {
            case .all: try admitAll(limit, now, &owners, &pass)
            case .runs(let runs): try admit(runs, limit, now, owners, &pass)
            }
            try notePassReplaced(&pass)
            pass.nextAt = try hasQueueWork(now).nextAt
            if pass.told > 0 { inbox.isDue = inbox.deliver != nil }
            return pass
        }
        isQueueSetBack = false
        return pass
    }

    private func admitAll(
        _ limit: Int, _ now: Int64, _ owners: inout OwnerTable, _ pass: inout QueuePass
    ) throws {
        // What is there for runs that are owned already is told apart from what comes with the claims.
        try lookIntoInbox()
        let reader = try EntryReader(database)
        while pass.claims.count + pass.told < limit, let next = try nextInQueue() {
            guard let row = try QueueRow.find(next.run, in: database), row.lane == next.lane, row.state == 1 else {
                try renewHead(of: next.lane)
                continue
            }
            let running = try row.running(in: database)
            if let obstacle = try row.obstacle(at: now, beside: running, in: database) {
                try noteRival(of: row)
                var lanes = StoredLanes(database: database)
                try lanes.meet(obstacle, in: row.shared)
                continue
            }
            try grant(row, at: now, beside: running)
            guard let id = try runID(row.run) else {
                try leaveQueue(row.run)
                continue
            }
            switch try attempt(id, &owners, reader) {
            case .success(.owned): pass.told += 1
            case .success(.over), .success(.missing): try leaveQueue(row.run)
            case .success(let claim): pass.claims.append((id, .success(claim)))
            case .failure(let error):
                // What cannot be read holds no places.
                try leaveQueue(row.run)
                pass.claims.append((id, .failure(error)))
            }
        }
        pass.isMore = pass.claims.count + pass.told >= limit
        // What was posted to claimed runs has come with their claims.
        try lookIntoInbox()
        let claimed = Set(pass.claims.map(\.run))
        inbox.waiting.removeAll { claimed.contains($0.run) }
    }

    private func admit(
        _ runs: [String], _ limit: Int, _ now: Int64, _ owners: OwnerTable, _ pass: inout QueuePass
    ) throws {
        var rows: [QueueRow] = []
        for run in runs {
            let row = try Row.fetchOne(
                database.cachedStatement(
                    sql: """
                        SELECT \(QueueRow.columns) FROM queue JOIN runs ON runs.row = queue.run
                        WHERE runs.id = ? AND state = 1 AND runs.owner = ?
                        """), arguments: [run, owner.number])
            if let row { rows.append(try QueueRow(row)) }
        }
        rows.sort { $0.priority == $1.priority ? $0.run < $1.run : $0.priority > $1.priority }
        for row in rows where pass.told < limit {
            if try isBehindDriven(row, owners) { continue }
            let running = try row.running(in: database)
            if try row.obstacle(at: now, beside: running, in: database) != nil {
                try noteRival(of: row)
                continue
            }
            try grant(row, at: now, beside: running)
            pass.told += 1
        }
    }

    /// A run that may not begin yet has that cancelled in place of which it is to run, whatever else keeps it waiting. It is
    /// told of until it is over, whoever is told and dies.
    private func noteRival(of row: QueueRow) throws {
        guard row.cancels, let rival = try row.rival(in: database) else { return }
        try database.cachedStatement(sql: "UPDATE queue SET replaced_by = ? WHERE run = ?")
            .execute(arguments: [row.run, rival])
    }

    /// Whether a run that a process drives is before one in its lane.
    private func isBehindDriven(_ row: QueueRow, _ owners: OwnerTable) throws -> Bool {
        let before = try Int64.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT coalesce(runs.owner, 0) FROM queue JOIN runs ON runs.row = queue.run
                    WHERE lane = ?1 AND state = 1 AND (priority > ?2 OR priority = ?2 AND queue.run < ?3) LIMIT 1000
                    """), arguments: [row.lane, row.priority, row.run])
        return before.contains { $0 > 0 && owners.living($0) != nil }
    }

    private func notePassReplaced(_ pass: inout QueuePass) throws {
        let rows = try Row.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT runs.id, (SELECT id FROM runs WHERE row = replaced_by)
                    FROM (SELECT * FROM (SELECT run, replaced_by FROM queue INDEXED BY queue_replaced
                            WHERE state = 3 ORDER BY run LIMIT 64)
                        UNION ALL SELECT * FROM (SELECT run, replaced_by FROM queue INDEXED BY queue_rivals
                            WHERE state = 2 AND replaced_by IS NOT NULL ORDER BY run LIMIT 64))
                    JOIN runs ON runs.row = run
                    """))
        for row in rows { pass.replaced.append((try row.text(0), (try row.optionalText(1)) ?? "a later one")) }
    }

    private func runID(_ row: Int64) throws -> String? {
        try String.fetchOne(database.cachedStatement(sql: "SELECT id FROM runs WHERE row = ?"), arguments: [row])
    }
}

extension QueuePlace {
    /// The place of a run; nil for one that does not wait.
    fileprivate static func of(_ run: String, at now: Int64, in database: Database) throws -> QueuePlace? {
        let found = try Row.fetchOne(
            database.cachedStatement(
                sql: """
                    SELECT \(Writer.QueueRow.columns) FROM queue JOIN runs ON runs.row = queue.run WHERE runs.id = ?
                    """), arguments: [run])
        guard let found else { return nil }
        let row = try Writer.QueueRow(found)
        switch row.state {
        case 0: return QueuePlace(priority: row.priority, position: 0, reason: .time(row.readyAt))
        case 1: break
        case 3:
            let other = try String.fetchOne(
                database, sql: "SELECT id FROM runs WHERE row = ?", arguments: [row.replacedBy])
            return QueuePlace(priority: row.priority, position: 0, reason: .replaced(by: other ?? "a later one"))
        default: return nil
        }
        let before = try Int.fetchOne(
            database.cachedStatement(
                sql: """
                    SELECT count(*) FROM (SELECT 1 FROM queue
                        WHERE lane = ?1 AND state = 1 AND (priority > ?2 OR priority = ?2 AND run < ?3) LIMIT ?4)
                    """), arguments: [row.lane, row.priority, row.run, mostCounted])
        var reason = try Self.reason(row, at: now, in: database)
        // One that its own limits would let begin waits for what the first of its line waits for.
        if reason == nil, before ?? 0 > 0, let first = try Self.first(of: row.lane, in: database) {
            reason = try Self.reason(first, at: now, in: database)
        }
        return QueuePlace(priority: row.priority, position: (before ?? 0) + 1, reason: reason ?? .turn)
    }

    private static func first(of lane: Int64, in database: Database) throws -> Writer.QueueRow? {
        try Row.fetchOne(
            database.cachedStatement(
                sql: """
                    SELECT \(Writer.QueueRow.columns) FROM queue WHERE lane = ? AND state = 1
                    ORDER BY priority DESC, run LIMIT 1
                    """), arguments: [lane]
        ).map { try Writer.QueueRow($0) }
    }

    /// What the limits of a run keep it waiting by; nil for nothing.
    private static func reason(_ row: Writer.QueueRow, at now: Int64, in database: Database) throws -> Reason? {
        let running = try row.running(in: database)
        guard let obstacle = try row.obstacle(at: now, beside: running, in: database) else { return nil }
        func key(_ group: Int64) throws -> String {
            try String.fetchOne(database, sql: "SELECT key FROM queue_groups WHERE id = ?", arguments: [group]) ?? ""
        }
        func id(_ run: Int64?) throws -> String {
            try String.fetchOne(database, sql: "SELECT id FROM runs WHERE row = ?", arguments: [run]) ?? ""
        }
        switch obstacle {
        case .rate(let until):
            return .rate(key: try key(row.rate), limit: Int(row.rateLimit), period: row.ratePeriod, until: until)
        case .group(row.concurrency):
            return .concurrency(key: try key(row.concurrency), running: running, limit: Int(row.concurrencyLimit))
        case .group: return .singleton(key: try key(row.singleton), run: try id(try row.rival(in: database)))
        }
    }
}
