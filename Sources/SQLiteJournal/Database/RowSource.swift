internal import GRDB
internal import StoredEntries
internal import WorkflowCore
internal import WorkflowEngine

/// Rows of runs in descending order that have one thing in common, such as a tag: one range of an index.
final class RowSource {
    private let statement: RawStatement
    private var isOpen = false
    /// Where the statement stands; nil at its end.
    private var current: Int64?
    private let bind: (RawStatement) -> Void
    private let place: Int32

    /// - Parameters:
    ///   - sql: a query for rows in descending order, whose parameter number `place` is the highest row.
    ///   - bind: binds the parameters before that one.
    init(_ sql: String, on database: Database, place: Int32, bind: @escaping (RawStatement) -> Void) throws {
        statement = try RawStatement(sql, on: database)
        self.bind = bind
        self.place = place
    }

    /// The steps that cost about as much as a look-up.
    private static let patience = 16

    /// The highest row that is not above `bound`; nil where there is none. Bounds only go down.
    func highest(upTo bound: Int64) throws -> Int64? {
        if isOpen {
            for _ in 0..<Self.patience {
                guard let row = current else { return nil }
                if row <= bound { return row }
                current = try statement.step() ? statement.int(at: 0) : nil
            }
            guard let row = current else { return nil }
            if row <= bound { return row }
            statement.reset()
        }
        bind(statement)
        statement.bind(bound, at: place)
        isOpen = true
        current = try statement.step() ? statement.int(at: 0) : nil
        return current
    }

    /// Ends the look at the index. Called before the database is left.
    func close() {
        if isOpen { statement.reset() }
        isOpen = false
        current = nil
    }
}

/// Rows of runs in descending order that lie in any of some sources, or in a list.
struct RowUnion {
    private let sources: [RowSource]
    private var rows: ArraySlice<Int64>

    init(_ sources: [RowSource], _ rows: [Int64] = []) {
        self.sources = sources
        self.rows = rows[...]
    }

    mutating func highest(upTo bound: Int64) throws -> Int64? {
        while let row = rows.first, row > bound { rows.removeFirst() }
        var highest = rows.first
        for source in sources {
            if let row = try source.highest(upTo: bound), row > highest ?? .min { highest = row }
        }
        return highest
    }

    func close() { for source in sources { source.close() } }
}

/// Rows of runs in descending order that lie in all of some unions: what a filter of a list comes to, before the runs themselves
/// are looked at. So a page costs what the sparsest of its conditions does, and not what all runs do.
struct RowIntersection {
    private var unions: [RowUnion] = []

    /// Takes of a filter what there are indexes for.
    init(_ filter: RunFilter, in database: Database) throws {
        if let workflow = filter.workflow {
            let sql = "SELECT row FROM runs WHERE workflow = ?1 AND row <= ?2 ORDER BY row DESC"
            unions.append(
                RowUnion([try RowSource(sql, on: database, place: 2) { $0.bind(workflow, at: 1) }]))
        }
        if let workflows = filter.workflows {
            let sql = "SELECT row FROM runs WHERE workflow = ?1 AND row <= ?2 ORDER BY row DESC"
            unions.append(
                RowUnion(
                    try workflows.map { workflow in
                        try RowSource(sql, on: database, place: 2) { $0.bind(workflow, at: 1) }
                    }))
        }
        if let lineage = filter.lineage {
            let sql = "SELECT row FROM runs WHERE lineage = ?1 AND row <= ?2 ORDER BY row DESC"
            unions.append(RowUnion([try RowSource(sql, on: database, place: 2) { $0.bind(lineage, at: 1) }]))
        }
        if !filter.prefix.isEmpty {
            let (start, end) = (filter.prefix, filter.prefixEnd)
            unions.append(
                try Self.rows(where: "id >= ?1" + (end == nil ? "" : " AND id < ?2"), in: database) { statement in
                    statement.bind(start, at: 1)
                    if let end { statement.bind(end, at: 2) }
                })
        }
        if let created = filter.created {
            unions.append(
                try Self.rows(where: "created_at BETWEEN ?1 AND ?2", in: database) { statement in
                    statement.bind(created.lowerBound, at: 1)
                    statement.bind(created.upperBound, at: 2)
                })
        }
        if let statuses = filter.statuses {
            let sql = "SELECT row FROM runs WHERE status = ?1 AND row <= ?2 ORDER BY row DESC"
            let sources = try statuses.map { status in
                try RowSource(sql, on: database, place: 2) { $0.bind(status.number, at: 1) }
            }
            // The rows of these may show another status than the runs have.
            let behind = try Int64.fetchAll(
                database,
                sql: """
                    SELECT DISTINCT run FROM entries WHERE id >= (SELECT min(behind_from) FROM owners) ORDER BY run DESC
                    """)
            unions.append(RowUnion(sources, behind))
        }
        for candidates in filter.tags {
            let sql = """
                SELECT run FROM run_tags WHERE name = ?1 AND value = ?2 AND run <= ?3 ORDER BY run DESC
                """
            unions.append(
                RowUnion(
                    try candidates.map { tag in
                        try RowSource(sql, on: database, place: 3) {
                            $0.bind(tag.name, at: 1)
                            $0.bind(tag.key, at: 2)
                        }
                    }))
        }
    }

