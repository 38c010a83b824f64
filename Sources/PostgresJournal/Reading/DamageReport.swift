internal import StoredEntries
internal import WorkflowEngine

/// Reads all of a store and names what does not fit.
struct DamageReport {
    private let connection: Connection
    private let own: Int64

    init(_ connection: Connection, own: Int64) {
        self.connection = connection
        self.own = own
    }

    enum Head {
        case readable(StoredHead)
        case damaged(StoreProblem)

        var problem: StoreProblem? { if case .damaged(let problem) = self { problem } else { nil } }
    }

    /// All runs, the oldest first.
    func heads() throws -> [Head] {
        try connection.run(StoredHead.query + "ORDER BY runs.created_at, runs.row", Parameters().add(own)).all.map {
            row in
            do { return .readable(try StoredHead(row, own: own)) } catch let damage as RunDamage {
                return .damaged(damage.problem)
            }
        }
    }

    func problems() throws -> [StoreProblem] {
        let generations = try damagedGenerations()
        return try heads().compactMap { head in
            switch head {
            case .damaged(let problem): problem
            case .readable(let stored): try problem(of: stored, generations)
            }
        }
    }

    private func problem(of stored: StoredHead, _ generations: [String: String]) throws -> StoreProblem? {
        do {
            _ = try EntryReader(connection).load(stored, after: 0)
        } catch let error as JournalError where error.reason == .storeNewer {
            return StoreProblem(run: stored.header.id, reason: error.message)
        } catch let damage as RunDamage {
            return damage.problem
        }
        return generations[stored.header.generation].map { StoreProblem(run: stored.header.id, reason: $0) }
    }

    /// Generations whose code is not what it was, with what is wrong.
    private func damagedGenerations() throws -> [String: String] {
        let rows = try connection.run(
            """
            SELECT generation, name, bytes IS NULL FROM generation_files LEFT JOIN contents USING (hash)
            WHERE bytes IS NULL OR sha256(bytes) <> hash
            """)
        var damaged: [String: String] = [:]
        for row in rows.all {
            let what = try row.flag(2) ? "is missing" : "has changed since it was stored"
            damaged[try row.text(0)] = "the file \(try row.text(1)) of its code \(what)"
        }
        return damaged
    }
}
