internal import Platform

/// Disk space that a store holds back, so that runs can be pruned when the disk is full: deleting needs room for a log first.
///
/// The space is that of the file of the owners' locks, whose contents beyond its first page mean nothing.
enum StoreReserve {
    private static let size: off_t = 256 << 10
    private static let kept: off_t = 4096

    /// Takes the space, if there is room; a reserve that cannot be had is no error.
    static func make(_ file: Int32) {
        var status = stat()
        guard fstat(file, &status) == 0, status.st_size < size else { return }
        #if !canImport(Darwin)
            if posix_fallocate(file, 0, size) != 0 { ftruncate(file, min(status.st_size, kept)) }
        #endif
    }

    /// Gives the space back; false if there was none.
    static func release(_ file: Int32) -> Bool {
        var status = stat()
        guard fstat(file, &status) == 0, status.st_size > kept else { return false }
        return ftruncate(file, kept) == 0
    }

    /// Gives the space of a store back that cannot even be opened for want of it.
    static func release(of store: StorePath) -> Bool {
        let file = open(OwnerLocks.path(of: store), O_RDWR | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        return release(file)
    }
}
