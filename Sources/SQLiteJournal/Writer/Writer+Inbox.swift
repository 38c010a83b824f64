internal import FlatValue
internal import Foundation
internal import GRDB
internal import WorkflowCore
internal import WorkflowEngine

/// What the writer knows of messages to its runs.
struct InboxWatch {
    var deliver: (@Sendable ([InboxMessage]) -> Void)?
    /// Something may have come.
    var isDue = false
    /// The newest message that has been looked at.
    var seen: Int64 = 0
    /// Messages that have been looked at and wait for somebody to take them.
    var waiting: [InboxMessage] = []
    /// The connection's `data_version` when the inbox was last looked into.
    var version: Int64 = 0
}

extension Writer {
    /// Hands over the messages that have come for own runs since the last time.
    func deliverInbox() {
        inbox.isDue = false
        guard let deliver = inbox.deliver, owner.number != 0 else { return }
        try? lookIntoInbox()
        let messages = inbox.waiting
        inbox.waiting = []
        if !messages.isEmpty { deliver(messages) }
    }

    /// Puts the messages for own runs, and for chains, that have not been looked at with those that wait.
    func lookIntoInbox() throws {
        let rows = try Row.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT inbox.id, runs.id, kind, target, payload, posted_at, runs.owner FROM inbox
                    JOIN runs ON runs.row = inbox.run WHERE inbox.id > ? AND answer IS NULL ORDER BY inbox.id
                    """), arguments: [inbox.seen])
        if let newest = try rows.last?.integer(0) { inbox.seen = newest }
        inbox.waiting += rows.compactMap { row -> InboxMessage? in
            guard let message = InboxMessage(row) else { return nil }
            return message.content.kind == .cancelChain || (try? row.integer(6)) == owner.number ? message : nil
        }
    }

    /// The messages that wait for a run.
    func messages(for row: Int64) throws -> [InboxMessage] {
        try Row.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT inbox.id, runs.id, kind, target, payload, posted_at FROM inbox
                    JOIN runs ON runs.row = inbox.run WHERE inbox.run = ? AND answer IS NULL ORDER BY inbox.id
                    """), arguments: [row]
        ).compactMap(InboxMessage.init)
    }

    func answer(_ message: Int64, _ answer: InboxAnswer) throws {
        let failure = answer.failure
        try database.cachedStatement(
            sql: "UPDATE inbox SET answer = ?, answer_text = ?, answer_details = ? WHERE id = ? AND answer IS NULL"
        )
        .execute(arguments: [failure?.code ?? "", failure?.message ?? "", failure?.details?.json, message])
    }
}

extension InboxMessage {
    /// Nil for what is no message: nobody takes it, and it is no reason to lose others.
    init?(_ row: Row) {
        guard let number = try? row.integer(0), let run = try? row.text(1),
            let kind = (try? row.text(2)).flatMap(Kind.init(rawValue:)), let target = try? row.text(3),
            let payload = try? Value(validating: [UInt8](row.bytes(4))), let postedAt = try? row.natural(5)
        else { return nil }
        self.init(
            number: number, run: run, content: Content(kind: kind, target: target, payload: payload),
            postedAt: postedAt)
    }
}
