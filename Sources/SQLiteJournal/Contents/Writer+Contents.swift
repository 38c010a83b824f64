internal import Foundation
internal import GRDB
internal import WorkflowEngine

extension Writer {
    /// Stores bytes unless they are there.
    func store(_ bytes: UnsafeRawBufferPointer, hash: [UInt8]) throws {
        let statement = try RawStatement(
            "INSERT INTO contents (hash, bytes) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING", on: database)
        try hash.withUnsafeBytes { hash in
            statement.bind(hash, at: 1)
            statement.bind(bytes, at: 2)
            try statement.run()
        }
    }

    /// Keeps a generation for as long as this journal is open.
    func hold(_ generation: String) throws {
        try database.execute(
            sql: "INSERT OR IGNORE INTO generation_holds (owner, generation) VALUES (?, ?)",
            arguments: [owner.number, generation])
    }
}

extension [UInt8] {
    /// The bytes as GRDB takes them.
    var databaseBlob: DatabaseValue { Data(self).databaseValue }
}
