internal import GRDB
internal import WorkflowEngine

extension Writer {
    /// Removes runs with everything that is theirs; those that somebody drives stay.
    func remove(_ runs: [String], dryRun: Bool) throws(JournalError) -> PruneReport {
        try transaction {
            try catchUp()
            let owners = try owners()
            var report = PruneReport()
            for id in runs {
                guard let stored = try StoredHead.find(id, in: database), stored.header(owners).owner == nil else {
                    continue
                }
                report.runs += 1
                report.events += stored.head.sequence
                if !dryRun { try remove(stored) }
            }
            return report
        }
    }

    private func remove(_ stored: StoredHead) throws {
        var entry = stored.head.entry
        while entry != 0 {
            let row = try Row.fetchOne(
                database.cachedStatement(
                    sql: "SELECT previous, parts IS NOT NULL FROM entries WHERE id = ? AND run = ?"),
                arguments: [entry, stored.row])
            guard let row else { break }
            try database.cachedStatement(sql: "DELETE FROM entries WHERE id = ?").execute(arguments: [entry])
            if row[1] {
                try database.cachedStatement(sql: "DELETE FROM content_uses WHERE entry = ?").execute(arguments: [entry]
                )
            }
            entry = row[0]
        }
        try database.cachedStatement(sql: "DELETE FROM inbox WHERE run = ?").execute(arguments: [stored.row])
        try database.cachedStatement(sql: "DELETE FROM runs WHERE row = ?").execute(arguments: [stored.row])
    }

    /// Removes generations and contents that nothing refers to.
    ///
    /// - Parameter runs: runs to leave out of account, for a dry run.
    func removeOrphans(dryRun: Bool, without runs: [String]) throws(JournalError) -> PruneReport {
        try transaction {
            try buryOwners()
            var report = PruneReport()
            try database.execute(sql: "CREATE TEMP TABLE IF NOT EXISTS doomed (id TEXT PRIMARY KEY)")
            defer { try? database.execute(sql: "DROP TABLE IF EXISTS temp.doomed") }
            if dryRun {
                for run in runs {
                    try database.execute(sql: "INSERT OR IGNORE INTO doomed VALUES (?)", arguments: [run])
                }
            }
            let generations = try String.fetchAll(
                database,
                sql: """
                    SELECT DISTINCT generation FROM generation_files
                    WHERE generation NOT IN (SELECT generation FROM runs WHERE id NOT IN (SELECT id FROM doomed))
                        AND generation NOT IN (SELECT generation FROM generation_holds)
                    """)
            report.generations = generations.count
            if dryRun { return report }
            for generation in generations {
                try database.execute(sql: "DELETE FROM generation_files WHERE generation = ?", arguments: [generation])
            }
            try database.execute(
                sql: """
                    DELETE FROM contents WHERE hash NOT IN (SELECT hash FROM content_uses)
                        AND hash NOT IN (SELECT hash FROM generation_files)
                    """)
            report.contents = database.changesCount
            return report
        }
    }
}
