internal import FlatValue
internal import GRDB
internal import GRDBSQLite
internal import Platform
internal import WorkflowEngine

/// The files of a store as they were when it was opened.
///
/// SQLite goes on writing into a file that somebody has deleted, truncated or overwritten, and everything written then is lost.
/// So the writer asks before each commit whether its files are still in their place, and still what SQLite has made of them.
struct StoreFile {
    let path: StorePath
    private var database: Identity?
    private var log: Identity?
    private var contents: Contents?

    /// The file of the database, and how much of the log it had when it looked so.
    private struct Contents {
        var copying: LogIndex.Copying
        var size: Int64
        var changedAt: timespec
        /// Of a few pages; of all in a small store.
        var sample: UInt64
    }

    struct Identity: Equatable {
        var device: UInt64
        var inode: UInt64

        init(_ status: stat) {
            device = UInt64(truncatingIfNeeded: status.st_dev)
            inode = UInt64(truncatingIfNeeded: status.st_ino)
        }
    }

    init(path: StorePath) { self.path = path }

    /// Fails if the files are not those that were there before.
    mutating func check() throws(JournalError) {
        guard let database = Self.identity(path.file), self.database == nil || self.database == database else {
            throw JournalError(
                code: .storeDeleted,
                message:
                    "the store \(path.name) was deleted or replaced while it was open; nothing can be written any more, "
                    + "put it back or start again")
        }
        self.database = database
        // SQLite makes the write-ahead log with the first write.
        let log = Self.identity(path.beside("-wal"))
        if let known = self.log, known != log {
            throw JournalError(
                code: .storeDeleted,
                message:
                    "the write-ahead log \(path.shown("-wal")) was deleted while the store was open; start again, runs go on from "
                    + "what the store still has")
        }
        self.log = log
    }

    /// Fails if something other than SQLite has written into the files. Called inside a transaction that may write.
    ///
    /// The database is written only while a connection copies the log into it, which the index of the log tells. The time of
    /// its last change says where to look: by itself it proves nothing, as it can be set.
    mutating func checkContents(_ connection: Database) throws(JournalError) {
        guard let file = connection.file(SQLITE_FCNTL_FILE_POINTER), let index = LogIndex(of: file) else { return }
        if let log = connection.file(SQLITE_FCNTL_JOURNAL_POINTER), !index.isEnd(of: log) {
            throw overwritten("-wal")
        }
        guard let now = look(file, index) else { return }
        if let contents, contents.copying == now.copying, contents.size != now.size || contents.sample != now.sample {
            throw overwritten("")
        }
        contents = now
    }

    /// Notes what the database looks like after this connection, or another one, has written into it.
    mutating func noteContents(_ connection: Database) {
        guard let file = connection.file(SQLITE_FCNTL_FILE_POINTER), let index = LogIndex(of: file),
            index.copying != contents?.copying, let now = look(file, index)
        else { return }
        contents = now
    }

    /// Nil while a connection copies, and where one was stopped while it did.
    private func look(_ file: UnsafeMutablePointer<sqlite3_file>, _ index: LogIndex) -> Contents? {
        let copying = index.copying
        var status = stat()
        guard copying.isAtRest, stat(path.file, &status) == 0 else { return nil }
        #if canImport(Darwin)
            let changedAt = status.st_mtimespec
        #else
            let changedAt = status.st_mtim
        #endif
        let size = Int64(status.st_size)
        if let contents, contents.copying == copying, contents.size == size,
            contents.changedAt.tv_sec == changedAt.tv_sec, contents.changedAt.tv_nsec == changedAt.tv_nsec
        {
            return contents
        }
        let sample = index.sample(of: file, size: size)
        // Copying that began meanwhile explains what has changed.
        guard index.copying == copying else { return nil }
        return Contents(copying: copying, size: size, changedAt: changedAt, sample: sample)
    }

    /// - Parameter end: of the file's name.
    private func overwritten(_ end: String) -> JournalError {
        JournalError(
            code: .storeOverwritten,
            message:
                "\(path.shown(end)) was truncated or overwritten while the store was open; nothing can be written any more. End all "
                + "processes that use the store, remove \(path.shown("-wal")) and put \(path.shown("")) back from a copy"
        )
    }

    static func identity(_ path: String) -> Identity? {
        var status = stat()
        return stat(path, &status) == 0 ? Identity(status) : nil
    }

    static func identity(_ file: Int32) -> Identity? {
        var status = stat()
        return fstat(file, &status) == 0 ? Identity(status) : nil
    }

    /// Permissions of a new store: what runs carry is for nobody but their owner.
    static let ownerOnly: mode_t = 0o600

    /// Refuses names that SQLite, or somebody used to other databases, takes for anything but a file.
    static func checkName(_ path: String) throws(JournalError) {
        let problem: String
        var remedy: JournalError.Remedy?
        if path.isEmpty {
            problem = "a store needs a name, got an empty one"
        } else if path.utf8.contains(0) {
            problem = "the name of a store cannot contain a zero byte"
        } else if path == ":memory:" {
            problem = "a store is a file, and :memory: is none"
            remedy = .storeInMemory
        } else if let scheme = scheme(of: path) {
            problem = "a store is a file, and stores of the kind \(scheme): are not known; give the path of a file"
        } else {
            return
        }
        throw JournalError(code: .storeUnavailable, message: problem, remedy: remedy)
    }

