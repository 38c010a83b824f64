internal import WorkflowEngine

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// The files of a store as they were when it was opened.
///
/// SQLite goes on writing into a file that somebody has deleted, and everything written then is lost. So the
/// writer asks before each commit whether its files are still in their place.
struct StoreFile {
    let path: String
    private var database: Identity?
    private var log: Identity?

    private struct Identity: Equatable {
        var device: UInt64
        var inode: UInt64
    }

    init(path: String) { self.path = path }

    /// Fails if the files are not those that were there before.
    mutating func check() throws(JournalError) {
        guard let database = Self.identity(path), self.database == nil || self.database == database else {
            throw JournalError(
                code: "store_deleted",
                message:
                    "the store \(path) was deleted or replaced while it was open; nothing can be written any more, "
                    + "put it back or start again")
        }
        self.database = database
        // SQLite makes the write-ahead log with the first write.
        let log = Self.identity(path + "-wal")
        if let known = self.log, known != log {
            throw JournalError(
                code: "store_deleted",
                message:
                    "the write-ahead log \(path)-wal was deleted while the store was open; start again, runs go on from "
                    + "what the store still has")
        }
        self.log = log
    }

    private static func identity(_ path: String) -> Identity? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    }

    /// Makes the directory that the store lies in, and those above it.
    static func makeDirectory(of path: String, hiddenFromGit: Bool = false) throws(JournalError) {
        guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { return }
        let directory = String(path[..<slash])
        if identity(directory) != nil { return }
        try makeDirectory(of: directory)
        guard mkdir(directory, 0o777) == 0 || errno == EEXIST else {
            throw JournalError(
                code: "store_unavailable",
                message:
                    "the directory \(directory) for the store cannot be made: \(String(cString: strerror(errno))); "
                    + "choose another place with --store")
        }
        if hiddenFromGit { writeFile(directory + "/.gitignore", "*\n") }
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
