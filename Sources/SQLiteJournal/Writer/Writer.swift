internal import GRDB
internal import GRDBSQLite
internal import StoredEntries
internal import WorkflowCore
internal import WorkflowEngine

/// The one thread that writes to the store, through one connection.
///
/// It takes everything that waits, writes it in one transaction and answers afterwards, so that the more there is to write at
/// once, the less a single entry costs. Everything but ``queue`` belongs to the thread.
final class Writer: @unchecked Sendable {
    typealias Answer = @Sendable (JournalBatch, [JournalOutcome]) -> Void

    enum Message {
        case batch(JournalBatch, Answer)
        /// Something rarer that needs the connection; it begins its own transaction.
        case job(@Sendable (Result<Writer, JournalError>) -> Void)
        case close(@Sendable () -> Void)
    }

    let queue: Inbox<Message>
    let path: String
    let options: SQLiteJournalOptions
    let clock: any EngineClock
    let locks: OwnerLocks
    let database: Database
    var statements: WriterStatements?
    var file: StoreFile
    var owner = Ownership() { didSet { ownNumber.value = owner.number } }
    private let ownNumber: OwnNumber
    /// Generations that this journal needs even if no run of theirs is left.
    var generations: Set<String> = []
    /// The number of the next entry; it never goes back, whatever is deleted.
    var nextEntry: Int64 = 0
    /// Runs whose row in `runs` is behind their entries, and by how many entries all of them are.
    var behind: [SQLiteLease] = []
    var entriesBehind = 0
    /// The transaction has brought them up to date.
    var hasCaughtUp = false
    /// What to put back if the transaction fails, oldest first.
    var undo: [Undo] = []
    /// What waits until the store can be written again.
    var stall: Stall?
    /// The store is known to have the tables of the queue, in the transaction if there is one.
    var hasQueue = false
    /// Waits that owners which are gone have noted have been removed.
    var hasTidiedWaits = false
    var queueWatch = ClockWatch()
    /// The clock was set back, and the queue does not know it yet.
    var isQueueSetBack = false
    /// Runs whose entries were refused, and which the store still takes for this owner's.
    var givenUp: [SQLiteLease] = []
    var inbox = InboxWatch()
    /// SQLite's count of what other connections have committed, when the writer last looked.
    private var knownVersion: UInt32?
    /// The size of the write-ahead log after the last commit, in pages.
    private var logPages: Int32 = 0
    private var closed: (@Sendable () -> Void)?

    /// A run as it was before the transaction.
    struct Undo {
        private let lease: SQLiteLease
        private let row: Int64
        private let fence: Int64
        private let head: JournalHead

        init(_ lease: SQLiteLease) {
            self.lease = lease
            (row, fence, head) = (lease.row, lease.fence, lease.head)
        }

        func restore() { (lease.row, lease.fence, lease.head) = (row, fence, head) }
    }

    init(
        _ database: Database, _ queue: Inbox<Message>, _ ownNumber: OwnNumber, path place: StorePath,
        options: SQLiteJournalOptions, clock: any EngineClock
    ) throws {
        self.database = database
        self.queue = queue
        self.ownNumber = ownNumber
        path = place.name
        self.options = options
        self.clock = clock
        locks = OwnerLocks(store: place)
        file = StoreFile(path: place)
        statements = try WriterStatements(database)
    }

    // MARK: The thread

    /// Works until the queue is closed, with messages that have been taken already. Called once, where the connection may
    /// be used.
    func work(first: [Message]) {
        watchLogSize()
        var messages = first
        if !messages.isEmpty { handle(messages) }
        messages.removeAll()
        while closed == nil {
            let pause = stall?.remaining ?? patience.map { UInt64(max($0, 0)) * 1000 }
            queue.take(into: &messages, waiting: pause)
            if !messages.isEmpty { handle(messages) } else if stall == nil { idle() }
            messages.removeAll(keepingCapacity: true)
            retryStalled()
            if logPages >= options.logPages { checkpoint() }
        }
        retryStalled(atEnd: true)
        leave()
        // Statements must be gone before the connection is.
        statements = nil
    }

    /// Tells whoever closed the queue that the connection is closed as well.
    func finish() { closed?() }

    private func handle(_ messages: [Message]) {
        var first = messages.startIndex
        for (index, message) in messages.enumerated() {
            switch message {
            case .batch: continue
            case .job(let job):
                write(messages[first..<index])
                job(.success(self))
            case .close(let answer):
                write(messages[first..<index])
                closed = answer
            }
            first = index + 1
        }
        write(messages[first...])
        if inbox.isDue { deliverInbox() }
    }

    /// How long the thread sleeps while nothing comes, in microseconds.
    private var patience: Int64? {
        if !behind.isEmpty || !givenUp.isEmpty || inbox.deliver != nil && owner.number != 0 { return 50_000 }
        return owner.number == 0 ? nil : max(owner.renewAt(lease: options.lease) - clock.now(), 50_000)
    }

