internal import GRDB
internal import GRDBSQLite
internal import WorkflowCore
internal import WorkflowEngine

extension Writer {
    /// Removes runs with everything that is theirs; those that somebody drives stay. On a full disk they go one by one.
    func remove(_ runs: [String], dryRun: Bool) throws(JournalError) -> PruneReport {
        do throws(JournalError) {
            return try removeTogether(runs, dryRun: dryRun)
        } catch  where error.isForWantOfRoom && options.usesReserve {
            _ = locks.releaseReserve()
            var report = PruneReport()
            for run in runs {
                let part = try removeTogether([run], dryRun: dryRun)
                report.runs += part.runs
                report.events += part.events
                truncateLog()
                _ = try? releasePages(1000)
                truncateLog()
            }
            locks.restoreReserve()
            return report
        }
    }

    /// Does something that makes room, with the reserve of disk space if there is no other.
    func makingRoom<Result>(
        _ body: (Writer) throws(JournalError) -> Result
    ) throws(JournalError) -> Result {
        do throws(JournalError) {
            return try body(self)
        } catch  where error.isForWantOfRoom && options.usesReserve && locks.releaseReserve() {
            truncateLog()
            defer { locks.restoreReserve() }
            return try body(self)
        }
    }

    /// Removes a run whose row or entries cannot be read; false if there is none of that id.
    func remove(damaged run: String) throws(JournalError) -> Bool {
        let isRemoved = try transaction {
            // Also a run that has no id any more, under the name that damage gives it.
            try database.execute(
                sql: "DELETE FROM runs WHERE id = ?1 OR typeof(id) <> 'text' AND 'in row ' || row = ?1",
                arguments: [run])
            return database.changesCount > 0
        }
        _ = try removeOrphans(dryRun: false, without: [], remnants: true)
        return isRemoved
    }

    private func removeTogether(_ runs: [String], dryRun: Bool) throws(JournalError) -> PruneReport {
        try transaction {
            try catchUp()
            let owners = try owners()
            var report = PruneReport()
            for id in runs {
                guard let stored = try? StoredHead.find(id, in: database), stored.header(owners).owner == nil else {
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
            if try row.integer(1) != 0 {
                try database.cachedStatement(sql: "DELETE FROM content_uses WHERE entry = ?").execute(arguments: [entry]
                )
            }
            entry = try row.integer(0)
        }
        if stored.isQueued { try leaveQueue(stored.row) }
        try database.cachedStatement(sql: "DELETE FROM inbox WHERE run = ?").execute(arguments: [stored.row])
        if !stored.header.tags.isEmpty { try removeTags(of: stored.row) }
        try database.cachedStatement(sql: "DELETE FROM runs WHERE row = ?").execute(arguments: [stored.row])
    }

    /// Removes entries, messages, generations and contents that nothing refers to.
    ///
    /// - Parameters:
    ///   - runs: runs to leave out of account, for a dry run.
    ///   - remnants: looks through all entries besides for those whose runs are gone.
    func removeOrphans(
        dryRun: Bool, without runs: [String], remnants: Bool
    ) throws(JournalError) -> PruneReport {
        try transaction {
            try removeExpiredOwners()
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
            if remnants { try removeRemnants() }
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

    /// Removes what is left of runs that were damaged, and answers to messages that nobody has asked for within a day.
    private func removeRemnants() throws {
        try database.execute(
            sql: """
                DELETE FROM entries WHERE run NOT IN (SELECT row FROM runs);
                DELETE FROM content_uses WHERE entry NOT IN (SELECT id FROM entries);
                DELETE FROM inbox WHERE run NOT IN (SELECT row FROM runs);
                DELETE FROM run_tags WHERE run NOT IN (SELECT row FROM runs);
                DELETE FROM generation_holds WHERE owner NOT IN (SELECT id FROM owners);
                """)
        if try database.hasTable("queue") {
            try database.execute(
                sql: """
                    DELETE FROM queue WHERE run NOT IN (SELECT row FROM runs); UPDATE queue_lanes SET blocked = 0;
                    DELETE FROM queue_waits WHERE run NOT IN (SELECT row FROM runs);
                    """)
        }
        try database.execute(
            sql: "DELETE FROM inbox WHERE answer IS NOT NULL AND posted_at < ?",
            arguments: [clock.now() - 86_400_000_000])
    }

    // MARK: The size of the file

    /// Gives free pages back to the file system; whether there are more.
    func releasePages(_ count: Int) throws(JournalError) -> Bool {
        let free = try look { try Int.fetchOne($0, sql: "PRAGMA freelist_count") ?? 0 }
        let isIncremental = try look { try Int.fetchOne($0, sql: "PRAGMA auto_vacuum") ?? 0 } == 2
        guard free > 0, isIncremental else { return false }
        try transaction(durable: false) { try database.execute(sql: "PRAGMA incremental_vacuum(\(count))") }
        return try look { try Int.fetchOne($0, sql: "PRAGMA freelist_count") ?? 0 } < free && free > count
    }

    /// Whether the store has many free pages, cannot give them back one by one, and is small enough to be written anew.
    func gainsByVacuum() throws(JournalError) -> Bool {
        try look { database in
            func number(_ pragma: String) throws -> Int { try Int.fetchOne(database, sql: "PRAGMA \(pragma)") ?? 0 }
            let (pages, free) = (try number("page_count"), try number("freelist_count"))
            return try number("auto_vacuum") != 2 && free > 8 && free > pages / 4 && pages - free < 4096
        }
    }

    /// Writes the store anew, without gaps, and so that pages that become free later can be given back.
    func vacuum() throws(JournalError) {
        try look { try $0.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL; VACUUM") }
    }

    /// The same; the error where the disk has no room for it.
    func vacuumWhereRoom() throws(JournalError) -> JournalError? {
        do throws(JournalError) {
            try vacuum()
            return nil
        } catch  where error.isForWantOfRoom {
            return error
        }
    }

    /// Moves the write-ahead log into the database and empties it, as far as nobody reads in it.
    func truncateLog() {
        sqlite3_wal_checkpoint_v2(database.sqliteConnection, nil, SQLITE_CHECKPOINT_TRUNCATE, nil, nil)
    }
}

extension JournalError {
    /// Whether the disk is full. SQLite also says so of files beside the database, as of errors of the disk.
    var isForWantOfRoom: Bool { reason == .storeFull || reason == .storeIO }
}
