internal import Foundation
internal import GRDB
internal import StoredEntries
internal import WorkflowCore
package import WorkflowEngine

extension SQLiteJournal: StoreUpkeep {
    package var name: String { path }

    package func prune(_ filter: PruneFilter) async throws(JournalError) -> PruneReport {
        let doomed = try await list(
            RunFilter(workflow: filter.workflow, statuses: filter.statuses)
        ).filter(filter.admits).dropFirst(filter.keep).map(\.id)
        let before = try await size()
        var report = PruneReport()
        // In small pieces, so that runs that are under way are not kept waiting.
        for start in stride(from: 0, to: doomed.count, by: 200) {
            let piece = Array(doomed[start..<min(start + 200, doomed.count)])
            let part = try await onWriter { writer throws(JournalError) in
                try writer.remove(piece, dryRun: filter.dryRun)
            }
            report.runs += part.runs
            report.events += part.events
        }
        let dryRun = filter.dryRun
        let orphans = try await onWriter { writer throws(JournalError) in
            try writer.makingRoom { writer throws(JournalError) in
                try writer.removeOrphans(dryRun: dryRun, without: doomed, remnants: true)
            }
        }
        report.generations = orphans.generations
        report.contents = orphans.contents
        if !dryRun { report.freed = max(before - (try await shrink(whole: filter.vacuum)), 0) }
        return report
    }

    /// Gives free pages back to the file system, in pieces.
    ///
    /// - Parameter whole: writes the whole store anew, which also closes gaps within pages. A store that an older version made
    ///   can do nothing else; it is written anew if that is little work for what it gives.
    /// - Returns: the size of the store after it.
    /// - Throws: where there is no room to write it anew as a whole; its free pages have been given back all the same.
    private func shrink(whole: Bool) async throws(JournalError) -> Int {
        var obstacle = try await onWriter { writer throws(JournalError) -> JournalError? in
            let gains = try writer.gainsByVacuum()
            guard whole || gains else { return nil }
            return try writer.vacuumWhereRoom()
        }
        // What cannot be given back now, on a full disk, is with the next runs that are pruned.
        var hasMore = true
        while hasMore {
            hasMore = try await onWriter { writer throws(JournalError) in (try? writer.releasePages(1000)) ?? false }
        }
        try await onWriter { writer throws(JournalError) in
            writer.truncateLog()
            writer.locks.restoreReserve()
        }
        // What came back may be the room that was wanting.
        if whole, obstacle != nil {
            obstacle = try await onWriter { writer throws(JournalError) -> JournalError? in
                let obstacle = try writer.vacuumWhereRoom()
                writer.truncateLog()
                writer.locks.restoreReserve()
                return obstacle
            }
        }
        if whole, let obstacle {
            throw JournalError(
                code: obstacle.reason,
                message:
                    "what was to go has been removed, but \(path) cannot be written anew, which needs room for a second one "
                    + "meanwhile; free space",
                remedy: .vacuum)
        }
        return try await size()
    }

    /// The size of the database, in bytes.
    private func size() async throws(JournalError) -> Int {
        try await onWriter { writer throws(JournalError) in
            try writer.look {
                try (Int.fetchOne($0, sql: "PRAGMA page_count") ?? 0) * (Int.fetchOne($0, sql: "PRAGMA page_size") ?? 0)
            }
        }
    }

    package func checkWritable() async throws(JournalError) {
        try await onWriter { writer throws(JournalError) in
            if let stall = writer.stall { throw stall.error }
            try writer.transaction {
                // The page that holds it is written, whether or not its value is another one.
                let version = try Int.fetchOne(writer.database, sql: "PRAGMA user_version") ?? Schema.version
                try writer.database.execute(sql: "PRAGMA user_version = \(version)")
            }
        }
    }

    package func delete(_ run: String) async throws(JournalError) -> Bool {
        let header: RunHeader?
        do {
            header = try await self.header(of: run)
        } catch  where error.reason == .storeCorrupt {
            // A damaged run can be removed like any other.
            return try await onWriter { writer throws(JournalError) in try writer.remove(damaged: run) }
        }
        guard let header else { return false }
        if let owner = header.owner { throw .active(run, owner) }
        return try await onWriter { writer throws(JournalError) in
            let report = try writer.remove([run], dryRun: false)
            _ = try writer.removeOrphans(dryRun: false, without: [], remnants: false)
            return report.runs > 0
        }
    }

    package func statistics() async throws(JournalError) -> StoreStatistics {
        try await read { database in
            var statistics = StoreStatistics()
            let runs = try Row.fetchCursor(
                database, sql: "SELECT status, count(*), sum(sequence) FROM (\(StoredHead.statusQuery)) GROUP BY status"
            )
            while let row = try runs.next() {
                guard let status = RunMachine.Status(number: try row.integer(0)) else { continue }
                statistics.runs[status] = Int(try row.natural(1))
                statistics.events += Int(try row.natural(2))
            }
            func count(_ sql: String) throws -> Int { try Int.fetchOne(database, sql: sql) ?? 0 }
            statistics.generations = try count("SELECT count(DISTINCT generation) FROM generation_files")
            statistics.contents = try count("SELECT count(*) FROM contents")
            let page = try count("PRAGMA page_size")
            statistics.bytes = try count("PRAGMA page_count") * page
            statistics.freeBytes = try count("PRAGMA freelist_count") * page
            return statistics
        }
    }
}

extension StoredHead {
    static var statusQuery: String {
        """
        WITH behind (run, entry) AS (
            SELECT run, max(id) FROM entries WHERE id >= (SELECT min(behind_from) FROM owners) GROUP BY run
        )
        SELECT coalesce(newest.status, runs.status) AS status, coalesce(newest.sequence, runs.sequence) AS sequence,
            runs.workflow AS workflow
        FROM runs LEFT JOIN behind ON behind.run = runs.row LEFT JOIN entries AS newest ON newest.id = behind.entry

        """
    }
}
