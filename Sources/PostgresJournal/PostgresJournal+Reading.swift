internal import StoredEntries
package import WorkflowCore
package import WorkflowEngine

extension PostgresJournal: RunReading {
    package func header(of run: String) async throws(JournalError) -> RunHeader? {
        let own = owner
        return try await sessions.run { try StoredHead.find(run, own: own, on: $0)?.header }
    }

    package func load(_ run: String, after sequence: Int) async throws(JournalError) -> StoredRun? {
        let own = owner
        return try await sessions.run { connection in
            // One state of the store for the row and the entries.
            try connection.transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") {
                guard let stored = try StoredHead.find(run, own: own, on: connection) else { return nil }
                do {
                    return try EntryReader(connection).load(stored, after: sequence)
                } catch let damage as RunDamage {
                    throw damage.error(store: self.name)
                }
            }
        }
    }

    package func list(_ filter: RunFilter) async throws(JournalError) -> [RunHeader] {
        let own = owner
        return try await sessions.run { try StoredHead.list(filter, own: own, on: $0) }
    }

    package func counts(of workflow: String) async throws(JournalError) -> [RunMachine.Status: Int] {
        if workflow.utf8.contains(0) { return [:] }
        return try await sessions.run { connection in
            let rows = try connection.run(
                "SELECT status, count(*) FROM runs WHERE workflow = $1::text GROUP BY status",
                Parameters().add(workflow))
            var counts: [RunMachine.Status: Int] = [:]
            for row in rows.all {
                guard let status = RunMachine.Status(number: try row.integer(0)) else { continue }
                counts[status] = Int(try row.natural(1))
            }
            return counts
        }
    }

    package func changeCount() async throws(JournalError) -> Int64 {
        // Which transactions can be seen is exactly what changes with each that commits.
        try await sessions.run { connection in
            try connection.run(
                prepared: "changes", "SELECT hashtextextended(pg_current_snapshot()::text, 0)", Parameters()
            ).first?.integer(0) ?? 0
        }
    }
}
