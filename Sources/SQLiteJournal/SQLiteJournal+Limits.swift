internal import GRDB
package import WorkflowEngine

extension SQLiteJournal: SharedLimitStore {
    package func begin(
        _ call: String, of key: String, within limits: SharedLimits, until time: Int64, at now: Int64
    ) async throws(JournalError) -> Int64? {
        try await onWriter { writer throws(JournalError) -> Int64? in
            try writer.transaction(durable: false) {
                let database = writer.database
                try database.execute(sql: Self.limitTable)
                let start = now - SharedLimits.window
                try database.execute(
                    sql: """
                        DELETE FROM limited_calls WHERE key = ? AND begun_at <= ? AND held_until <= ?
                        AND (ended_at IS NULL OR ended_at <= ?)
                        """, arguments: [key, start, now, start])
                let row = try Row.fetchOne(
                    database,
                    sql: """
                        SELECT COUNT(*) FILTER (WHERE held_until > ?1), COUNT(*) FILTER (WHERE begun_at > ?2),
                        MIN(begun_at) FILTER (WHERE begun_at > ?2), TOTAL(amount) FILTER (WHERE ended_at > ?2),
                        MIN(ended_at) FILTER (WHERE ended_at > ?2 AND amount > 0)
                        FROM limited_calls WHERE key = ?3
                        """, arguments: [now, start, key])
                guard let row else { return nil }
                let counts = SharedCounts(
                    held: try row.natural(0), calls: try row.natural(1), oldestCall: try row.optionalInteger(2),
                    amount: Int64(exactly: (row[3] as Double).rounded()) ?? .max,
                    oldestAmount: try row.optionalInteger(4))
                if let wait = limits.wait(counts, at: now) { return wait }
                try database.execute(
                    sql: "INSERT OR REPLACE INTO limited_calls VALUES (?, ?, ?, ?, NULL, 0)",
                    arguments: [key, call, now, time])
                return nil
            }
        }
    }

    package func hold(_ call: String, of key: String, until time: Int64) async throws(JournalError) {
        try await onWriter { writer throws(JournalError) in
            try writer.transaction(durable: false) {
                try writer.database.execute(sql: Self.limitTable)
                try writer.database.execute(
                    sql: "UPDATE limited_calls SET held_until = ? WHERE key = ? AND call = ? AND ended_at IS NULL",
                    arguments: [time, key, call])
            }
        }
    }

    package func end(_ call: String, of key: String, amount: Int64, at now: Int64) async throws(JournalError) {
        try await onWriter { writer throws(JournalError) in
            try writer.transaction(durable: false) {
                try writer.database.execute(sql: Self.limitTable)
                try writer.database.execute(
                    sql: "UPDATE limited_calls SET held_until = 0, ended_at = ?, amount = ? WHERE key = ? AND call = ?",
                    arguments: [now, amount, key, call])
            }
        }
    }

    /// The calls under limits of the last minute, which a store has once a limit was set in it.
    private static let limitTable = """
        CREATE TABLE IF NOT EXISTS limited_calls (
            key TEXT NOT NULL,
            call TEXT NOT NULL,
            begun_at INTEGER NOT NULL,
            held_until INTEGER NOT NULL,
            ended_at INTEGER,
            amount INTEGER NOT NULL,
            PRIMARY KEY (key, call)
        ) STRICT, WITHOUT ROWID
        """
}