    /// Whether the file system of a store has hardly a page left.
    static func diskIsFull(_ path: String) -> Bool {
        var info = statvfs()
        return statvfs(path, &info) == 0 && UInt64(info.f_bavail) * UInt64(info.f_frsize) < 64 << 10
    }

    /// The ends of the names of the files that SQLite and this adapter keep beside a store.
    private static let ends = ["-wal", "-shm", "-journal", OwnerLocks.end]

    /// Refuses what is there and is no file: a pipe would keep whoever opens it, a device has no end. Refuses names of which one is
    /// that of a file beside the other one: whoever uses that one overwrites this one.
    static func checkKind(_ path: StorePath) throws(JournalError) {
        var info = stat()
        let isThere = stat(path.file, &info) == 0
        let kind = info.st_mode & S_IFMT
        if !isThere, let end = ends.first(where: path.file.ends(with:)) {
            throw JournalError(
                code: .storeUnavailable,
                message:
                    "a store cannot be called \(path.name): files whose names end in \(end) belong to other stores",
                remedy: .otherStore)
        }
        if !isThere, stat(path.beside("-wal"), &info) == 0, info.st_size > 0 {
            throw JournalError(
                code: .storeUnavailable,
                message:
                    "\(path.name) is not there, and \(path.shown("-wal")) still holds what was last written to it; put \(path.name) back, "
                    + "or move \(path.shown("-wal")) away for a new store")
        }
        for end in ends where isDatabase(path.beside(end)) {
            throw JournalError(
                code: .storeUnavailable,
                message:
                    "\(path.shown(end)) is a database of its own, and would be lost once \(path.name) is used; move it away"
            )
        }
        guard isThere, kind != S_IFREG else { return }
        let isDirectory = kind == S_IFDIR
        let obstacle = isDirectory ? "a directory; name a file in it" : "no regular file; name another one"
        throw JournalError(
            code: .storeUnavailable, message: "a store is a file, and \(path.name) is \(obstacle)",
            remedy: isDirectory ? nil : .otherStore)
    }

    /// Whether a file begins as databases of SQLite do.
    private static func isDatabase(_ file: String) -> Bool {
        let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        let magic = Array("SQLite format 3\0".utf8)
        var start = [UInt8](repeating: 0, count: magic.count)
        return read(descriptor, &start, start.count) == start.count && start == magic
    }

    /// The scheme of a URL; a path that begins with `./` has none.
    private static func scheme(of path: String) -> Substring? {
        guard let colon = path.firstIndex(of: ":") else { return nil }
        let scheme = path[..<colon]
        guard scheme.first?.isLetter == true,
            scheme.utf8.allSatisfy({ byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
                case UInt8(ascii: "0")...UInt8(ascii: "9"): true
                default: byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
                }
            }),
            scheme.lowercased() == "file" || path[colon...].hasPrefix("://")
        else { return nil }
        return scheme
    }

    /// Makes an empty file, for SQLite to fill, where no store is: by itself SQLite makes one that others may read.
    ///
    /// The write-ahead log and its index take the permissions of the database.
    static func make(_ path: StorePath, hiddenFromGit: Bool) throws(JournalError) {
        if isDirectory(path.file) != nil { return }
        try makeDirectory(of: path.file, for: path)
        let file = open(path.file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, ownerOnly)
        // Another process was faster, or SQLite finds the same obstacle and names it.
        guard file >= 0 else { return }
        // The mask of the process may have taken away too much.
        fchmod(file, ownerOnly)
        close(file)
        if hiddenFromGit {
            writeFile("\(path.folder).gitignore", "\(path.last)*\n")
        }
    }

    /// The permissions that files beside the database need: those who may use the one have to use the other.
    static func permissions(beside path: StorePath) -> mode_t {
        var status = stat()
        guard stat(path.file, &status) == 0 else { return ownerOnly }
        return status.st_mode & 0o666
    }

    /// Nil where nothing is.
    private static func isDirectory(_ path: String) -> Bool? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & S_IFMT == S_IFDIR : nil
    }

    /// Makes the directory that the store lies in, and those above it.
    private static func makeDirectory(of path: String, for store: StorePath) throws(JournalError) {
        guard let slash = path.lastPlace(of: "/"), slash > path.startIndex else { return }
        let directory = String(path[..<slash])
        if let found = isDirectory(directory) {
            if found { return }
            throw JournalError(
                code: .storeUnavailable,
                message:
                    "the store \(store.name) cannot be made: \(directory) is a file and no directory; move it aside, or choose "
                    + "another place",
                remedy: .otherStore)
        }
        try makeDirectory(of: directory, for: store)
        guard mkdir(directory, 0o777) == 0 || errno == EEXIST else {
            throw JournalError(
                code: .storeUnavailable,
                message:
                    "the directory \(directory) for the store cannot be made: \(String(cString: strerror(errno))); "
                    + "choose another place",
                remedy: .otherStore)
        }
        // The name of the directory has to survive a loss of power as well.
        let parent = open(directory + "/..", O_RDONLY | O_CLOEXEC)
        if parent >= 0 {
            fsync(parent)
            close(parent)
        }
    }

    /// Writes a small file that nothing depends on.
    private static func writeFile(_ path: String, _ text: String) {
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard file >= 0 else { return }
        var text = text
        text.withUTF8 { _ = write(file, $0.baseAddress, $0.count) }
        close(file)
    }
}
