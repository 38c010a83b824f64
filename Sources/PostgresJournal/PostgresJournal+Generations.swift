internal import StoredEntries
package import WorkflowEngine

extension PostgresJournal: GenerationStore {
    package func save(_ generation: ScriptGeneration) async throws(JournalError) {
        try await onWriter { try $0.save(generation) }
    }

    package func generation(_ hash: String) async throws(JournalError) -> ScriptGeneration? {
        if hash.utf8.contains(0) { return nil }
        return try await sessions.run { connection in
            let files = try connection.run(
                """
                SELECT name, bytes FROM generation_files JOIN contents USING (hash) WHERE generation = $1::text
                ORDER BY position
                """, Parameters().add(hash)
            ).all
            if files.isEmpty { return nil }
            return ScriptGeneration(
                hash: hash,
                files: try files.map { ScriptGeneration.File(name: try $0.text(0), content: try $0.bytes(1)) })
        }
    }
}

extension Writer {
    func save(_ generation: ScriptGeneration) throws(PostgresFailure) {
        if generations.contains(generation.hash), owner != 0 { return }
        if generation.hash.utf8.contains(0) || generation.files.contains(where: { $0.name.utf8.contains(0) }) {
            throw .journal(
                JournalError(
                    code: .storeFailed, message: "PostgreSQL keeps no names of files with a zero byte in them"))
        }
        try becomeOwner()
        try transaction { connection in
            try lockContents(connection)
            try hold(generation.hash, owner, connection)
            let isKnown = try connection.run(
                "SELECT EXISTS (SELECT 1 FROM generation_files WHERE generation = $1::text)",
                Parameters().add(generation.hash)
            ).first?.flag(0)
            if isKnown == true { return }
            for (position, file) in generation.files.enumerated() {
                let hash = file.content.withUnsafeBytes(LargePayload.hash)
                try file.content.withUnsafeBytes { try store($0, hash: hash, connection) }
                try connection.run(
                    """
                    INSERT INTO generation_files VALUES ($1::text, $2::bigint::integer, $3::text, $4::bytea)
                    ON CONFLICT DO NOTHING
                    """, Parameters().add(generation.hash).add(Int64(position)).add(file.name).add(hash))
            }
        }
        generations.insert(generation.hash)
    }
}
