internal import GRDB

extension Database {
    /// Whether there is a table now; GRDB's own answer is remembered, though another process may make the table.
    func hasTable(_ name: String) throws -> Bool {
        try Int.fetchOne(
            self, sql: "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", arguments: [name]) != nil
    }
}
