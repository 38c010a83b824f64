internal import GRDB
internal import Platform
internal import Synchronization
internal import WorkflowEngine

/// A process that has a store open whose schema is older than this version's: it could not go on with the store after an upgrade.
struct StoreUse {
    /// 0 where the system does not say, as for one in another container.
    var process: Int32
    /// That of the store.
    var schema: Int
    /// Somebody writes to the store at this moment, which may be the upgrade by a process of this version.
    var isWriting: Bool

    /// The files that this process opens at the moment.
    private static let opening = Mutex<Set<String>>([])

    /// Has this process open a store for writing by one thread at a time.
    ///
    /// - Returns: false while another thread does so; no ``end(_:)`` belongs to that.
    static func begin(_ path: StorePath) -> Bool { opening.withLock { $0.insert(path.file).inserted } }

    static func end(_ path: StorePath) { _ = opening.withLock { $0.remove(path.file) } }

    /// The process that has a store of an older schema open; nil for none, and where that cannot be found out.
    ///
    /// To be called between ``begin(_:)`` and ``end(_:)``, before the store is opened: the system lets go of all locks of a process on
    /// a file with any descriptor of it. A store that this process has open is of the newest schema by that, and not looked at by
    /// hand.
    static func olderVersion(of path: StorePath) -> StoreUse? {
        guard access(path.beside("-shm"), F_OK) == 0, let schema = olderSchema(of: path) else { return nil }
        let descriptor = openFile(path.beside("-shm"), O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        // `WALINDEX_LOCK_OFFSET`, the lock of who writes; each process that has the store open holds the one 8 bytes after it.
        let isWriting = holder(of: 120, descriptor) != nil
        return holder(of: 128, descriptor).map { StoreUse(process: $0, schema: schema, isWriting: isWriting) }
    }

    private static func olderSchema(of path: StorePath) -> Int? {
        let options = SQLiteJournalOptions(lockTimeout: 1_000_000)
        guard let connection = try? StoreDatabase.reader(path, options) else { return nil }
        defer { try? connection.close() }
        return try? connection.read { database -> Int? in
            let application = try Int32.fetchOne(database, sql: "PRAGMA application_id") ?? 0
            let schema = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
            return application == Schema.applicationID && schema > 0 && schema < Schema.version ? schema : nil
        }
    }

    /// The other process that has a lock on a byte of a file; 0 where the system does not say which.
    private static func holder(of byte: Int64, _ descriptor: Int32) -> Int32? {
        var lock = flock()
        lock.l_type = numericCast(F_WRLCK)
        lock.l_whence = numericCast(SEEK_SET)
        lock.l_start = numericCast(byte)
        lock.l_len = 1
        guard fcntl(descriptor, F_GETLK, &lock) == 0, Int32(lock.l_type) != Int32(F_UNLCK) else { return nil }
        return max(lock.l_pid, 0)
    }
}

private func openFile(_ path: String, _ flags: Int32) -> Int32 { open(path, flags) }
