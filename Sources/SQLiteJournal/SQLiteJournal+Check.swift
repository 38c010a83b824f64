internal import Foundation
internal import GRDB
internal import StoredEntries
internal import WorkflowCore
package import WorkflowEngine

extension SQLiteJournal {
    package func check() async throws(JournalError) -> [StoreProblem] {
        try await read { database in try StoreCheck(database).problems() }
    }

    package func unreadable() async throws(JournalError) -> [StoreProblem] {
        try await read { database in try StoreCheck(database).heads().compactMap(\.problem) }
    }
}

/// Reads all of a store and names what does not fit.
private struct StoreCheck {
    private let database: Database
    private let reader: EntryReader

    init(_ database: Database) throws {
        self.database = database
        reader = try EntryReader(database)
    }

    enum Head {
        case readable(StoredHead)
        case damaged(StoreProblem)

        var problem: StoreProblem? { if case .damaged(let problem) = self { problem } else { nil } }
    }

    /// All runs, the oldest first.
    func heads() throws -> [Head] {
        var heads: [Head] = []
        let rows = try Row.fetchCursor(database, sql: StoredHead.query + "ORDER BY runs.row")
        while let row = try rows.next() {
            do { heads.append(.readable(try StoredHead(row))) } catch let damage as RunDamage {
                heads.append(.damaged(damage.problem))
            }
        }
        return heads
    }

    func problems() throws -> [StoreProblem] {
        var problems = try String.fetchAll(database, sql: "PRAGMA integrity_check(20)").filter { $0 != "ok" }
            .map { StoreProblem(reason: $0) }
        do {
            let generations = try damagedGenerations()
            for head in try heads() {
                switch head {
                case .damaged(let problem): problems.append(problem)
                case .readable(let stored):
                    if let problem = try problem(of: stored, generations) { problems.append(problem) }
                }
            }
        } catch let error as DatabaseError where !problems.isEmpty && error.resultCode == .SQLITE_CORRUPT {
            // The damage of the file has been named; behind it nothing can be read.
        }
        return problems
    }

    private func problem(of stored: StoredHead, _ generations: [String: String]) throws -> StoreProblem? {
        do {
            _ = try reader.load(stored, after: 0, header: stored.header)
        } catch let error as JournalError where error.reason == .storeNewer {
            return StoreProblem(run: stored.header.id, reason: error.message)
        } catch {
            guard let damage = damage(error, of: stored.header.id) else { throw error }
            return damage.problem
        }
        return generations[stored.header.generation].map { StoreProblem(run: stored.header.id, reason: $0) }
    }

    /// Generations whose code is not what it was, with what is wrong.
    private func damagedGenerations() throws -> [String: String] {
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT generation, name, generation_files.hash, bytes
                FROM generation_files LEFT JOIN contents ON contents.hash = generation_files.hash
                """)
        var damaged: [String: String] = [:]
        while let row = try rows.next() {
            guard let generation = try? row.text(0) else { continue }
            let name = (try? row.text(1)) ?? "?"
            let hash = (try? row.bytes(2)) ?? Data()
            guard let bytes = try? row.bytes(3) else {
                damaged[generation] = "the file \(name) of its code is missing"
                continue
            }
            if bytes.withUnsafeBytes(LargePayload.hash) != [UInt8](hash) {
                damaged[generation] = "the file \(name) of its code has changed since it was stored"
            }
        }
        return damaged
    }
}
