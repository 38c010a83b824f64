internal import Foundation
internal import GRDB
internal import StoredEntries
package import WorkflowEngine

extension SQLiteJournal: GenerationStore {
    package func save(_ generation: ScriptGeneration) async throws(JournalError) {
        try await onWriter { writer throws(JournalError) in try writer.save(generation) }
    }

    package func generation(_ hash: String) async throws(JournalError) -> ScriptGeneration? {
        try await read { database in
            let files = try Row.fetchAll(
                database,
                sql: """
                    SELECT name, bytes FROM generation_files JOIN contents USING (hash) WHERE generation = ? ORDER BY position
                    """, arguments: [hash])
            if files.isEmpty { return nil }
            return ScriptGeneration(
                hash: hash,
                files: try files.map { ScriptGeneration.File(name: try $0.text(0), content: [UInt8](try $0.bytes(1))) })
        }
    }
}

extension Writer {
    func save(_ generation: ScriptGeneration) throws(JournalError) {
        if generations.contains(generation.hash), owner.number != 0 { return }
        // It need not reach the disk by itself: the first entry of a run that needs it brings it along.
        try transaction(durable: false) {
            try becomeOwner()
            try hold(generation.hash)
            let isKnown = try Bool.fetchOne(
                database, sql: "SELECT EXISTS (SELECT 1 FROM generation_files WHERE generation = ?)",
                arguments: [generation.hash])
            if isKnown == true { return }
            for (position, file) in generation.files.enumerated() {
                let hash = file.content.withUnsafeBytes(LargePayload.hash)
                try file.content.withUnsafeBytes { try store($0, hash: hash) }
                try database.execute(
                    sql: "INSERT INTO generation_files (generation, position, name, hash) VALUES (?, ?, ?, ?)",
                    arguments: [generation.hash, position, file.name, hash.databaseBlob])
            }
        }
        generations.insert(generation.hash)
    }
}
