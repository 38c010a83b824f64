package import FlatValue
internal import WorkflowCore
package import WorkflowEngine

extension PostgresJournal: CacheStore {
    package func cached(_ key: String, at now: Int64) async throws(JournalError) -> Value? {
        let text: String? = try await sessions.run { connection in
            guard try Self.hasCache(connection) else { return nil }
            return try connection.run(
                "SELECT value FROM cached WHERE key = $1::text AND expires_at > $2::bigint",
                Parameters().add(key).add(now)
            ).first?.text(0)
        }
        // What cannot be read is made again.
        return text.flatMap { try? Value(json: $0) }
    }

    package func cache(_ key: String, _ value: Value, until time: Int64, at now: Int64) async throws(JournalError) {
        let text = value.json
        try await sessions.run { connection in
            if try !Self.hasCache(connection) {
                // Two processes that make a table at once would get in each other's way.
                try connection.transaction {
                    try connection.run(
                        "SELECT pg_advisory_xact_lock(hashtextextended($1::text, 7))",
                        Parameters().add("aikit-lua cache"))
                    try connection.script(Self.cacheTable)
                }
            }
            try connection.run("DELETE FROM cached WHERE expires_at <= $1::bigint", Parameters().add(now))
            try connection.run(
                """
                INSERT INTO cached VALUES ($1::text, $2::text, $3::bigint)
                ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at
                """, Parameters().add(key).add(text).add(time))
            return
        }
    }

    private static func hasCache(_ connection: Connection) throws -> Bool {
        try connection.run("SELECT to_regclass('cached') IS NOT NULL").first?.flag(0) == true
    }

    /// The table of what is cached, which a store has once it has cached something.
    private static let cacheTable = """
        CREATE TABLE IF NOT EXISTS cached (key text PRIMARY KEY, value text NOT NULL, expires_at bigint NOT NULL);
        CREATE INDEX IF NOT EXISTS cached_expires_at ON cached (expires_at)
        """
}