    /// So many rows are sorted in less time than it takes to look for a page of them among all.
    private static let mostSorted = 50_000
    /// Of so many of the newest rows ``denseSample`` have to pass, for a page to be looked for among the newest.
    private static let sampleSize = 2000
    private static let denseSample: Int64 = 200

    /// The rows of runs for which a condition holds that an index answers, though not in the order of rows. Where they are few they
    /// are sorted; where they are many, a page of them is soon found among the newest.
    ///
    /// - Parameter condition: with the parameters ?1 and ?2, which `bind` binds.
    private static func rows(
        where condition: String, in database: Database, bind: @escaping (RawStatement) -> Void
    ) throws -> RowUnion {
        func count(in rows: String) throws -> Int64 {
            let statement = try RawStatement("SELECT count(*) FROM (\(rows))", on: database)
            bind(statement)
            defer { statement.reset() }
            return try statement.step() ? statement.int(at: 0) : 0
        }
        let newest = "(SELECT id, created_at FROM runs ORDER BY row DESC LIMIT \(sampleSize))"
        if try count(in: "SELECT 1 FROM \(newest) WHERE \(condition)") < denseSample,
            try count(in: "SELECT 1 FROM runs WHERE \(condition) LIMIT \(mostSorted + 1)") <= mostSorted
        {
            let statement = try RawStatement("SELECT row FROM runs WHERE \(condition)", on: database)
            bind(statement)
            defer { statement.reset() }
            var rows: [Int64] = []
            while try statement.step() { rows.append(statement.int(at: 0)) }
            return RowUnion([], rows.sorted(by: >))
        }
        let sql = "SELECT row FROM runs NOT INDEXED WHERE \(condition) AND row <= ?3 ORDER BY row DESC"
        return RowUnion([try RowSource(sql, on: database, place: 3, bind: bind)])
    }

    /// Whether there is anything to go by.
    var isEmpty: Bool { unions.isEmpty }

    /// The next rows below a row, the highest first; fewer than `limit` only at the end.
    mutating func rows(below row: Int64, limit: Int) throws -> [Int64] {
        var found: [Int64] = []
        var bound = row
        while bound > Int64.min && found.count < limit {
            var candidate = bound - 1
            var agreeing = 0
            var place = 0
            while agreeing < unions.count {
                guard let highest = try unions[place].highest(upTo: candidate) else { return found }
                agreeing = highest == candidate ? agreeing + 1 : 1
                candidate = highest
                place = (place + 1) % unions.count
            }
            found.append(candidate)
            bound = candidate
        }
        return found
    }

    func close() { for union in unions { union.close() } }
}
