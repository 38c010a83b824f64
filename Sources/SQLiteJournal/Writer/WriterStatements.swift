internal import GRDB

/// The statements that the writer runs often, prepared once.
final class WriterStatements {
    let begin: RawStatement
    let commit: RawStatement
    let rollback: RawStatement
    let insertEntry: RawStatement
    let insertRun: RawStatement
    let updateRun: RawStatement
    let markBehind: RawStatement
    private let version: RawStatement

    init(_ database: Database) throws {
        begin = try RawStatement("BEGIN IMMEDIATE", on: database)
        commit = try RawStatement("COMMIT", on: database)
        rollback = try RawStatement("ROLLBACK", on: database)
        insertEntry = try RawStatement(
            """
            INSERT INTO entries (id, run, previous, sequence, arena_size, status, wake_at, time, events, arena, parts,
                checksum, link)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """, on: database)
        insertRun = try RawStatement(
            """
            INSERT INTO runs (id, workflow, generation, lineage, created_at, owner, entry, sequence, arena_size, status,
                wake_at, updated_at, granted, fingerprint, input_digest)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING
            """, on: database)
        updateRun = try RawStatement(
            """
            UPDATE runs SET entry = ?, sequence = ?, arena_size = ?, status = ?, wake_at = ?, updated_at = ? WHERE row = ?
            """, on: database)
        markBehind = try RawStatement("UPDATE owners SET behind_from = ? WHERE id = ?", on: database)
        version = try RawStatement("PRAGMA data_version", on: database)
    }

    /// A number that changes when another connection has committed.
    func dataVersion() throws -> Int64 {
        defer { version.reset() }
        return try version.step() ? version.int(at: 0) : 0
    }
}
