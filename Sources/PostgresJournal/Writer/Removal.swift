internal import WorkflowEngine

/// Removes runs, and what only they needed.
struct Removal {
    private let connection: Connection
    private let own: Int64
    private let schema: String

    init(_ connection: Connection, own: Int64, schema: String) {
        self.connection = connection
        self.own = own
        self.schema = schema
    }

    /// Removes runs with everything that is theirs; those that somebody drives stay.
    func remove(_ ids: [String], dryRun: Bool) throws -> PruneReport {
        try connection.transaction {
            let hasQueued = try connection.run(
                "SELECT EXISTS (SELECT 1 FROM queue WHERE id = ANY($1::text[]))", Parameters().add(ids)
            ).first?.flag(0)
            // Before any row is locked, as whoever lets runs begin does it.
            if hasQueued == true, !dryRun { try connection.lockQueue(schema) }
            let found = try connection.run(
                """
                SELECT runs.row, runs.sequence FROM runs LEFT JOIN owners ON owners.id = runs.owner
                WHERE runs.id = ANY($2::text[]) AND (runs.status > 3 OR NOT \(StoredHead.isLiving))
                ORDER BY runs.row FOR UPDATE OF runs SKIP LOCKED
                """, Parameters().add(own).add(ids))
            var report = PruneReport()
            var rows: [Int64] = []
            for row in found.all {
                rows.append(try row.integer(0))
                report.runs += 1
                report.events += Int(clamping: max(try row.integer(1), 0))
            }
            if dryRun { return report }
            for statement in [
                "SELECT queue_leave(row) FROM unnest($1::bigint[]) AS row",
                "DELETE FROM entries WHERE run = ANY($1::bigint[])",
                "DELETE FROM content_uses WHERE run = ANY($1::bigint[])",
                "DELETE FROM inbox WHERE run = ANY($1::bigint[])", "DELETE FROM run_tags WHERE run = ANY($1::bigint[])",
                "DELETE FROM runs WHERE row = ANY($1::bigint[])",
            ] { try connection.run(statement, Parameters().add(rows)) }
            return report
        }
    }

    /// Removes messages, generations and contents that nothing refers to, and answers that nobody has asked for
    /// within a day.
    ///
    /// - Parameters:
    ///   - runs: runs to leave out of account, for a dry run.
    ///   - now: microseconds since 1970.
    func removeOrphans(now: Int64, without runs: [String], dryRun: Bool) throws -> PruneReport {
        try connection.transaction {
            // Nobody stores what nothing refers to yet while this is going on.
            try connection.run("SELECT pg_advisory_xact_lock(hashtextextended($1::text, 8))", Parameters().add(schema))
            var report = PruneReport()
            try connection.run(
                """
                DELETE FROM generation_holds WHERE NOT EXISTS (
                    SELECT 1 FROM owners WHERE owners.id = generation_holds.owner)
                """)
            let unused = try connection.run(
                """
                SELECT DISTINCT generation FROM generation_files
                WHERE NOT EXISTS (
                        SELECT 1 FROM runs
                        WHERE runs.generation = generation_files.generation AND NOT runs.id = ANY($1::text[]))
                    AND NOT EXISTS (
                        SELECT 1 FROM generation_holds WHERE generation_holds.generation = generation_files.generation)
                """, Parameters().add(runs))
            report.generations = unused.count
            if dryRun { return report }
            let names = try unused.all.map { try $0.text(0) }
            try connection.run(
                "DELETE FROM generation_files WHERE generation = ANY($1::text[])", Parameters().add(names))
            try connection.run(
                """
                DELETE FROM inbox WHERE NOT EXISTS (SELECT 1 FROM runs WHERE runs.row = inbox.run)
                    OR answer IS NOT NULL AND posted_at < $1::bigint
                """, Parameters().add(now - 86_400_000_000))
            try connection.run(
                "DELETE FROM content_uses WHERE NOT EXISTS (SELECT 1 FROM runs WHERE runs.row = content_uses.run)")
            report.contents = try connection.run(
                """
                DELETE FROM contents WHERE NOT EXISTS (SELECT 1 FROM content_uses WHERE content_uses.hash = contents.hash)
                    AND NOT EXISTS (SELECT 1 FROM generation_files WHERE generation_files.hash = contents.hash)
                """
            ).changed
            return report
        }
    }
}
