internal import Foundation
internal import GRDB
internal import JSONSchema
internal import Platform
internal import WorkflowEngine

/// Looking at a store whose files may not be written. Nothing beside them is made or changed.
///
/// SQLite needs an index beside a write-ahead log. Where there is one, a process of somebody else has the store open, and it is
/// read as it grows; elsewhere a copy is read as it was at that moment.
final class StoreView: Sendable {
    let connection: DatabaseQueue
    private let duplicate: StoreDuplicate?

    init(_ path: StorePath, _ options: SQLiteJournalOptions) throws {
        if access(path.file, F_OK) != 0 { throw StoreDatabase.missing(path.name) }
        if access(path.beside("-wal"), F_OK) == 0, access(path.beside("-shm"), F_OK) == 0,
            let open = try? StoreDatabase.reader(path, options), (try? open.read(Self.isCurrent)) == true
        {
            (connection, duplicate) = (open, nil)
            return
        }
        let duplicate = try StoreDuplicate(of: path)
        do {
            var options = options
            options.creates = false
            // The copy may be of an older schema.
            connection = try StoreDatabase.writer(try StorePath(duplicate.path), options)
            self.duplicate = duplicate
        } catch {
            duplicate.remove()
            throw JournalError(error, store: path.name)
        }
    }

    func close() {
        try? connection.close()
        duplicate?.remove()
    }

    /// Why this process may not write the store; nil if it may, or if there is none. A store without any permission to write is
    /// taken at its word, also by the superuser. One with several hard links is not written by anybody.
    static func obstacle(_ path: StorePath) -> String? {
        var status = stat()
        guard stat(path.file, &status) == 0 else { return nil }
        let folder = path.folder.isEmpty ? "." : String(path.folder)
        for (what, name) in [("the file", path.file), ("its directory", folder)]
        where faccessat(AT_FDCWD, name, W_OK, AT_EACCESS) != 0 {
            return "\(what) may not be written (\(String(cString: strerror(errno))))"
        }
        if status.st_nlink > 1 {
            // Each name has a log and locks of its own.
            return
                "the file has \(status.st_nlink) names (hard links), and what is written by one is lost to the others; "
                + "remove the other names, or use a copy"
        }
        return status.st_mode & 0o222 == 0 ? "the file is read-only" : nil
    }

    private static func isCurrent(_ database: Database) throws -> Bool {
        try Int.fetchOne(database, sql: "PRAGMA user_version") == Schema.version
    }
}
