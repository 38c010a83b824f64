internal import FlatValue
internal import GRDB
internal import WorkflowCore

extension Writer {
    /// Has a run found by these tags and by no others.
    ///
    /// - Parameter isNew: the run has had none before.
    func replaceTags(of run: Int64, with tags: RunTags, isNew: Bool) throws {
        if !isNew { try removeTags(of: run) }
        try database.cachedStatement(sql: "UPDATE runs SET tags = ? WHERE row = ?").execute(
            arguments: [tags.isEmpty ? nil : tags.value.json, run])
        for tag in tags.tags {
            try database.cachedStatement(sql: "INSERT OR IGNORE INTO run_tags (name, value, run) VALUES (?, ?, ?)")
                .execute(arguments: [tag.name, tag.key, run])
        }
    }

    /// Takes a run out of the index of tags, before its row goes.
    func removeTags(of run: Int64) throws {
        let text = try String.fetchOne(
            database.cachedStatement(sql: "SELECT tags FROM runs WHERE row = ?"), arguments: [run])
        guard let text else { return }
        guard let value = try? Value(json: text), let tags = try? RunTags(value) else {
            // The row says nothing that could be looked up.
            return try database.execute(sql: "DELETE FROM run_tags WHERE run = ?", arguments: [run])
        }
        for tag in tags.tags {
            try database.cachedStatement(sql: "DELETE FROM run_tags WHERE name = ? AND value = ? AND run = ?")
                .execute(arguments: [tag.name, tag.key, run])
        }
    }
}
