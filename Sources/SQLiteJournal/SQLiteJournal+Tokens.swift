internal import Foundation
internal import GRDB
package import WorkflowEngine

extension SQLiteJournal: TokenStore {
    package func add(_ token: AccessToken) async throws(JournalError) {
        try await onWriter { writer throws(JournalError) in
            try writer.transaction(durable: true) {
                try writer.database.execute(sql: Tokens.table)
                try writer.database.execute(
                    sql: "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?)",
                    arguments: [
                        token.id, token.name, token.role.rawValue, token.workflows.joined(separator: "\n"),
                        Data(token.hash), token.expiresAt, token.createdAt,
                    ])
            }
        }
    }

    package func token(_ id: String) async throws(JournalError) -> AccessToken? {
        if id.utf8.contains(0) { return nil }
        return try await read { try Tokens.fetch($0, where: "WHERE id = ?", [id]).first }
    }

    package func tokens() async throws(JournalError) -> [AccessToken] {
        try await read { try Tokens.fetch($0, where: "ORDER BY created_at", []) }
    }

    package func removeToken(_ id: String) async throws(JournalError) -> Bool {
        if id.utf8.contains(0) { return false }
        return try await onWriter { writer throws(JournalError) in
            var isRemoved = false
            try writer.transaction(durable: true) {
                try writer.database.execute(sql: Tokens.table)
                try writer.database.execute(sql: "DELETE FROM tokens WHERE id = ?", arguments: [id])
                isRemoved = writer.database.changesCount > 0
            }
            return isRemoved
        }
    }
}

/// The table of tokens, which a store has once it has had a token.
private enum Tokens {
    static let table = """
        CREATE TABLE IF NOT EXISTS tokens (
            id TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            role TEXT NOT NULL,
            workflows TEXT NOT NULL,
            hash BLOB NOT NULL,
            expires_at INTEGER NOT NULL,
            created_at INTEGER NOT NULL
        ) STRICT
        """

    static func fetch(
        _ database: Database, where condition: String, _ arguments: StatementArguments
    ) throws -> [AccessToken] {
        guard try database.hasTable("tokens") else { return [] }
        let sql = "SELECT id, name, role, workflows, hash, expires_at, created_at FROM tokens \(condition)"
        return try Row.fetchAll(database, sql: sql, arguments: arguments).compactMap { row in
            // A role that a newer program has given means nothing here, so such a token opens nothing.
            guard let role = AccessToken.Role(rawValue: try row.text(2)) else { return nil }
            let workflows = try row.text(3).split(separator: "\n").map(String.init)
            return AccessToken(
                id: try row.text(0), name: try row.text(1), role: role, workflows: workflows,
                hash: [UInt8](try row.bytes(4)), expiresAt: try row.integer(5), createdAt: try row.integer(6))
        }
    }
}
