internal import GRDB
package import WorkflowEngine

extension SQLiteJournal: ScheduleStore {
    package func scheduleMarks() async throws(JournalError) -> [ScheduleMark] {
        try await read { database in
            let sql = "SELECT workflow, schedule, time, run, paused, timing FROM schedules"
            return try Row.fetchAll(database, sql: sql).compactMap { row in
                guard let workflow = String.fromDatabaseValue(row[0]), let schedule = String.fromDatabaseValue(row[1]),
                    let time = Int64.fromDatabaseValue(row[2])
                else { return nil }
                return ScheduleMark(
                    workflow: workflow, schedule: schedule, time: time, run: String.fromDatabaseValue(row[3]),
                    isPaused: Int64.fromDatabaseValue(row[4]) == 1, timing: String.fromDatabaseValue(row[5]))
            }
        }
    }

    package func advance(
        _ workflow: String, _ schedule: String, to time: Int64, run: String?, timing: String?
    ) async throws(JournalError) {
        try await onWriter { writer throws(JournalError) in
            // A loss of power may bring a time up again, whose run has the same id then.
            try writer.transaction(durable: false) {
                try writer.database.execute(
                    sql: """
                        INSERT INTO schedules (workflow, schedule, time, run, paused, timing) VALUES (?, ?, ?, ?, 0, ?)
                        ON CONFLICT DO UPDATE SET time = excluded.time, run = coalesce(excluded.run, run),
                            timing = coalesce(excluded.timing, timing)
                        WHERE excluded.time > time
                        """, arguments: [workflow, schedule, time, run, timing])
            }
        }
    }

    package func setBack(
        _ workflow: String, _ schedule: String, from time: Int64, to earlier: Int64
    ) async throws(JournalError) {
        try await onWriter { writer throws(JournalError) in
            try writer.transaction(durable: true) {
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
                try writer.database.execute(
                    sql: "UPDATE schedules SET paused = ? WHERE workflow = ? AND schedule = ?",
                    arguments: [isPaused ? 1 : 0, workflow, schedule])
                isKnown = writer.database.changesCount > 0
            }
            return isKnown
        }
    }
}
