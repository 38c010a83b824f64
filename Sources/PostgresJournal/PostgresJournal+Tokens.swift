package import WorkflowEngine

extension PostgresJournal: TokenStore {
    package func add(_ token: AccessToken) async throws(JournalError) {
        try await sessions.run { connection in
            // A token that is there with the same secret was added when the connection broke.
            try connection.run(
                """
                INSERT INTO tokens VALUES ($1::text, $2::text, $3::text, $4::text[], $5::bytea, $6::bigint, $7::bigint)
                ON CONFLICT (id) DO UPDATE SET id = excluded.id WHERE tokens.hash = excluded.hash
                """,
                Parameters().add(token.id).add(token.name).add(token.role.rawValue).add(token.workflows)
                    .add(token.hash).add(token.expiresAt).add(token.createdAt))
            return
        }
    }

    package func token(_ id: String) async throws(JournalError) -> AccessToken? {
        if id.utf8.contains(0) { return nil }
        return try await sessions.run { try Self.tokens($0, "WHERE id = $1::text", Parameters().add(id)).first }
    }

    package func tokens() async throws(JournalError) -> [AccessToken] {
        try await sessions.run { try Self.tokens($0, "ORDER BY created_at, id", Parameters()) }
    }

    package func removeToken(_ id: String) async throws(JournalError) -> Bool {
        if id.utf8.contains(0) { return false }
        // Looked up first: what a removal whose answer was lost has removed, nobody finds again.
        guard try await token(id) != nil else { return false }
        try await sessions.run { connection in
            try connection.run("DELETE FROM tokens WHERE id = $1::text", Parameters().add(id))
            return
        }
        return true
    }

    private static func tokens(
        _ connection: Connection, _ condition: String, _ parameters: Parameters
    ) throws -> [AccessToken] {
        let sql = """
            SELECT id, name, role, array_to_string(workflows, E'\\n'), hash, expires_at, created_at FROM tokens \(condition)
            """
        return try connection.run(sql, parameters).all.compactMap { row in
            // A role that a newer program has given means nothing here, so such a token opens nothing.
            guard let role = AccessToken.Role(rawValue: try row.text(2)) else { return nil }
            return AccessToken(
                id: try row.text(0), name: try row.text(1), role: role,
                workflows: try row.text(3).split(separator: "\n").map(String.init), hash: try row.bytes(4),
                expiresAt: try row.integer(5), createdAt: try row.integer(6))
        }
    }
}
