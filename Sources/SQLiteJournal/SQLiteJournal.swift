internal import Platform
public import WorkflowEngine

/// Runs in one SQLite file, which any number of processes may share.
///
/// An entry that was acknowledged survives the end of the process, and with ``SQLiteJournalOptions/Durability/full`` the loss of power.
/// Beside the file `runs.db` lie `runs.db-wal` and `runs.db-shm`, which are part of the store, and `runs.db-owners`, by which
/// processes see each other. The caller ends with ``close()``.
///
/// ```swift
/// let journal = try SQLiteJournal(path: ".aikit/runs.db")
/// ```
public final class SQLiteJournal: RunJournal, Sendable {
    /// As it was given. Symbolic links in it are followed once: the other files lie beside the file that it leads to.
    public var path: String { storeName.text }
    let storeName: StoreName
    let options: SQLiteJournalOptions
    let clock: any EngineClock
    let writer: WriterThread
    let reader: Reader
    /// The store is only looked at.
    let isView: Bool

    /// Fails with `store_unavailable` if `path` cannot name a store: stores are files, not URLs.
    public static func checkName(_ path: String) throws(JournalError) { try StoreFile.checkName(path) }

    /// Opens a store and brings it to the newest schema.
    public init(
        path: String, options: SQLiteJournalOptions = SQLiteJournalOptions(), clock: any EngineClock = SystemClock()
    ) throws(JournalError) {
        storeName = StoreName(path)
        self.options = options
        self.clock = clock
        isView = false
        reader = Reader(name: storeName, options: options)
        writer = WriterThread(name: storeName, options: options, clock: clock)
        try writer.open()
    }

    /// Opens a store while its caller does something else; what cannot be opened fails at its first use.
    ///
    /// A store that is not there yet is made when something is first written to it.
    public init(
        deferring path: String, options: SQLiteJournalOptions = SQLiteJournalOptions(),
        clock: any EngineClock = SystemClock()
    ) {
        storeName = StoreName(path)
        self.options = options
        self.clock = clock
        isView = false
        reader = Reader(name: storeName, options: options)
        writer = WriterThread(name: storeName, options: options, clock: clock)
        writer.openLater()
    }

    /// Opens a store to look at it, though its files may not be written: another user's store, one on read-only media. Nothing
    /// is made or changed beside them, and whatever would write fails with `store_read_only`.
    public init(
        viewing path: String, options: SQLiteJournalOptions = SQLiteJournalOptions(),
        clock: any EngineClock = SystemClock()
    ) {
        storeName = StoreName(path)
        self.options = options
        self.clock = clock
        isView = true
        reader = Reader(name: storeName, options: options, isView: true)
        writer = WriterThread(name: storeName, options: options, clock: clock)
    }

    /// Whether this process may write a store; also true where there is none yet.
    public static func mayWrite(_ path: String) -> Bool { (try? StorePath(path)).flatMap(StoreView.obstacle) == nil }

    /// Whether another process has a store of an older schema open, which could not go on with it after an upgrade.
    package static func isOpenInOlderVersion(_ path: String) -> Bool {
        // A store that this process just opens is opened, or refused, by that.
        guard let path = try? StorePath(path), StoreUse.begin(path) else { return false }
        defer { StoreUse.end(path) }
        return StoreUse.olderVersion(of: path) != nil
    }

    /// The file that the name of a store leads to through symbolic links, also of a store that is not there yet; the name where
    /// it leads nowhere.
    package static func file(of name: String) -> String { (try? StorePath(name).file) ?? name }

    /// How many hard links the file of a store has; 0 where there is none.
    package static func hardLinks(of name: String) -> Int {
        var status = stat()
        return stat(name, &status) == 0 && status.st_mode & S_IFMT == S_IFREG ? Int(status.st_nlink) : 0
    }

    deinit { _ = writer.queue.post(.close({}), closing: true) }

    package func submit(
        _ batch: JournalBatch, answer: @escaping @Sendable (JournalBatch, [JournalOutcome]) -> Void
    ) {
        if isView {
            answer(batch, Array(repeating: .failed(readOnly), count: batch.entries.count))
        } else if !writer.queue.post(.batch(batch, answer)) {
            answer(batch, Array(repeating: .failed(.closed(path)), count: batch.entries.count))
        }
    }

    package func close() async {
        // The last connection to go tidies up, and one that only reads cannot.
        await reader.close()
        if isView { return }
        await withCheckedContinuation { continuation in
            if !writer.queue.post(.close({ continuation.resume() }), closing: true) { continuation.resume() }
        }
    }

    /// Runs `body` on the writer's thread.
    func onWriter<Result: Sendable>(
        _ body: @escaping @Sendable (Writer) throws(JournalError) -> Result
    ) async throws(JournalError) -> Result {
        if isView { throw readOnly }
        let result: Swift.Result<Result, JournalError> = await withCheckedContinuation { continuation in
            let isOpen = writer.queue.post(
                .job { writer in
                    continuation.resume(
                        returning: Swift.Result { () throws(JournalError) in try body(try writer.get()) })
                })
            if !isOpen { continuation.resume(returning: .failure(.closed(path))) }
        }
        return try result.get()
    }

    /// Waits until a store whose opening was deferred is there to be read.
    func opened() async throws(JournalError) {
        if isView || writer.isOpen { return }
        try await onWriter { _ in }
    }

    private var readOnly: JournalError {
        .readOnly(path, (try? storeName.resolved()).flatMap(StoreView.obstacle) ?? "it was opened to be looked at")
    }
}
