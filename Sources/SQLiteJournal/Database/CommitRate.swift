internal import GRDB
internal import Platform
package import WorkflowEngine

/// What SQLite alone makes of a disk: the yardstick of durable runs.
package enum CommitRate {
    /// Rows a second that one thread writes with commits of so many rows each.
    ///
    /// - Parameter directory: where the database is made; it is left there.
    package static func measure(
        in directory: String, durability: SQLiteJournalOptions.Durability, rowsPerCommit: Int, seconds: Double
    ) throws(JournalError) -> Double {
        let path = "\(directory)/raw-\(durability.rawValue)-\(rowsPerCommit).db"
        let connection = try StoreDatabase.writer(try StorePath(path), SQLiteJournalOptions(durability: durability))
        do {
            return try connection.inDatabase { database in
                try database.execute(sql: "CREATE TABLE raw (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)")
                let begin = try RawStatement("BEGIN IMMEDIATE", on: database)
                let insert = try RawStatement("INSERT INTO raw (bytes) VALUES (?)", on: database)
                let commit = try RawStatement("COMMIT", on: database)
                let row = [UInt8](repeating: 7, count: 200)
                let start = monotonicNanoseconds()
                let end = start + UInt64(seconds * 1e9)
                var rows = 0
                while monotonicNanoseconds() < end {
                    try begin.run()
                    for _ in 0..<rowsPerCommit {
                        try row.withUnsafeBytes { bytes in
                            insert.bind(bytes, at: 1)
                            try insert.run()
                        }
                    }
                    try commit.run()
                    rows += rowsPerCommit
                }
                return Double(rows) / (Double(monotonicNanoseconds() - start) / 1e9)
            }
        } catch {
            throw JournalError(error, store: path)
        }
    }
}
