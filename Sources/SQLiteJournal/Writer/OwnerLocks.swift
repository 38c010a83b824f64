internal import Platform
internal import WorkflowEngine

/// Tells at once which owners' processes are alive: each locks one byte of a file beside the store.
///
/// The system lets go of a lock when its process ends, however it ends. The locks belong to the open file, not to the process, so
/// that two journals in one process do not take each other for themselves. The file begins with a number: owners up to it may have
/// locked their bytes in an earlier file that was deleted, so that nothing is said of them. Its blocks are the store's
/// ``StoreReserve``. Used by one thread.
final class OwnerLocks {
    private let store: StorePath
    private let path: String
    private let creates: Bool
    private var descriptor: Int32 = -1
    private var identity: StoreFile.Identity?
    /// The owner whose byte this process locks; 0 for none.
    private var own: Int64 = 0
    /// Owners up to this one are not told by their locks.
    private var untold: Int64 = 0
    /// The highest number that an owner in the store has; set before anything is asked.
    var newest: Int64 = 0

    /// - Parameter creates: makes the file if it is missing.
    init(store: StorePath, creates: Bool = true) {
        self.store = store
        self.creates = creates
        path = Self.path(of: store)
    }

    static let end = "-owners"

    static func path(of store: StorePath) -> String { store.beside(end) }

    deinit { if descriptor >= 0 { close(descriptor) } }

    func lock(_ owner: Int64) throws(JournalError) {
        guard prepare(), control(Self.setLock, kind: Int32(F_WRLCK), owner) != nil else {
            throw JournalError(
                code: .storeUnavailable,
                message: "the file \(store.shown(Self.end)) cannot be locked: \(String(cString: strerror(errno)))")
        }
        own = owner
        StoreReserve.make(descriptor)
    }

    func unlock(_ owner: Int64) {
        if own == owner { own = 0 }
        if descriptor >= 0 { _ = control(Self.setLock, kind: Int32(F_UNLCK), owner) }
    }

    /// Locks the own byte again if the file was deleted or replaced.
    func keep() { if own != 0 { _ = prepare() } }

    /// Whether the process of an owner runs; nil where the file does not tell, which leaves it to the lease.
    func isHeld(_ owner: Int64) -> Bool? {
        guard prepare(), owner > untold, let lock = control(Self.getLock, kind: Int32(F_WRLCK), owner) else {
            return nil
        }
        return Int32(lock.l_type) != Int32(F_UNLCK)
    }

    /// Makes sure that the file in its place is the open one; whether it is.
    private func prepare() -> Bool {
        if descriptor >= 0 {
            if let identity, identity == StoreFile.identity(path) { return true }
            close(descriptor)
            descriptor = -1
        }
        descriptor = open(path, (creates ? O_RDWR : O_RDONLY) | O_CLOEXEC)
        if descriptor < 0, creates, errno == ENOENT { make() }
        guard descriptor >= 0 else { return false }
        identity = StoreFile.identity(descriptor)
        untold = readUntold()
        if own != 0 { _ = control(Self.setLock, kind: Int32(F_WRLCK), own) }
        return true
    }

    /// Makes the file with its number in it, which nobody sees before it is whole.
    private func make() {
        let permissions = StoreFile.permissions(beside: store)
        let draft = "\(path).\(getpid()).\(UInt32.random(in: 0 ... .max))"
        let file = open(draft, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, permissions)
        guard file >= 0 else { return }
        // The mask of the process may have taken away what others of the store need.
        fchmod(file, permissions)
        var text = "\(newest)\n"
        let isWritten = text.withUTF8 { write(file, $0.baseAddress, $0.count) == $0.count }
        close(file)
        // Where another process was faster, its file is taken.
        if isWritten, link(draft, path) != 0, errno != EEXIST { rename(draft, path) }
        unlink(draft)
        descriptor = open(path, O_RDWR | O_CLOEXEC)
    }

    private func readUntold() -> Int64 {
        var bytes = [UInt8](repeating: 0, count: 24)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return 0 }
        let digits = bytes.prefix(count).prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        return Int64(String(decoding: digits, as: UTF8.self)) ?? 0
    }

    // MARK: The reserve

    /// Gives the reserve of disk space up; false if there is none.
    func releaseReserve() -> Bool { prepare() && StoreReserve.release(descriptor) }

    /// Takes space for the reserve again, if there is room.
    func restoreReserve() { if prepare() { StoreReserve.make(descriptor) } }

    private func control(_ command: Int32, kind: Int32, _ owner: Int64) -> flock? {
        var lock = flock()
        lock.l_type = numericCast(kind)
        lock.l_whence = numericCast(SEEK_SET)
        lock.l_start = numericCast(owner)
        lock.l_len = 1
        return fcntl(descriptor, command, &lock) == 0 ? lock : nil
    }

    #if canImport(Darwin)
        private static let getLock: Int32 = 92
        private static let setLock: Int32 = 90
    #else
        private static let getLock: Int32 = 36
        private static let setLock: Int32 = 37
    #endif
}
