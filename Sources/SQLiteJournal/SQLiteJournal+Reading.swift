internal import GRDB
internal import StoredEntries
package import WorkflowCore
package import WorkflowEngine

extension SQLiteJournal: RunReading {
    package func header(of run: String) async throws(JournalError) -> RunHeader? {
        try await read { [self] database in
            try StoredHead.find(run, in: database)?.header(owners(database))
        }
    }

    package func load(_ run: String, after sequence: Int) async throws(JournalError) -> StoredRun? {
        try await read { [self] database in
            guard let stored = try StoredHead.find(run, in: database) else { return nil }
            let header = try stored.header(owners(database))
            return try EntryReader(database).load(stored, after: sequence, header: header)
        }
    }

    package func list(_ filter: RunFilter) async throws(JournalError) -> [RunHeader] {
        // Runs that nobody drives are looked for at every start, for which a second connection would take too long to open.
        if filter.unowned {
            return try await onWriter { writer throws(JournalError) in
                try writer.look { try StoredHead.list(filter, writer.owners(), in: $0) }
            }
        }
        return try await read { [self] database in try StoredHead.list(filter, owners(database), in: database) }
    }

    package func counts(of workflow: String) async throws(JournalError) -> [RunMachine.Status: Int] {
        if workflow.utf8.contains(0) { return [:] }
        return try await read { database in
            var counts: [RunMachine.Status: Int] = [:]
            let rows = try Row.fetchCursor(
                database,
                sql: "SELECT status, count(*) FROM (\(StoredHead.statusQuery) WHERE runs.workflow = ?) GROUP BY status",
                arguments: [workflow])
            while let row = try rows.next() {
                guard let number = Int64.fromDatabaseValue(row[0]), let status = RunMachine.Status(number: number)
                else { continue }
                counts[status] = Int.fromDatabaseValue(row[1])
            }
            return counts
        }
    }

    package func counts() async throws(JournalError) -> [String: [RunMachine.Status: Int]] {
        try await read { database in
            var counts: [String: [RunMachine.Status: Int]] = [:]
            let rows = try Row.fetchCursor(
                database,
                sql: "SELECT workflow, status, count(*) FROM (\(StoredHead.statusQuery)) GROUP BY workflow, status")
            while let row = try rows.next() {
                guard let workflow = String.fromDatabaseValue(row[0]), let number = Int64.fromDatabaseValue(row[1]),
                    let status = RunMachine.Status(number: number)
                else { continue }
                counts[workflow, default: [:]][status] = Int.fromDatabaseValue(row[2])
            }
            return counts
        }
    }

    package func nodes() async throws(JournalError) -> [StoreNode] {
        try await read { [self] database in
            let owners = try owners(database)
            var carried: [Int64: [RunMachine.Status: Int]] = [:]
            let unfinished = RunMachine.Status.allCases.filter { !$0.isTerminal }
            let rows = try Row.fetchCursor(
                database,
                sql:
                    "\(StoredHead.query) WHERE runs.status < \(RunMachine.Status.firstTerminal) AND runs.owner IS NOT NULL"
            )
            while let row = try rows.next() {
                guard let head = try? StoredHead(row), let owner = head.owner, unfinished.contains(head.head.status)
                else { continue }
                carried[abs(owner), default: [:]][head.head.status, default: 0] += 1
            }
            let living = owners.living.map { StoreNode(owner: $0, isAlive: true, runs: carried[$0.number] ?? [:]) }
            let gone = owners.gone.values.compactMap { owner in
                carried[owner.number].map { StoreNode(owner: owner, isAlive: false, runs: $0) }
            }
            return (living + gone).sorted { $0.owner.number < $1.owner.number }
        }
    }

    package func changeCount() async throws(JournalError) -> Int64 {
        try await read { try Int64.fetchOne($0, sql: "PRAGMA data_version") ?? 0 }
    }

    /// Reads the store once it is there.
    func read<Result: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Result
    ) async throws(JournalError) -> Result {
        try await opened()
        return try await reader.read(body)
    }

    func owners(_ database: Database) throws -> OwnerTable {
        let own = writer.ownNumber.value
        return try OwnerTable(
            database, OwnerLocks(store: try storeName.resolved(), creates: false), own: own, now: clock.now())
    }
}

extension StoredHead {
    /// The runs that pass a filter, newest first; those whose rows cannot be read are left out.
    static func list(_ filter: RunFilter, _ owners: OwnerTable, in database: Database) throws -> [RunHeader] {
        if filter.limit <= largestPage || !filter.tags.isEmpty, let page = try page(filter, owners, in: database) {
            return page
        }
        var conditions: [String] = []
        var arguments: StatementArguments = []
        if filter.statuses?.contains(where: \.isTerminal) == false {
            let held = filter.unowned ? " AND queued <> 1" : ""
            conditions.append(
                "runs.row IN (SELECT row FROM runs WHERE status < \(RunMachine.Status.firstTerminal)\(held))")
        }
        if let workflow = filter.workflow {
            conditions.append("runs.workflow = ?")
            arguments += [workflow]
        }
        if let before = filter.before {
            if before.utf8.contains(0) { return [] }
            conditions.append("runs.row < (SELECT row FROM runs WHERE id = ?)")
            arguments += [before]
        }
        if let created = filter.created {
            conditions.append("runs.created_at BETWEEN ? AND ?")
            arguments += [created.lowerBound, created.upperBound]
        }
        let condition = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
        var headers: [RunHeader] = []
        let rows = try Row.fetchCursor(
            database, sql: query + condition + " ORDER BY runs.row DESC", arguments: arguments)
        while headers.count < filter.limit, let row = try rows.next() {
            do {
                let header = try StoredHead(row).header(owners)
                if filter.admits(header) { headers.append(header) }
            } catch is RunDamage {}
        }
        return headers
    }

    /// More runs than this are found by going through all of them.
    private static let largestPage = 2000
    /// How many runs are looked at together.
    private static let pageStride = 500

    /// A page of the runs that pass a filter, found by indexes; nil where none serves.
    private static func page(
        _ filter: RunFilter, _ owners: OwnerTable, in database: Database
    ) throws -> [RunHeader]? {
        var rows = try RowIntersection(filter, in: database)
        guard !rows.isEmpty else { return nil }
        defer { rows.close() }
        var bound = Int64.max
        if let before = filter.before {
            guard !before.utf8.contains(0),
                let row = try Int64.fetchOne(database, sql: "SELECT row FROM runs WHERE id = ?", arguments: [before])
            else { return [] }
            bound = row
        }
        var headers: [RunHeader] = []
        while headers.count < filter.limit {
            let next = try rows.rows(below: bound, limit: min(filter.limit - headers.count, pageStride))
            guard let last = next.last else { break }
            bound = last
            let list = next.map(String.init).joined(separator: ", ")
            let found = try Row.fetchCursor(
                database, sql: query + "WHERE runs.row IN (\(list)) ORDER BY runs.row DESC")
            while headers.count < filter.limit, let row = try found.next() {
                do {
                    let header = try StoredHead(row).header(owners)
                    if filter.admits(header) { headers.append(header) }
                } catch is RunDamage {}
            }
        }
        return headers
    }
}
