internal import FlatValue
internal import Foundation
internal import GRDB
internal import WorkflowCore
package import WorkflowEngine

extension SQLiteJournal: RunInbox {
    package func post(_ message: InboxMessage.Content, to run: String) async throws(JournalError) -> Int64? {
        try await onWriter { writer throws(JournalError) in try writer.post(message, to: run) }
    }

    package func answer(to message: Int64) async throws(JournalError) -> InboxAnswer? {
        let waits = try await read { database in
            guard
                let row = try Row.fetchOne(
                    database,
                    sql: """
                        SELECT answer, runs.id, kind FROM inbox LEFT JOIN runs ON runs.row = inbox.run
                        WHERE inbox.id = ?
                        """,
                    arguments: [message]), try row.optionalText(0) == nil, let run = try row.optionalText(1)
            else { return false }
            if try row.text(2) == InboxMessage.Kind.cancelChain.rawValue { return true }
            return try StoredHead.find(run, in: database)?.header.status.isTerminal == false
        }
        if waits { return nil }
        return try await onWriter { writer throws(JournalError) in try writer.takeAnswer(message) }
    }

    package func withdraw(_ message: Int64) async throws(JournalError) -> Bool {
        try await onWriter { writer throws(JournalError) in
            try writer.transaction {
                try writer.database.execute(
                    sql: "DELETE FROM inbox WHERE id = ? AND answer IS NULL", arguments: [message])
                return writer.database.changesCount > 0
            }
        }
    }

    package func answer(_ message: Int64, with answer: InboxAnswer) async throws(JournalError) {
        try await onWriter { writer throws(JournalError) in
            try writer.transaction { try writer.answer(message, answer) }
        }
    }

    package func watchInbox(_ deliver: @escaping @Sendable ([InboxMessage]) -> Void) {
        _ = writer.queue.post(
            .job { writer in
                guard let writer = try? writer.get() else { return }
                writer.inbox.deliver = deliver
                writer.inbox.isDue = true
            })
    }
}

extension Writer {
    func post(_ message: InboxMessage.Content, to run: String) throws(JournalError) -> Int64? {
        if message.target.utf8.contains(0) {
            throw JournalError(code: .invalidName, message: "the name of an event has no zero byte in it")
        }
        return try transaction {
            guard let stored = try StoredHead.find(run, in: database), !stored.header.status.isTerminal else {
                return nil
            }
            let payload = message.payload.withBytes { Data($0) }
            try database.execute(
                sql: "INSERT INTO inbox (run, kind, target, payload, posted_at) VALUES (?, ?, ?, ?, ?)",
                arguments: [stored.row, message.kind.rawValue, message.target, payload, clock.now()])
            inbox.isDue = inbox.deliver != nil
            return database.lastInsertedRowID
        }
    }

    /// The answer to a message, which is removed; a run that has ended without one refuses.
    func takeAnswer(_ message: Int64) throws(JournalError) -> InboxAnswer? {
        try transaction {
            let row = try Row.fetchOne(
                database, sql: "SELECT answer, answer_text, answer_details FROM inbox WHERE id = ?",
                arguments: [message])
            try database.execute(sql: "DELETE FROM inbox WHERE id = ?", arguments: [message])
            guard let row, let code = try row.optionalText(0) else { return .ended }
            if code.isEmpty { return .taken }
            let details = try row.optionalText(2).flatMap { try? Value(json: $0) }
            return .refused(code: code, message: try row.optionalText(1) ?? "", details: details)
        }
    }
}