    /// What is done when nothing waits. None of it has to survive a loss of power, so no commit here waits for the disk, and a
    /// failure shows again with the next entry, which has somebody to tell.
    private func idle() {
        if !behind.isEmpty || !givenUp.isEmpty || owner.renewAt(lease: options.lease) <= clock.now() {
            do {
                try transaction(durable: false) {
                    try renewLease()
                    try catchUp()
                    try releaseGivenUp()
                }
                forgetGivenUp()
            } catch {}
        } else if inbox.deliver != nil, owner.number != 0, let version = try? statements?.dataVersion() {
            inbox.isDue = inbox.isDue || version != inbox.version
            inbox.version = version
        }
        if inbox.isDue { deliverInbox() }
        if logPages >= 1000 { checkpoint() }
    }

    /// The last thing: the rows are brought up to date and the runs let go.
    private func leave() {
        guard owner.number != 0 else { return }
        try? transaction(durable: false) {
            try catchUp()
            // Whoever takes these runs over sees that they were let go, and that nothing died.
            try database.execute(
                sql: "UPDATE runs SET owner = NULL WHERE status < ? AND owner = ?",
                arguments: [RunMachine.Status.firstTerminal, owner.number])
            try removeOwner()
        }
        locks.unlock(owner.number)
    }

    // MARK: Transactions

    /// Runs `body` in a transaction; if it fails, everything that the writer remembers is as before.
    ///
    /// - Parameter durable: whether the commit has to survive a loss of power, in the mode that promises it.
    func transaction<Result>(durable: Bool = true, _ body: () throws -> Result) throws(JournalError) -> Result {
        guard let statements else { throw .closed(path) }
        let relaxes = !durable && options.durability == .full
        do {
            try file.check()
            // This pragma acts when it is compiled, so that it cannot be prepared once and run often.
            if relaxes { try database.execute(sql: "PRAGMA synchronous = NORMAL") }
            defer { if relaxes { try? database.execute(sql: "PRAGMA synchronous = FULL") } }
            try statements.begin.run()
            let saved = (owner: owner, behind: behind.count, entries: entriesBehind, next: nextEntry)
            hasCaughtUp = false
            do {
                try file.checkContents(database)
                try lookAround()
                let result = try body()
                try statements.commit.run()
                file.noteContents(database)
                undo.removeAll(keepingCapacity: true)
                if hasCaughtUp { forgetBehind() }
                return result
            } catch {
                if database.isInsideTransaction { try? statements.rollback.run() }
                for record in undo.reversed() { record.restore() }
                undo.removeAll(keepingCapacity: true)
                behind.removeSubrange(min(saved.behind, behind.count)...)
                entriesBehind = min(saved.entries, entriesBehind)
                nextEntry = saved.next
                if owner.number != saved.owner.number, owner.number != 0 { locks.unlock(owner.number) }
                owner = saved.owner
                knownVersion = nil
                hasQueue = false
                throw error
            }
        } catch {
            throw JournalError(error, store: path, database)
        }
    }

    /// Reads something, outside of any transaction.
    func look<Result>(_ body: (Database) throws -> Result) throws(JournalError) -> Result {
        do { return try body(database) } catch { throw JournalError(error, store: path, database) }
    }

    /// The owners that the store knows of at this moment.
    func owners() throws -> OwnerTable { try OwnerTable(database, locks, own: owner.number, now: clock.now()) }

    /// Sees whether other processes have written, and if so, what that changes here.
    private func lookAround() throws {
        var version: UInt32 = 0
        sqlite3_file_control(database.sqliteConnection, "main", SQLITE_FCNTL_DATA_VERSION, &version)
        if version == knownVersion { return }
        // What a newer version expects of its tables is not known here.
        if let schema = try database.newerSchema() { throw JournalError.upgraded(path, schema: schema) }
        // Rows that somebody gave an impossible number do not use the numbers up.
        let newest =
            try Int64.fetchOne(database.cachedStatement(sql: "SELECT max(id) FROM entries WHERE id < 1 << 59")) ?? 0
        nextEntry = max(nextEntry, newest + 1)
        if owner.number != 0, try !isOwner() { try loseLease() }
        knownVersion = version
        inbox.isDue = inbox.deliver != nil
    }

    private func watchLogSize() {
        sqlite3_wal_hook(
            database.sqliteConnection,
            { writer, _, _, pages in
                if let writer { Unmanaged<Writer>.fromOpaque(writer).takeUnretainedValue().logPages = pages }
                return SQLITE_OK
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    private func checkpoint() {
        sqlite3_wal_checkpoint_v2(database.sqliteConnection, nil, SQLITE_CHECKPOINT_PASSIVE, nil, nil)
        file.noteContents(database)
        logPages = 0
    }
}
