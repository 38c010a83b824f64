internal import GRDB
internal import Platform
package import WorkflowEngine

/// The saving of a store in a new file.
package enum StoreBackup {
    /// Copies a store page by page into a new file, as it was at one moment, while others read and write it. Runs that they drive
    /// belong to them in the copy as well, where nobody holds their locks.
    ///
    /// - Throws: `store_full`, `store_locked` and what else a store may throw; what stands at the new place then is no store.
    package static func make(of source: String, in copy: String) throws(JournalError) {
        let path = try StorePath(source)
        let descriptor = open(copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw JournalError(
                code: .storeUnavailable, message: "cannot make \(copy): \(String(cString: strerror(errno)))")
        }
        close(descriptor)
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        do {
            let from = try DatabaseQueue(path: path.file, configuration: configuration)
            defer { try? from.close() }
            let to = try DatabaseQueue(path: copy)
            defer { try? to.close() }
            try from.backup(to: to)
        } catch {
            throw JournalError(error, store: copy)
        }
    }
}
