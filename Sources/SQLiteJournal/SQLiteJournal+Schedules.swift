internal import GRDB
package import WorkflowEngine

extension SQLiteJournal: ScheduleStore {
    package func scheduleMarks() async throws(JournalError) -> [ScheduleMark] {
        try await read { database in
            guard try database.hasTable("schedules") else { return [] }
            let sql = "SELECT workflow, schedule, time, run, paused FROM schedules"
            return try Row.fetchAll(database, sql: sql).compactMap { row in
                guard let workflow = String.fromDatabaseValue(row[0]), let schedule = String.fromDatabaseValue(row[1]),
                    let time = Int64.fromDatabaseValue(row[2])
                else { return nil }
                return ScheduleMark(
                    workflow: workflow, schedule: schedule, time: time, run: String.fromDatabaseValue(row[3]),
                    isPaused: Int64.fromDatabaseValue(row[4]) == 1)
            }
        }
    }

    package func advance(
        _ workflow: String, _ schedule: String, to time: Int64, run: String?
    ) async throws(JournalError) {
        try await onWriter { writer throws(JournalError) in
            // A loss of power may bring a time up again, whose run has the same id then.
            try writer.transaction(durable: false) {
                try writer.database.execute(sql: Self.schedulesTable)
                try writer.database.execute(
                    sql: """
                        INSERT INTO schedules VALUES (?, ?, ?, ?, 0)
                        ON CONFLICT DO UPDATE SET time = excluded.time, run = coalesce(excluded.run, run)
                        WHERE excluded.time > time
                        """, arguments: [workflow, schedule, time, run])
            }
        }
    }

    package func setBack(
        _ workflow: String, _ schedule: String, from time: Int64, to earlier: Int64
    ) async throws(JournalError) {
        try await onWriter { writer throws(JournalError) in
            try writer.transaction(durable: true) {
                try writer.database.execute(sql: Self.schedulesTable)
                try writer.database.execute(
                    sql: "UPDATE schedules SET time = ? WHERE workflow = ? AND schedule = ? AND time = ?",
                    arguments: [earlier, workflow, schedule, time])
            }
        }
    }

    package func pause(_ workflow: String, _ schedule: String, _ isPaused: Bool) async throws(JournalError) -> Bool {
        try await onWriter { writer throws(JournalError) in
            var isKnown = false
            try writer.transaction(durable: true) {
                try writer.database.execute(sql: Self.schedulesTable)
                try writer.database.execute(
                    sql: "UPDATE schedules SET paused = ? WHERE workflow = ? AND schedule = ?",
                    arguments: [isPaused ? 1 : 0, workflow, schedule])
                isKnown = writer.database.changesCount > 0
            }
            return isKnown
        }
    }

    /// The table of schedules, which a store has once it has served one.
    private static let schedulesTable = """
        CREATE TABLE IF NOT EXISTS schedules (
            workflow TEXT NOT NULL,
            schedule TEXT NOT NULL,
            time INTEGER NOT NULL,
            run TEXT,
            paused INTEGER NOT NULL,
            PRIMARY KEY (workflow, schedule)
        ) STRICT, WITHOUT ROWID
        """
}
