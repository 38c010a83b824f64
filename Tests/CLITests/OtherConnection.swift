import GRDBSQLite
import Testing

/// A connection of another program to a store's file, by the SQLite library alone.
final class OtherConnection {
    private var database: OpaquePointer?

    init(_ path: String) throws {
        try #require(sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE, nil) == SQLITE_OK)
    }

    deinit { close() }

    func close() {
        sqlite3_close_v2(database)
        database = nil
    }

    /// The first column of the first row.
    func number(_ query: String) throws -> Int {
        var statement: OpaquePointer?
        defer { sqlite3_finalize(statement) }
        try #require(sqlite3_prepare_v2(database, query, -1, &statement, nil) == SQLITE_OK)
        try #require(sqlite3_step(statement) == SQLITE_ROW)
        return Int(sqlite3_column_int64(statement, 0))
    }

    func execute(_ text: String) throws {
        sqlite3_busy_timeout(database, 10_000)
        try #require(
            sqlite3_exec(database, text, nil, nil, nil) == SQLITE_OK, "\(String(cString: sqlite3_errmsg(database)))")
    }
}
