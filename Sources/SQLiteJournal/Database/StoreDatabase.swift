internal import GRDB
internal import JSONSchema
internal import Platform
internal import WorkflowEngine

/// Opening the connections of a store.
enum StoreDatabase {
    /// The connection that writes, to a store of the newest schema.
    static func writer(_ path: StorePath, _ options: SQLiteJournalOptions) throws(JournalError) -> DatabaseQueue {
        try StoreFile.checkKind(path)
        if options.creates {
            try StoreFile.make(path, hiddenFromGit: options.hidesFromGit)
        } else if access(path.file, F_OK) != 0 {
            throw missing(path.name)
        }
        if let obstacle = StoreView.obstacle(path) { throw .readOnly(path.name, obstacle) }
        do throws(JournalError) {
            return try open(path, options)
        } catch  where options.usesReserve && error.isForWantOfRoom {
            // The log needs room before anything can be deleted.
            guard StoreReserve.release(of: path) else { throw error }
            return try open(path, options)
        }
    }

    static func missing(_ path: String) -> JournalError {
        JournalError(
            code: .storeMissing, message: "there is no store at \(path); name another one", remedy: .otherStore)
    }

    /// SQLite waits for no lock where two processes could wait for each other, as where both turn a new store to its log: one
    /// that begins anew gets it.
    private static func open(_ path: StorePath, _ options: SQLiteJournalOptions) throws(JournalError) -> DatabaseQueue {
        let start = monotonicNanoseconds()
        while true {
            do throws(JournalError) {
                return try attempt(path, options)
            } catch {
                let limit = UInt64(clamping: options.lockTimeout) * 1000
                let time = monotonicNanoseconds() - start
                switch error.reason {
                case .storeLocked where time < limit: break
                case .storeInUse where time < min(limit, upgradeTime): break
                default: throw error
                }
            }
            usleep(.random(in: 1_000...20_000))
        }
    }

    /// How long a process of this version may have an older store open before it upgrades it, in nanoseconds.
    private static let upgradeTime: UInt64 = 1_000_000_000

    private static func attempt(_ path: StorePath, _ options: SQLiteJournalOptions) throws(JournalError)
        -> DatabaseQueue
    {
        guard StoreUse.begin(path) else { throw .locked(path.name) }
        defer { StoreUse.end(path) }
        if let use = StoreUse.olderVersion(of: path) {
            throw use.isWriting ? .locked(path.name) : .inUse(path.name, use)
        }
        do {
            let queue = try DatabaseQueue(path: path.file, configuration: configuration(options))
            try queue.inDatabase { database in
                // Pages that become free can go back to the file system. It can be said of an empty file only, and it writes.
                if try Int.fetchOne(database, sql: "PRAGMA page_count") == 0 {
                    try database.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL")
                }
                try migrate(database, path.name)
                try checkTables(database, path.name)
            }
            try queue.inDatabase { database in
                try database.execute(
                    sql: """
                        PRAGMA journal_mode = WAL;
                        PRAGMA synchronous = \(options.durability == .full ? "FULL" : "NORMAL");
                        PRAGMA wal_autocheckpoint = 0;
                        """)
            }
            return queue
        } catch {
            throw JournalError(error, store: path.name)
        }
    }

    /// The connection that only reads, beside the one that writes.
    static func reader(_ path: StorePath, _ options: SQLiteJournalOptions) throws -> DatabaseQueue {
        var configuration = configuration(options)
        configuration.readonly = true
        return try DatabaseQueue(path: path.file, configuration: configuration)
    }

    private static func configuration(_ options: SQLiteJournalOptions) -> Configuration {
        var configuration = Configuration()
        configuration.busyMode = .timeout(Double(options.lockTimeout) / 1_000_000)
        configuration.foreignKeysEnabled = false
        configuration.allowsUnsafeTransactions = true
        configuration.prepareDatabase { database in
            // Whatever somebody has put into the file runs no code.
            try database.execute(sql: "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON")
        }
        return configuration
    }

    /// Brings a store to the newest schema, in one transaction.
    private static func migrate(_ database: Database, _ path: String) throws {
        let known = try Int.fetchOne(database, sql: "PRAGMA user_version")
        let application = try Int32.fetchOne(database, sql: "PRAGMA application_id")
        if known == Schema.version, application == Schema.applicationID { return }
        // Anything else is looked at while nobody else can change it: another process may just be making the store.
        try database.execute(sql: "BEGIN IMMEDIATE")
        do {
            let version = try version(of: database, path)
            if version < Schema.version {
                for step in Schema.migrations[version...] { try database.execute(sql: step) }
                if try database.hasTable("queue") { try database.execute(sql: Schema.queueTables) }
                try database.execute(
                    sql: """
                        PRAGMA application_id = \(Schema.applicationID);
                        PRAGMA user_version = \(Schema.version);
                        """)
            }
            try database.execute(sql: "COMMIT")
        } catch {
            if database.isInsideTransaction { try? database.execute(sql: "ROLLBACK") }
            throw error
        }
    }

    /// Refuses what is no store that this version can read; nothing is changed.
    static func checkStore(_ database: Database, _ path: String) throws {
        if try version(of: database, path) == 0 {
            throw JournalError(code: .storeMissing, message: "there is no store at \(path): the file is empty")
        }
        try checkTables(database, path)
    }

    /// Refuses tables that do something by themselves, which no version makes.
    private static func checkTables(_ database: Database, _ path: String) throws {
        let strange = try String.fetchOne(
            database,
            sql: """
                SELECT type || ' ' || name FROM sqlite_master
                WHERE type NOT IN ('table', 'index') OR type = 'table' AND rootpage = 0
                """)
        if let strange { throw JournalError.damaged(path, "it has a \(strange), which no store has") }
    }

    private static func version(of database: Database, _ path: String) throws -> Int {
        let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        let application = try Int32.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        let tables = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") ?? 0
        if application != Schema.applicationID, application != 0 || version != 0 || tables != 0 {
            throw JournalError(
                code: .storeForeign,
                message: "\(path) is a database of another program; choose another place",
                remedy: .otherStore)
        }
        if version < 0 {
            throw JournalError(
                code: .storeCorrupt, message: "the store \(path) is damaged: it says that its schema is \(version)")
        }
        if version > Schema.version {
            throw JournalError(
                code: .storeNewer,
                message: "the store \(path) was written by a newer aikit-lua (schema \(version), this one knows up to "
                    + "\(Schema.version)); use that version, or another store",
                remedy: .otherStore)
        }
        return version
    }
}
