internal import WorkflowEngine

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Tells at once which owners' processes are alive: each locks one byte of a file beside the store.
///
/// The system lets go of a lock when its process ends, however it ends. The locks belong to the open file, not to the process, so
/// that two journals in one process do not take each other for themselves.
final class OwnerLocks {
    private let store: String
    private let path: String
    private var descriptor: Int32 = -1

    init(store: String) {
        self.store = store
        path = store + "-owners"
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    func lock(_ owner: Int64) throws(JournalError) {
        guard prepare(), control(Self.setLock, kind: Int32(F_WRLCK), owner) != nil else {
            throw JournalError(
                code: "store_unavailable",
                message: "the file \(path) cannot be locked: \(String(cString: strerror(errno)))")
        }
    }

    func unlock(_ owner: Int64) { _ = control(Self.setLock, kind: Int32(F_UNLCK), owner) }

    /// Whether the process that locked the byte still runs.
    func isHeld(_ owner: Int64) -> Bool {
        // What cannot be told is left to the lease.
        guard prepare(), let lock = control(Self.getLock, kind: Int32(F_WRLCK), owner) else { return true }
        return Int32(lock.l_type) != Int32(F_UNLCK)
    }

    /// Makes sure that the file is open; whether it is.
    private func prepare() -> Bool {
        if descriptor >= 0 { return true }
        let permissions = StoreFile.permissions(beside: store)
        descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, permissions)
        if descriptor >= 0 {
            // The mask of the process may have taken away what others of the store need.
            fchmod(descriptor, permissions)
        } else {
            descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, permissions)
        }
        return descriptor >= 0
    }

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
