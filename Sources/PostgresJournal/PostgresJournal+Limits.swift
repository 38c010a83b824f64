package import WorkflowEngine

extension PostgresJournal: SharedLimitStore {
    package func begin(
        _ call: String, of key: String, within limits: SharedLimits, until time: Int64, at now: Int64
    ) async throws(JournalError) -> Int64? {
        try await sessions.run { connection in
            try Self.makeLimits(connection)
            return try connection.transaction {
                // Calls of one key are counted one after the other.
                try connection.run(
                    "SELECT pg_advisory_xact_lock(hashtextextended($1::text, 8))", Parameters().add(key))
                let start = now - SharedLimits.window
                try connection.run(
                    """
                    DELETE FROM limited_calls WHERE key = $1::text AND begun_at <= $2::bigint AND held_until <= $3::bigint
                    AND (ended_at IS NULL OR ended_at <= $2::bigint)
                    """, Parameters().add(key).add(start).add(now))
                // Without the call itself, which has begun if the answer to that was lost.
                let rows = try connection.run(
                    """
                    SELECT COUNT(*) FILTER (WHERE held_until > $3::bigint),
                    COUNT(*) FILTER (WHERE begun_at > $2::bigint),
                    MIN(begun_at) FILTER (WHERE begun_at > $2::bigint),
                    LEAST(COALESCE(SUM(amount) FILTER (WHERE ended_at > $2::bigint), 0), 9223372036854775807)::bigint,
                    MIN(ended_at) FILTER (WHERE ended_at > $2::bigint AND amount > 0)
                    FROM limited_calls WHERE key = $1::text AND call <> $4::text
                    """, Parameters().add(key).add(start).add(now).add(call))
                if let row = rows.first {
                    let counts = SharedCounts(
                        held: try row.integer(0), calls: try row.integer(1), oldestCall: try row.optionalInteger(2),
                        amount: try row.integer(3), oldestAmount: try row.optionalInteger(4))
                    if let wait = limits.wait(counts, at: now) { return wait }
                }
                try connection.run(
                    """
                    INSERT INTO limited_calls VALUES ($1::text, $2::text, $3::bigint, $4::bigint, NULL, 0)
                    ON CONFLICT (key, call) DO UPDATE SET begun_at = excluded.begun_at, held_until = excluded.held_until
                    """, Parameters().add(key).add(call).add(now).add(time))
                return nil
            }
        }
    }

    package func hold(_ call: String, of key: String, until time: Int64) async throws(JournalError) {
        try await sessions.run { connection in
            try Self.makeLimits(connection)
            try connection.run(
                """
                UPDATE limited_calls SET held_until = $3::bigint
                WHERE key = $1::text AND call = $2::text AND ended_at IS NULL
                """, Parameters().add(key).add(call).add(time))
            return
        }
    }

    package func end(_ call: String, of key: String, amount: Int64, at now: Int64) async throws(JournalError) {
        try await sessions.run { connection in
            try Self.makeLimits(connection)
            try connection.run(
                """
                UPDATE limited_calls SET held_until = 0, ended_at = $3::bigint, amount = $4::bigint
                WHERE key = $1::text AND call = $2::text
                """, Parameters().add(key).add(call).add(now).add(amount))
            return
        }
    }

    private static func makeLimits(_ connection: Connection) throws {
        guard try connection.run("SELECT to_regclass('limited_calls') IS NOT NULL").first?.flag(0) != true else {
            return
        }
        // Two processes that make a table at once would get in each other's way.
        try connection.transaction {
            try connection.run(
                "SELECT pg_advisory_xact_lock(hashtextextended($1::text, 7))", Parameters().add("aikit-lua limits"))
            try connection.script(limitTable)
        }
    }

    /// The calls under limits of the last minute, which a store has once a limit was set in it.
    private static let limitTable = """
        CREATE TABLE IF NOT EXISTS limited_calls (
            key text NOT NULL,
            call text NOT NULL,
            begun_at bigint NOT NULL,
            held_until bigint NOT NULL,
            ended_at bigint,
            amount bigint NOT NULL,
            PRIMARY KEY (key, call)
        )
        """
}
