internal import StoredEntries
internal import WorkflowCore
package import WorkflowEngine

extension PostgresJournal: StoreUpkeep {
    package var name: String { address.name }

    package func prune(_ filter: PruneFilter) async throws(JournalError) -> PruneReport {
        let doomed = try await list(
            RunFilter(workflow: filter.workflow, statuses: filter.statuses)
        ).filter(filter.admits).dropFirst(filter.keep).map(\.id)
        let before = try await size()
        var report = PruneReport()
        let (own, dryRun, schema, now) = (owner, filter.dryRun, options.schema, clock.now())
        // In small pieces, so that runs that are under way are not kept waiting.
        for start in stride(from: 0, to: doomed.count, by: 200) {
            let piece = Array(doomed[start..<min(start + 200, doomed.count)])
            let part = try await sessions.run {
                try Removal($0, own: own, schema: schema).remove(piece, dryRun: dryRun)
            }
            report.runs += part.runs
            report.events += part.events
        }
        let orphans = try await sessions.run {
            try Removal($0, own: own, schema: schema)
                .removeOrphans(now: now, without: dryRun ? doomed : [], dryRun: dryRun)
        }
        report.generations = orphans.generations
        report.contents = orphans.contents
        if !dryRun, filter.vacuum {
            try await sessions.run { connection in
                for table in ["entries", "contents", "runs", "inbox", "content_uses"] {
                    try connection.script("VACUUM FULL \(table)")
                }
            }
        }
        if !dryRun { report.freed = max(before - (try await size()), 0) }
        return report
    }

    /// What the tables take on the server's disk, in bytes.
    private func size() async throws(JournalError) -> Int {
        let schema = options.schema
        return try await sessions.run { connection in
            let row = try connection.run(
                """
                SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class
                WHERE relkind = 'r' AND relnamespace = to_regnamespace($1::text)
                """, Parameters().add(quotedName(schema))
            ).first
            return Int(try row?.natural(0) ?? 0)
        }
    }

    package func checkWritable() async throws(JournalError) {
        let own = owner
        // A server that only reads refuses the statement, whatever rows there are.
        try await sessions.run { connection in
            try connection.run(
                "UPDATE owners SET name = name WHERE id = $1::bigint", Parameters().add(own))
            return
        }
    }

    package func delete(_ run: String) async throws(JournalError) -> Bool {
        if run.utf8.contains(0) { return false }
        do {
            guard let header = try await header(of: run) else { return false }
            if let owner = header.owner { throw JournalError.active(run, owner) }
        } catch let error as JournalError where error.reason == .storeCorrupt {
            // A damaged run can be removed like any other.
        } catch let error as JournalError {
            throw error
        } catch {
            throw JournalError(code: .storeFailed, message: "\(error)")
        }
        let (own, schema, now) = (owner, options.schema, clock.now())
        return try await sessions.run { connection in
            let removal = Removal(connection, own: own, schema: schema)
            let report = try removal.remove([run], dryRun: false)
            _ = try removal.removeOrphans(now: now, without: [], dryRun: false)
            if report.runs > 0 { return true }
            // One that is gone was removed by an attempt whose answer was lost.
            return try connection.run("SELECT EXISTS (SELECT 1 FROM runs WHERE id = $1::text)", Parameters().add(run))
                .first?.flag(0) == false
        }
    }

    package func statistics() async throws(JournalError) -> StoreStatistics {
        var statistics: StoreStatistics = try await sessions.run { connection in
            var statistics = StoreStatistics()
            let rows = try connection.run(
                """
                SELECT runs.status, count(*), sum(coalesce(newest.sequence, runs.sequence))::bigint
                FROM runs LEFT JOIN LATERAL (
                    SELECT sequence FROM entries WHERE entries.run = runs.row AND runs.status = 1 ORDER BY start DESC LIMIT 1
                ) AS newest ON true GROUP BY runs.status
                """)
            for row in rows.all {
                guard let status = RunMachine.Status(number: try row.integer(0)) else { continue }
                statistics.runs[status] = Int(try row.natural(1))
                statistics.events += Int(try row.natural(2))
            }
            let counts = try connection.run(
                "SELECT (SELECT count(DISTINCT generation) FROM generation_files), (SELECT count(*) FROM contents)"
            ).first
            statistics.generations = Int(try counts?.natural(0) ?? 0)
            statistics.contents = Int(try counts?.natural(1) ?? 0)
            return statistics
        }
        statistics.bytes = try await size()
        return statistics
    }

    package func check() async throws(JournalError) -> [StoreProblem] {
        let own = owner
        return try await sessions.run { connection in
            // One state of the store, however long it takes.
            try connection.transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") {
                try DamageReport(connection, own: own).problems()
            }
        }
    }

    package func unreadable() async throws(JournalError) -> [StoreProblem] {
        let own = owner
        return try await sessions.run { try DamageReport($0, own: own).heads().compactMap(\.problem) }
    }
}
