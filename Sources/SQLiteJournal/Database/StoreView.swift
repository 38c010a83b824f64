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
    /// The folder of the copy.
    private let folder: String?

    init(_ path: String, _ options: SQLiteJournalOptions) throws {
        if access(path, F_OK) != 0 { throw StoreDatabase.missing(path) }
        if access(path + "-wal", F_OK) == 0, access(path + "-shm", F_OK) == 0,
            let open = try? StoreDatabase.reader(path, options), (try? open.read(Self.isCurrent)) == true
        {
            (connection, folder) = (open, nil)
            return
        }
        let folder = try Self.makeFolder()
        do {
            let copy = folder + "/runs.db"
            try Self.copy(path, to: copy)
            var options = options
            options.creates = false
            // The copy may be of an older schema.
            connection = try StoreDatabase.writer(copy, options)
            self.folder = folder
        } catch {
            Self.remove(folder)
            throw JournalError(error, store: path)
        }
    }

    func close() {
        try? connection.close()
        if let folder { Self.remove(folder) }
    }

    /// Why this process may not write the store; nil if it may, or if there is none. A store without any permission to write is
    /// taken at its word, also by the superuser.
    static func obstacle(_ path: String) -> String? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        for (what, name) in [("the file", path), ("its directory", folder)]
        where faccessat(AT_FDCWD, name, W_OK, AT_EACCESS) != 0 {
            return "\(what) may not be written (\(String(cString: strerror(errno))))"
        }
        return status.st_mode & 0o222 == 0 ? "the file is read-only" : nil
    }

    private static func isCurrent(_ database: Database) throws -> Bool {
        try Int.fetchOne(database, sql: "PRAGMA user_version") == Schema.version
    }

    private static func makeFolder() throws(JournalError) -> String {
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(base)/aikit-lua-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw JournalError(
                code: "store_unavailable",
                message: "the store can only be looked at in a copy, and no folder can be made in \(base): "
                    + String(cString: strerror(errno)))
        }
        return String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Copies the database and its log; anew while somebody moves pages from one into the other.
    private static func copy(_ path: String, to copy: String) throws {
        for _ in 0..<10 {
            let before = state(of: path)
            for end in ["", "-wal"] where access(path + end, F_OK) == 0 {
                try? FileManager.default.removeItem(atPath: copy + end)
                try Self.copyFile(path + end, to: copy + end)
                chmod(copy + end, 0o600)
            }
            if state(of: path) == before { return }
        }
        throw JournalError(code: "store_locked", message: "the store \(path) changes too fast to be copied; try again")
    }

    /// - Throws: a `store_unavailable` that says why, and what to do where another user's file may not be read.
    private static func copyFile(_ path: String, to copy: String) throws {
        if faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) != 0 {
            let reason = String(cString: strerror(errno))
            throw JournalError(
                code: "store_unavailable",
                message:
                    "\(path) may not be read (\(reason)); look at it as the user who owns it, or have them allow it")
        }
        do {
            try FileManager.default.copyItem(atPath: path, toPath: copy)
        } catch {
            let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
            let reason = cause.map { String(cString: strerror(Int32(clamping: $0.code))) } ?? "it cannot be copied"
            throw JournalError(
                code: "store_unavailable",
                message: "the store can only be looked at in a copy, and copying \(path) failed: \(reason)")
        }
    }

    /// What changes when the database itself is written, or its log begins anew.
    private static func state(of path: String) -> [Data?] {
        [path, path + "-wal"].map { path in
            let file = FileHandle(forReadingAtPath: path)
            defer { try? file?.close() }
            // The first page of a database counts its changes, the head of a log how often it began anew.
            return try? file?.read(upToCount: 100)
        }
    }

    private static func remove(_ folder: String) { try? FileManager.default.removeItem(atPath: folder) }
}
