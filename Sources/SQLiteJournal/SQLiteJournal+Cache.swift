package import FlatValue
internal import GRDB
internal import WorkflowCore
package import WorkflowEngine

extension SQLiteJournal: CacheStore {
    package func cached(_ key: String, at now: Int64) async throws(JournalError) -> Value? {
        let text: String? = try await read { database in
            guard try database.hasTable("cached") else { return nil }
            return try String.fetchOne(
                database, sql: "SELECT value FROM cached WHERE key = ? AND expires_at > ?", arguments: [key, now])
        }
        // What cannot be read is made again.
        return text.flatMap { try? Value(json: $0) }
    }

    package func cache(_ key: String, _ value: Value, until time: Int64, at now: Int64) async throws(JournalError) {
        let text = value.json
        try await onWriter { writer throws(JournalError) in
            try writer.transaction(durable: false) {
                try writer.database.execute(sql: Self.cacheTable)
                try writer.database.execute(sql: "DELETE FROM cached WHERE expires_at <= ?", arguments: [now])
                try writer.database.execute(
                    sql: "INSERT OR REPLACE INTO cached VALUES (?, ?, ?)", arguments: [key, text, time])
            }
        }
    }

    /// The table of what is cached, which a store has once it has cached something.
    private static let cacheTable = """
        CREATE TABLE IF NOT EXISTS cached (key TEXT PRIMARY KEY, value TEXT NOT NULL, expires_at INTEGER NOT NULL) STRICT;
        CREATE INDEX IF NOT EXISTS cached_expires_at ON cached (expires_at)
        """
}
