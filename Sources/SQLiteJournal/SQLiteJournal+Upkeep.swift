internal import Foundation
internal import GRDB
internal import WorkflowCore
package import WorkflowEngine

extension SQLiteJournal: StoreUpkeep {
    package func prune(_ filter: PruneFilter) async throws(JournalError) -> PruneReport {
        let doomed = try await list(
            RunFilter(workflow: filter.workflow, statuses: filter.statuses)
        ).filter(filter.admits).dropFirst(filter.keep).map(\.id)
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
            try writer.removeOrphans(dryRun: dryRun, without: doomed)
        }
        report.generations = orphans.generations
        report.contents = orphans.contents
        return report
    }

    package func delete(_ run: String) async throws(JournalError) -> Bool {
        guard let header = try await header(of: run) else { return false }
        if let owner = header.owner { throw .active(run, owner) }
        return try await onWriter { writer throws(JournalError) in
            let report = try writer.remove([run], dryRun: false)
            _ = try writer.removeOrphans(dryRun: false, without: [])
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
                statistics.runs[RunMachine.Status(number: row[0])] = row[1]
                statistics.events += row[2]
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

    package func check() async throws(JournalError) -> [String] {
        let path = path
        return try await read { database in
            var problems = try String.fetchAll(database, sql: "PRAGMA integrity_check").filter { $0 != "ok" }
            let reader = try EntryReader(database, path)
            let rows = try Row.fetchCursor(database, sql: StoredHead.query + "ORDER BY runs.row")
            while let row = try rows.next() {
                let stored = StoredHead(row)
                do { _ = try reader.load(stored, after: 0, header: stored.header) } catch let error as JournalError {
                    problems.append(error.message)
                }
            }
            problems += try String.fetchAll(
                database,
                sql: """
                    SELECT 'the file ' || name || ' of generation ' || generation || ' is missing' FROM generation_files
                    WHERE hash NOT IN (SELECT hash FROM contents)
                    """)
            return problems
        }
    }
}

extension StoredHead {
    static var statusQuery: String {
        """
        WITH behind (run, entry) AS (
            SELECT run, max(id) FROM entries WHERE id >= (SELECT min(behind_from) FROM owners) GROUP BY run
        )
        SELECT coalesce(newest.status, runs.status) AS status, coalesce(newest.sequence, runs.sequence) AS sequence
        FROM runs LEFT JOIN behind ON behind.run = runs.row LEFT JOIN entries AS newest ON newest.id = behind.entry

        """
    }
}
