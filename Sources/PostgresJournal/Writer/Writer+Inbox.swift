internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// What the writer knows of messages to its runs.
struct InboxWatch {
    var deliver: (@Sendable ([InboxMessage]) -> Void)?
    /// Something may have come.
    var isDue = false
    /// The store tells when something comes, so that it need not be asked all the time.
    var isListening = false
    /// Messages that have been handed over and are not answered. Numbers alone do not tell what is new: a message may
    /// become visible after one with a higher number.
    var delivered: Set<Int64> = []
}

extension Writer {
    /// Hands over the messages that have come for own runs.
    func deliverInbox() {
        inbox.isDue = false
        guard let deliver = inbox.deliver, owner != 0, let connection = try? connect() else { return }
        let rows = try? connection.run(
            prepared: "inbox",
            InboxMessage.query
                + """
                WHERE (runs.owner = $1::bigint AND runs.status < 4 OR kind = 'cancel_chain') AND answer IS NULL
                ORDER BY inbox.id
                """,
            Parameters().add(owner))
        guard let messages = rows?.all.compactMap(InboxMessage.init) else { return }
        let fresh = messages.filter { !inbox.delivered.contains($0.number) }
        inbox.delivered = Set(messages.map(\.number))
        if !fresh.isEmpty { deliver(fresh) }
    }

    /// Answers messages that nobody has answered.
    func answer(_ answers: [(message: Int64, answer: InboxAnswer)], _ connection: Connection) throws(PostgresFailure) {
        let failures = answers.map(\.answer.failure)
        let parameters = Parameters().add(answers.map(\.message))
            .add(failures.map { InboxMessage.storable($0?.code ?? "") })
            .add(failures.map { InboxMessage.storable($0?.message ?? "") })
            .add(failures.map { $0?.details?.json ?? "" })
        try connection.run(
            """
            UPDATE inbox SET answer = a.code, answer_text = a.text, answer_details = nullif(a.details, '')
            FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) AS a(id, code, text, details)
            WHERE inbox.id = a.id AND inbox.answer IS NULL
            """, parameters)
    }
}

extension InboxMessage {
    /// A query for messages, to which a caller adds a condition.
    static let query = """
        SELECT inbox.id, runs.id, kind, target, payload, posted_at FROM inbox JOIN runs ON runs.row = inbox.run

        """

    /// Nil for what is no message: nobody takes it, and it is no reason to lose others.
    init?(_ row: Rows.Row) {
        guard let number = try? row.natural(0), let run = try? row.text(1),
            let kind = (try? row.text(2)).flatMap(Kind.init(rawValue:)), let target = try? row.text(3),
            let payload = try? Value(validating: row.bytes(4)), let postedAt = try? row.natural(5)
        else { return nil }
        self.init(
            number: number, run: run, content: Content(kind: kind, target: target, payload: payload),
            postedAt: postedAt)
    }

    /// PostgreSQL keeps no zero bytes in texts; JSON has none.
    fileprivate static func storable(_ text: String) -> String {
        text.utf8.contains(0) ? text.replacing("\0", with: "\u{FFFD}") : text
    }
}
