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

    package func counts() async throws(JournalError) -> [String: [RunMachine.Status: Int]] {
        try await sessions.run { connection in
            let rows = try connection.run(
                "SELECT workflow, status, count(*) FROM runs GROUP BY workflow, status")
            var counts: [String: [RunMachine.Status: Int]] = [:]
            for row in rows.all {
                guard let status = RunMachine.Status(number: try row.integer(1)) else { continue }
                counts[try row.text(0), default: [:]][status] = Int(try row.natural(2))
            }
            return counts
        }
    }

    package func nodes() async throws(JournalError) -> [StoreNode] {
        let own = owner
        return try await sessions.run { connection in
            let rows = try connection.run(
                """
                SELECT owners.id, name, lease_until, \(StoredHead.isLiving), status, count(runs.row)
                FROM owners LEFT JOIN runs ON runs.owner IN (owners.id, -owners.id) AND status < 4
                GROUP BY owners.id, name, lease_until, status ORDER BY owners.id
                """, Parameters().add(own))
            var nodes: [StoreNode] = []
            for row in rows.all {
                let number = try row.natural(0)
                if nodes.last?.owner.number != number {
                    let owner = RunOwner(
                        number: number, name: try row.text(1), leaseUntil: try row.natural(2), isSelf: number == own)
                    nodes.append(StoreNode(owner: owner, isAlive: try row.flag(3), runs: [:]))
                }
                if let status = try row.optionalInteger(4).flatMap({ RunMachine.Status(number: $0) }) {
                    nodes[nodes.count - 1].runs[status] = Int(try row.natural(5))
                }
            }
            return nodes.filter { $0.isAlive || !$0.runs.isEmpty }
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
