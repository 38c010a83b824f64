package import WorkflowEngine

extension PostgresJournal: ScheduleStore {
    package func scheduleMarks() async throws(JournalError) -> [ScheduleMark] {
        try await sessions.run { connection in
            try connection.run("SELECT workflow, schedule, time, run, paused, timing FROM schedules ORDER BY 1, 2").all
                .map {
                    row in
                    ScheduleMark(
                        workflow: try row.text(0), schedule: try row.text(1), time: try row.integer(2),
                        run: try row.optionalText(3), isPaused: try row.flag(4), timing: try row.optionalText(5))
                }
        }
    }

    package func advance(
        _ workflow: String, _ schedule: String, to time: Int64, run: String?, timing: String?
    ) async throws(JournalError) {
        try await sessions.run { connection in
            try connection.run(
                """
                INSERT INTO schedules AS known (workflow, schedule, time, run, timing)
                VALUES ($1::text, $2::text, $3::bigint, $4::text, $5::text)
                ON CONFLICT (workflow, schedule)
                DO UPDATE SET time = excluded.time, run = coalesce(excluded.run, known.run),
                    timing = coalesce(excluded.timing, known.timing)
                WHERE excluded.time > known.time
                """, Parameters().add(workflow).add(schedule).add(time).add(run).add(timing))
            return
        }
    }

    package func setBack(
        _ workflow: String, _ schedule: String, from time: Int64, to earlier: Int64
    ) async throws(JournalError) {
        try await sessions.run { connection in
            try connection.run(
                """
                UPDATE schedules SET time = $4::bigint
                WHERE workflow = $1::text AND schedule = $2::text AND time = $3::bigint
                """, Parameters().add(workflow).add(schedule).add(time).add(earlier))
            return
        }
    }

    package func pause(_ workflow: String, _ schedule: String, _ isPaused: Bool) async throws(JournalError) -> Bool {
        try await sessions.run { connection in
            try connection.run(
                "UPDATE schedules SET paused = $3::bigint = 1 WHERE workflow = $1::text AND schedule = $2::text",
                Parameters().add(workflow).add(schedule).add(isPaused ? 1 : 0)
            ).changed > 0
        }
    }
}
