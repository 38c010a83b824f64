internal import GRDB
internal import Platform
package import WorkflowEngine

/// The saving of a store in a new file.
package enum StoreBackup {
    /// Copies a store page by page into a new file, as it was at one moment, while others read and write it. Runs that they drive
    /// belong to them in the copy as well, where nobody holds their locks.
    ///
    /// - Parameter name: what the copy is called to people.
    /// - Throws: `store_full`, `store_locked` and what else a store may throw; what stands at the new place then is no store.
    package static func make(of source: String, in copy: String, named name: String) throws(JournalError) {
        let path = try StorePath(source)
        try StoreFile.checkKind(path)
        if access(path.file, F_OK) != 0 { throw StoreDatabase.missing(path.name) }
        let descriptor = open(copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw JournalError(
                code: .storeUnavailable, message: "cannot make \(name): \(String(cString: strerror(errno)))")
        }
        close(descriptor)
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        let from: DatabaseQueue
        do {
            from = try DatabaseQueue(path: path.file, configuration: configuration)
            // What is no store, and what is damaged at its beginning, shows here.
            try from.read { try StoreDatabase.checkStore($0, path.name) }
        } catch {
            throw JournalError(error, store: path.name)
        }
        defer { try? from.close() }
        do {
            let to = try DatabaseQueue(path: copy)
            defer { try? to.close() }
            try from.backup(to: to)
        } catch {
            let isOfSource = [.SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_BUSY].contains(
                (error as? DatabaseError)?.resultCode)
            throw JournalError(error, store: isOfSource ? path.name : name)
        }
    }
}
