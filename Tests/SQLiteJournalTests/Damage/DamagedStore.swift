internal import FlatValue
internal import Foundation
internal import GRDB
internal import StoreConformance
internal import WorkflowCore
internal import WorkflowEngine

@testable internal import SQLiteJournal

/// A store with some runs, of which copies are damaged, and what can be done to such a copy.
struct DamagedStore {
    static let ids = ["a", "b", "c", "d"]

    private let directory: TemporaryDirectory
    private let original: [String: StoredRun]
    /// A store whose tables take any value in any column.
    private let lax: String
    private let copy: String

    init() async throws {
        directory = try TemporaryDirectory()
        lax = directory.path + "/lax.db"
        copy = directory.path + "/copy.db"
        let journal = try SQLiteJournal(path: directory.store, options: Self.options)
        var original: [String: StoredRun] = [:]
        for (number, id) in Self.ids.enumerated() {
            let files = [ScriptGeneration.File(name: "main.lua", content: Array("return \(number)".utf8))]
            try await journal.save(ScriptGeneration(hash: "g\(number)", files: files))
            let run = TestRun(id, generation: "g\(number)")
            await run.write("one", to: journal)
            await run.write(Value(String(repeating: id, count: 5000)), to: journal)
            await run.write("three", to: journal, status: id == "d" ? .success : .running)
            original[id] = try await journal.load(id)
        }
        _ = try await journal.post(InboxMessage.Content(kind: .signal, target: "go", payload: 1), to: "a")
        await journal.close()
        self.original = original
        try FileManager.default.copyItem(atPath: directory.store, toPath: lax)
        try Self.loosen(lax)
    }

    /// Lets the columns of a store take any value.
    private static func loosen(_ path: String) throws {
        try DatabaseQueue(path: path).writeWithoutTransaction { database in
            try database.execute(
                sql: """
                    PRAGMA writable_schema = ON;
                    UPDATE sqlite_master SET sql =
                        replace(replace(replace(sql, 'STRICT, ', ''), ' STRICT', ''), ' NOT NULL', '')
                        WHERE type = 'table' AND name NOT LIKE 'sqlite%';
                    PRAGMA writable_schema = RESET;
                    """)
        }
    }

    private static let options = SQLiteJournalOptions(
        durability: .normal, lockTimeout: 1_000_000, retryTime: 0, largePayload: 4096)

    // MARK: Damaging

    private func renew(from source: String) throws {
        for end in ["", "-wal", "-shm", "-owners"] { try? FileManager.default.removeItem(atPath: copy + end) }
        try FileManager.default.copyItem(atPath: source, toPath: copy)
    }

    /// Every column of every table, as `table.column`.
    func columns() throws -> [(table: String, column: String)] {
        try DatabaseQueue(path: lax).read { database in
            try String.fetchAll(database, sql: "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
                .flatMap { table in try database.columns(in: table).map { (table, $0.name) } }
        }
    }

    /// Makes a copy and changes one column of one of its rows.
    ///
    /// - Returns: the runs that the row belongs to; nil where SQLite refuses the change.
    func edit(_ table: String, _ column: String, to value: DatabaseValue, row: Int) throws -> Set<String>? {
        try renew(from: lax)
        return try DatabaseQueue(path: copy).writeWithoutTransaction { database in
            let count = try Int.fetchOne(database, sql: "SELECT count(*) FROM \(table)") ?? 0
            if count == 0 { return nil }
            let condition = try Self.condition(table, row % count, in: database)
            let owners = try Self.runs(of: table, condition, in: database)
            do {
                try database.execute(sql: "UPDATE \(table) SET \(column) = ? WHERE \(condition)", arguments: [value])
            } catch {
                return nil
            }
            return owners
        }
    }

    /// A condition that one row of a table meets, the nth.
    private static func condition(_ table: String, _ row: Int, in database: Database) throws -> String {
        let key = try database.primaryKey(table).columns
        let columns = key.isEmpty ? ["rowid"] : key
        let sql = "SELECT \(columns.map { "quote(\($0))" }.joined(separator: ", ")) FROM \(table) LIMIT 1 OFFSET \(row)"
        guard let values = try Row.fetchOne(database, sql: sql) else { return "0" }
        return zip(columns, values.databaseValues).map { "\($0) = \(String.fromDatabaseValue($1) ?? "NULL")" }
            .joined(separator: " AND ")
    }

    private static func runs(of table: String, _ condition: String, in database: Database) throws -> Set<String> {
        let sql: String
        switch table {
        case "runs": sql = "SELECT id FROM runs WHERE \(condition)"
        case "entries": sql = "SELECT id FROM runs WHERE row IN (SELECT run FROM entries WHERE \(condition))"
        case "contents":
            sql = """
                SELECT id FROM runs WHERE row IN (SELECT run FROM entries WHERE id IN
                    (SELECT entry FROM content_uses WHERE hash IN (SELECT hash FROM contents WHERE \(condition))))
                """
        default: return []
        }
        return Set(try String.fetchAll(database, sql: sql))
    }

    /// Makes a copy and changes its bytes.
    func change(_ body: (inout [UInt8]) -> Void) throws {
        try renew(from: directory.store)
        var bytes = [UInt8](try Data(contentsOf: URL(filePath: copy)))
        body(&bytes)
        try Data(bytes).write(to: URL(filePath: copy))
    }

    // MARK: Using

    /// Does to the copy all that can be done to a store.
    ///
    /// - Returns: the runs that can be read whole and gone on with; nil if the store cannot be opened.
    func use() async -> Set<String>? {
        guard let journal = try? SQLiteJournal(path: copy, options: Self.options) else { return nil }
        var sound: Set<String> = []
        for id in Self.ids {
            let stored = (try? await journal.load(id)) ?? nil
            guard let stored, let original = original[id], stored.events == original.events,
                stored.arena == original.arena
            else { continue }
            if id == "d" { sound.insert(id) }
            guard case .claimed(let claimed)? = try? await journal.claim(id) else { continue }
            if await TestRun(claimed.journaled, claimed.stored).write("four", to: journal).isDurable {
                sound.insert(id)
            }
        }
        _ = try? await journal.list(RunFilter())
        _ = try? await journal.list(.abandoned)
        _ = try? await journal.check()
        _ = try? await journal.unreadable()
        _ = try? await journal.statistics()
        _ = try? await journal.generation("g1")
        _ = try? await journal.tokens()
        if let message = try? await journal.post(.init(kind: .signal, target: "go", payload: 1), to: "b") {
            _ = try? await journal.answer(to: message)
            _ = try? await journal.withdraw(message)
        }
        await TestRun("new").write(to: journal)
        _ = try? await journal.prune(PruneFilter())
        for id in Self.ids { _ = try? await journal.delete(id) }
        await journal.close()
        return sound
    }

    /// What is wrong with the copy; nil if it cannot be opened.
    func check() async -> [StoreProblem]? {
        guard let journal = try? SQLiteJournal(path: copy, options: Self.options) else { return nil }
        let problems = try? await journal.check()
        await journal.close()
        return problems
    }

    /// Changes the copy in SQL.
    func execute(_ sql: String) throws {
        try renew(from: lax)
        try DatabaseQueue(path: copy).writeWithoutTransaction { try $0.execute(sql: sql) }
    }
}
