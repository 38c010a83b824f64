internal import FlatValue
internal import WorkflowCore
package import WorkflowEngine

extension PostgresJournal: RunInbox {
    package func post(_ message: InboxMessage.Content, to run: String) async throws(JournalError) -> Int64? {
        if run.utf8.contains(0) { return nil }
        if message.target.utf8.contains(0) {
            throw JournalError(code: .invalidName, message: "the name of an event has no zero byte in it")
        }
        // By the token a message is known again that was posted when the connection broke, also if it has ended the run.
        let token = "\(UInt64.random(in: 0 ... .max))-\(UInt64.random(in: 0 ... .max))"
        let now = clock.now()
        let channel = InboxListener.channel(options.schema)
        return try await sessions.run { connection in
            let rows = try connection.run(
                """
                WITH posted AS (
                    INSERT INTO inbox (run, kind, target, payload, posted_at, token)
                    SELECT row, $2::text, $3::text, $4::bytea, $5::bigint, $6::text FROM runs
                    WHERE id = $1::text AND status < 4
                    ON CONFLICT (token) DO UPDATE SET token = excluded.token RETURNING id
                ) SELECT id, pg_notify($7::text, '') FROM (
                    SELECT id FROM posted UNION ALL SELECT id FROM inbox WHERE token = $6::text
                ) AS message
                """,
                Parameters().add(run).add(message.kind.rawValue).add(message.target)
                    .add(message.payload.withBytes { Array($0) }).add(now).add(token).add(channel))
            return try rows.first?.natural(0)
        }
    }

    package func answer(to message: Int64) async throws(JournalError) -> InboxAnswer? {
        try await sessions.run { connection in
            let row = try connection.run(
                prepared: "answer",
                """
                SELECT answer, answer_text, answer_details,
                    coalesce(runs.status < 4 OR runs.row IS NOT NULL AND kind = 'cancel_chain', false)
                FROM inbox LEFT JOIN runs ON runs.row = inbox.run WHERE inbox.id = $1::bigint
                """, Parameters().add(message)
            ).first
            guard let row else { return .ended }
            let code = try row.optionalText(0)
            if code == nil, try row.flag(3) { return nil }
            // What is seen goes; if it cannot go now, pruning removes it.
            _ = try? connection.run("DELETE FROM inbox WHERE id = $1::bigint", Parameters().add(message))
            guard let code else { return .ended }
            if code.isEmpty { return .taken }
            let details = try row.optionalText(2).flatMap { try? Value(json: $0) }
            return .refused(code: code, message: try row.optionalText(1) ?? "", details: details)
        }
    }

    package func withdraw(_ message: Int64) async throws(JournalError) -> Bool {
        try await sessions.run { connection in
            // First marked: where the answer to that is lost, the mark tells that nobody has taken it.
            let isWithdrawn =
                try connection.run(
                    "UPDATE inbox SET answer = 'withdrawn' WHERE id = $1::bigint AND coalesce(answer, 'withdrawn') = 'withdrawn'",
                    Parameters().add(message)
                ).changed > 0
            if isWithdrawn {
                _ = try? connection.run("DELETE FROM inbox WHERE id = $1::bigint", Parameters().add(message))
            }
            return isWithdrawn
        }
    }

    package func answer(_ message: Int64, with answer: InboxAnswer) async throws(JournalError) {
        try await onWriter { writer in try writer.answer([(message, answer)], writer.connect()) }
    }

    package func watchInbox(_ deliver: @escaping @Sendable ([InboxMessage]) -> Void) {
        writer.queue.post(.watch(deliver))
        listener.start()
    }
}
