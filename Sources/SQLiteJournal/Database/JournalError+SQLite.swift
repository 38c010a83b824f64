internal import GRDB
internal import WorkflowEngine

/// The one place where SQLite's errors become the journal's.
extension JournalError {
    /// An error of the store at `path`, in words that name the file and what to do.
    init(_ error: any Error, store path: String) {
        if let error = error as? JournalError {
            self = error
            return
        }
        if let damage = error as? RunDamage {
            self = damage.error(store: path)
            return
        }
        guard let error = error as? DatabaseError else {
            let isMisplaced = error is MisplacedValue || error is RowDecodingError
            self =
                isMisplaced
                ? .damaged(path, "\(error)")
                : JournalError(code: .storeFailed, message: "the store \(path) failed: \(error)")
            return
        }
        let detail = error.message ?? "error \(error.extendedResultCode.rawValue)"
        switch error.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED: self = .locked(path)
        case .SQLITE_FULL: self = .full(path)
        // SQLite says so of the files beside the database.
        case .SQLITE_IOERR where StoreFile.diskIsFull(path): self = .full(path)
        case .SQLITE_READONLY:
            self.init(
                code: .storeReadOnly,
                message:
                    "the store \(path) cannot be written (\(detail)); check the permissions of the file and its directory, "
                    + "or choose another place",
                remedy: .otherStore)
        case .SQLITE_CORRUPT:
            self = .damaged(path, detail)
        case .SQLITE_ERROR, .SQLITE_MISMATCH, .SQLITE_CONSTRAINT:
            // The statements are fixed, so they fail on tables only that no version made.
            self = .damaged(path, "its tables are not those of a store: \(detail)")
        case .SQLITE_NOTADB:
            self.init(
                code: .storeCorrupt,
                message:
                    "\(path) is not a store of runs: it is damaged or another kind of file; move it aside or choose another "
                    + "place",
                remedy: .otherStore)
        case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_AUTH:
            self.init(
                code: .storeUnavailable,
                message:
                    "the store \(path) cannot be opened (\(detail)); check that its directory exists and may be written, "
                    + "or choose another place",
                remedy: .otherStore)
        case .SQLITE_IOERR:
            self.init(
                code: .storeIO, message: "the store \(path) cannot be read or written (\(detail)); check the disk")
        case .SQLITE_NOMEM:
            self.init(
                code: .notEnoughMemory,
                message: "this process has not enough memory for what it was to read of the store \(path); give it more"
            )
        default:
            self.init(code: .storeFailed, message: "the store \(path) failed: \(detail)")
        }
    }

    static func locked(_ path: String) -> JournalError {
        JournalError(
            code: .storeLocked,
            message: "the store \(path) is locked by another process that does not let go; end that process, or wait")
    }

    /// A process of an older version has the store open.
    static func inUse(_ path: String, _ use: StoreUse) -> JournalError {
        let process = use.process > 0 ? "process \(use.process)" : "another process"
        let name = use.process > 0 ? process : "that process"
        return JournalError(
            code: .storeInUse,
            message:
                "the store \(path) is of an older version (schema \(use.schema)) and open in \(process), which could not go on with "
                + "it once this version has upgraded it (schema \(Schema.version)); end \(name) first, or use its version"
        )
    }

    private static func full(_ path: String) -> JournalError {
        JournalError(
            code: .storeFull,
            message:
                "the store \(path) cannot grow, the disk is full; nothing was half written; free space",
            remedy: .room)
    }

    static func damaged(_ path: String, _ detail: String) -> JournalError {
        JournalError(
            code: .storeCorrupt,
            message: "the store \(path) is damaged (\(detail)); move it aside, or save what can be read with "
                + "`sqlite3 \(path) .recover`")
    }

    static func readOnly(_ path: String, _ detail: String) -> JournalError {
        JournalError(
            code: .storeReadOnly,
            message:
                "the store \(path) cannot be written: \(detail)",
            remedy: .looking)
    }

    static func tooLarge(_ run: String) -> JournalError {
        JournalError(
            code: .entryTooLarge, message: "run \(run) made more than 900 MB at once, which the store cannot keep")
    }

    /// - Parameter schema: the one that the store has now.
    static func upgraded(_ path: String, schema: Int) -> JournalError {
        JournalError(
            code: .storeNewer,
            message:
                "the store \(path) was upgraded by a newer aikit-lua while it was open (schema \(schema), this one knows up to "
                + "\(Schema.version)); it is whole, restart this process with that version")
    }

    /// An error of a connection to the store at `path` that was open when it came: one of a store that a newer version has upgraded
    /// is of that, whatever failed.
    init(_ error: any Error, store path: String, _ database: Database) {
        if !(error is JournalError), let schema = try? database.newerSchema() {
            self = .upgraded(path, schema: schema)
        } else {
            self.init(error, store: path)
        }
    }

    static func closed(_ path: String) -> JournalError {
        JournalError(code: .storeClosed, message: "the store \(path) has been closed")
    }
}

extension Database {
    /// The schema of the store if it is newer than this version's.
    func newerSchema() throws -> Int? {
        let schema = try Int.fetchOne(self, sql: "PRAGMA user_version") ?? 0
        return schema > Schema.version ? schema : nil
    }
}
